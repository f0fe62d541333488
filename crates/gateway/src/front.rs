//! The main listener's way from request to reply: mount table, body, client address, adapter, metrics, log line.

use std::{
    future::poll_fn,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use relive_wire::{Body, Reply, Request};
use uuid::Uuid;

use crate::{
    body::{BodyReader, Read},
    client_address::TrustedProxies,
    connection::{Gone, Handler},
    mount::{MountTable, Mounted},
    observe::series::Series,
};

/// How much of a body nobody wants is read before the reply.
const UNWANTED: usize = 64 * 1024;

/// Who took longer than this to answer has most likely waited for something, and let others go first that way. Wrong
/// guesses cost a system call more or an answer that waits a little longer.
const WAITED: Duration = Duration::from_micros(50);

/// Answers every request of the main listener.
pub(crate) struct Front {
    mounts: MountTable,
    /// One per adapter, in the order of the list the table was made from.
    series: Vec<Series>,
    nobody: Series,
    proxies: TrustedProxies,
    bodies: BodyReader,
    /// Tells this gateway's log lines from its siblings' and from those before a restart.
    instance: Uuid,
    requests: AtomicU64,
}

impl Front {
    pub(crate) fn new(
        mounted: &[Mounted],
        proxies: TrustedProxies,
        bodies: BodyReader,
        instance: Uuid,
    ) -> Self {
        Self {
            mounts: MountTable::new(mounted),
            series: mounted
                .iter()
                .map(|row| Series::new(row.adapter.name(), row.adapter.interfaces()))
                .collect(),
            nobody: Series::new("none", &[]),
            proxies,
            bodies,
            instance,
            requests: AtomicU64::new(0),
        }
    }
}

impl Handler for Front {
    async fn answer(
        &self,
        peer: IpAddr,
        request: http::Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Gone> {
        let start = Instant::now();
        let (parts, mut body) = request.into_parts();
        let client = self.proxies.client(peer, &parts.headers);
        let target = self.mounts.find(&parts.method, parts.uri.path());
        let limit = target.map_or(UNWANTED, |target| target.endpoint.body_limit);
        let waiting = parts.headers.contains_key(header::EXPECT);
        let (body, _permit, mut reusable) = match self.bodies.read(&mut body, limit, waiting).await {
            Read::Done(body, permit) => (body, permit, true),
            Read::Unread => (Body::TooLarge, None, false),
            Read::TimedOut => {
                self.nobody.record("unknown", 408, start.elapsed());
                return Ok(timed_out(parts.version));
            }
            Read::Gone => return Err(Gone),
        };
        let (series, adapter, reply) = match target {
            Some(target) => {
                let request = Request {
                    method: parts.method,
                    uri: parts.uri,
                    mount_len: target.mount_len,
                    headers: parts.headers,
                    body,
                    client,
                };
                let series = self.series.get(target.index).unwrap_or(&self.nobody);
                (series, target.adapter.name(), target.adapter.call(request).await)
            }
            None => (&self.nobody, "none", self.mounts.unknown(parts.uri.path())),
        };
        let elapsed = start.elapsed();
        series.record(reply.interface, reply.code, elapsed);
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(
                id = %format_args!("{}-{}", self.instance.simple(), self.requests.fetch_add(1, Ordering::Relaxed)),
                adapter,
                interface = reply.interface,
                code = reply.code,
                status = reply.status.as_u16(),
                latency_ms = f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1_000.0,
                %client,
                "request"
            );
        }
        reusable |= parts.version == Version::HTTP_2;
        if elapsed < WAITED {
            others_first().await;
        }
        Ok(respond(reply, reusable))
    }
}

/// Lets requests that arrived together with this one be answered before the first reply is sent: replies then leave one
/// right after the other, and whoever reads them, the kernel included, wakes up once for many.
async fn others_first() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn respond(reply: Reply, reusable: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    if !reusable {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The client was too slow with its body. What it wanted is not known, so neither is an envelope.
fn timed_out(version: Version) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    if version != Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests;
