//! A listening socket: accepts, refuses and serves connections, and drains them when the server stops.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use metrics::counter;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    connection::{self, Activity, Handler, Http2, Protocol, Timeouts},
    limits::ConnectionLimits,
};

/// How long requests under way may take after the server is told to stop.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Most bytes of replies that the kernel keeps for a connection beside those under way to its client: it would take megabytes, which no
/// budget of this process counts.
#[cfg(target_os = "linux")]
const KERNEL_BYTES: u32 = 128 * 1024;

/// A bound socket that does not serve yet.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Metric label and log field.
    pub(crate) name: &'static str,
    pub(crate) socket: TcpListener,
    pub(crate) limits: Arc<ConnectionLimits>,
    pub(crate) timeouts: Timeouts,
    pub(crate) http2: Http2,
}

impl Listener {
    /// The bound address, with the port the system chose if port 0 was configured.
    pub(crate) fn address(&self) -> std::io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves until `stop` is set or its sender is dropped, then lets requests under way finish, for at most
    /// [`DRAIN_TIMEOUT`].
    pub(crate) async fn run<H: Handler>(self, handler: Arc<H>, mut stop: watch::Receiver<bool>) {
        let protocol = Arc::new(Protocol::new(self.http2));
        let mut connections = JoinSet::new();
        let stopping = stop.clone();
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let mut stopped = std::pin::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = self.socket.accept() => accepted,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    report_panic(self.name, ended);
                    continue;
                }
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.admit(stream, peer, &protocol, &handler, &stopping, &mut connections);
                }
                Err(error) => {
                    // Most likely file descriptors ran out: wait for connections to end instead of spinning.
                    tracing::warn!(listener = self.name, error = %error, "cannot accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(self.socket);
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                report_panic(self.name, ended);
            }
        };
        if timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!(listener = self.name, "closed connections whose requests took too long to finish");
        }
        connections.shutdown().await;
    }

    fn admit<H: Handler>(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        protocol: &Arc<Protocol>,
        handler: &Arc<H>,
        stopping: &watch::Receiver<bool>,
        connections: &mut JoinSet<()>,
    ) {
        let activity = Arc::new(Activity::new());
        let permit = match self.limits.admit(peer.ip(), &activity) {
            Ok(permit) => permit,
            Err(refused) => {
                counter!("relive_connections_refused_total", "listener" => self.name, "limit" => refused.label())
                    .increment(1);
                return;
            }
        };
        // Replies are written whole: Nagle's algorithm would only delay them.
        let _ = stream.set_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(&stream).set_tcp_notsent_lowat(KERNEL_BYTES);
        let (protocol, handler, timeouts) = (Arc::clone(protocol), Arc::clone(handler), self.timeouts);
        let stopping = stopping.clone();
        connections.spawn(async move {
            let _permit = permit;
            connection::serve(&protocol, stream, peer.ip(), handler, timeouts, stopping, activity).await;
        });
    }
}

/// Counts and logs a panic, which ends its connection but not the server.
fn report_panic(listener: &'static str, ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        counter!("relive_panics_total").increment(1);
        tracing::error!(listener, "a connection was closed because its request panicked");
    }
}
