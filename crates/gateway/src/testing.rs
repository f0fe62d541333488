//! An adapter that echoes requests and a raw HTTP client, for the tests of the code around adapters.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use http::{HeaderValue, Method};
use relive_wire::{Adapter, Body, Endpoint, Interface, Reply, ReplyFuture, Request};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
};

const TABLE: &[Interface] = &[Interface { name: "echo", source: "test" }];
/// Bodies up to this size are echoed.
pub(crate) const LIMIT: usize = 100_000;
/// How long `/block` waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// Owns the given paths. `/panic` panics, `/wait` waits for [`Echo::gate`], `/block` keeps its thread until a request to `/release`,
/// `/large?N` replies N bytes, all others reply at once.
pub(crate) struct Echo {
    name: &'static str,
    paths: &'static [&'static str],
    /// Each permit lets one request to `/wait` finish. Tests add permits.
    pub(crate) gate: Arc<Semaphore>,
    /// One permit for each request that has arrived. Tests take permits.
    pub(crate) arrived: Arc<Semaphore>,
    /// Whether a request to `/release` came.
    released: (Mutex<bool>, Condvar),
}

impl Echo {
    pub(crate) fn at(name: &'static str, paths: &'static [&'static str]) -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Self { name, paths, gate: closed(), arrived: closed(), released: Default::default() }
    }

    async fn answer(&self, request: &Request) -> Reply {
        self.arrived.add_permits(1);
        match request.path() {
            "/panic" => panic!("requested by a test"),
            "/wait" => self.gate.acquire().await.unwrap().forget(),
            "/block" => {
                return Reply::json("echo", 0, if self.is_released() { "released" } else { "gave up" });
            }
            "/release" => {
                *self.released.0.lock().unwrap() = true;
                self.released.1.notify_all();
            }
            "/large" => return Reply::json("echo", 0, "x".repeat(request.query().parse().unwrap())),
            _ => {}
        }
        let body = match &request.body {
            Body::Whole(bytes) => format!("{} bytes", bytes.len()),
            Body::TooLarge => "too large".to_owned(),
        };
        let text = format!(
            "{} {}?{} {body} from {}",
            request.method,
            request.path(),
            request.query(),
            request.client
        );
        let mut reply = Reply::json("echo", 0, text);
        reply.headers.insert("x-adapter", HeaderValue::from_static(self.name));
        reply
    }

    /// Waits for a request to `/release`, but not for ever.
    fn is_released(&self) -> bool {
        let (released, changed) = &self.released;
        let wait = changed.wait_timeout_while(released.lock().unwrap(), PATIENCE, |released| !*released);
        *wait.unwrap().0
    }
}

impl Adapter for Echo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn interfaces(&self) -> &'static [Interface] {
        TABLE
    }

    fn endpoint(&self, _method: &Method, path: &str) -> Option<Endpoint> {
        self.paths.contains(&path).then_some(Endpoint { body_limit: LIMIT })
    }

    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a> {
        Box::pin(self.answer(request))
    }

    fn busy(&self, _: &Request) -> Reply {
        Reply::json("echo", 90, "busy")
    }
}

/// A raw HTTP/1.1 client: it can break the protocol, which no library would do.
pub(crate) struct Client<S>(pub(crate) S);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A connection that the server has closed is noticed when the reply is read.
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// One reply: head and body, or all bytes until the connection was closed.
    pub(crate) async fn receive(&mut self) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => text.push(byte),
                Err(_) => return String::from_utf8(text).unwrap(),
            }
        }
        let head = String::from_utf8(text).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.0.read_exact(&mut body).await.unwrap();
        head + std::str::from_utf8(&body).unwrap()
    }

    pub(crate) async fn get(&mut self, path: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        self.receive().await
    }

    /// Waits until the server closes the connection; ignores bytes that still arrive.
    pub(crate) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest).await;
    }
}
