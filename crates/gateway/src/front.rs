//! Handles the requests of the main listener: client address, mount table, body, adapter, metrics, log line.

mod call;

use std::{
    future::poll_fn,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header, request::Parts,
};
use hyper::body::Incoming;
use relive_core::Client;
use relive_wire::{Body, Reply, Request};
use uuid::Uuid;

use self::call::Caller;

use crate::{
    body::{BodyReader, ReadOutcome, Rest, Sending},
    client_address::Clients,
    connection::{Gone, Handler},
    mount::{MountTable, Mounted},
    observe::series::Series,
    path::{merge_slashes, without_last_slash},
    unsent::{ReplyBody, SMALL_REPLY_BYTES, UnsentBudget, UnsentPermit},
};

/// Body limit of a request whose path no adapter owns.
const UNOWNED_BODY_BYTES: usize = 64 * 1024;

/// A request answered faster than this has most likely not yielded to other tasks, so it yields once before its reply
/// is sent. A wrong guess costs one more system call or delays the reply a little.
const YIELD_BELOW: Duration = Duration::from_micros(50);

/// Answers every request of the main listener.
pub(crate) struct Front {
    mounts: MountTable,
    /// Metrics of each adapter, in the order of the list from which the mount table was built.
    series: Vec<Series>,
    /// Metrics of requests that no adapter answered.
    unowned: Series,
    clients: Clients,
    bodies: BodyReader,
    caller: Caller,
    unsent: Arc<UnsentBudget>,
    /// The id of the next request. Begins with a random number, so that ids differ between gateways and between starts.
    next_id: AtomicU64,
}

impl Front {
    /// `deadline` is how long a call may take after its body was read.
    pub(crate) fn new(
        mounted: &[Mounted],
        clients: Clients,
        bodies: BodyReader,
        deadline: Duration,
        unsent: Arc<UnsentBudget>,
        instance: Uuid,
    ) -> Self {
        Self {
            mounts: MountTable::new(mounted),
            series: mounted
                .iter()
                .map(|row| Series::new(row.adapter.name(), row.adapter.interfaces()))
                .collect(),
            unowned: Series::new("none", &[]),
            clients,
            bodies,
            caller: Caller::new(deadline),
            unsent,
            // Half of the range is left to count.
            next_id: AtomicU64::new(instance.as_u64_pair().1 >> 1),
        }
    }
}

impl Handler for Front {
    async fn answer(
        &self,
        peer: IpAddr,
        request: http::Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Gone> {
        let start = Instant::now();
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (mut parts, mut body) = request.into_parts();
        if !names_its_host(&parts) {
            self.unowned.record("unknown", 400, start.elapsed());
            return Ok(closing(id, StatusCode::BAD_REQUEST, parts.version));
        }
        let (address, is_exempt) = self.clients.of(peer, &parts.headers);
        let client = Client { address, is_exempt };
        let version = parts.version;
        parts.uri = merge_slashes(parts.uri);
        let mut target = self.mounts.find(&parts.method, parts.uri.path());
        if target.is_none()
            && let Some(uri) = without_last_slash(&parts.uri)
        {
            target = self.mounts.find(&parts.method, uri.path());
            if target.is_some() {
                parts.uri = uri;
            }
        }
        let limit = target.map_or(UNOWNED_BODY_BYTES, |target| target.endpoint.body_limit);
        let expects = parts.headers.contains_key(header::EXPECT);
        let sending = if expects { Sending::AfterContinue } else { Sending::AtOnce };
        let mut has_memory = true;
        let (body, _memory, mut reusable) = match self.bodies.read(&mut body, client, limit, sending).await {
            ReadOutcome::Done(body, memory) => (body, memory, true),
            ReadOutcome::Unread => (Body::TooLarge, None, false),
            ReadOutcome::Busy(rest) => {
                has_memory = false;
                (Body::TooLarge, None, rest == Rest::Dropped)
            }
            ReadOutcome::TimedOut => {
                self.unowned.record("unknown", 408, start.elapsed());
                return Ok(closing(id, StatusCode::REQUEST_TIMEOUT, version));
            }
            ReadOutcome::Gone => return Err(Gone),
        };
        let (series, adapter, (reply, permit)) = match target {
            _ if parts.method == Method::OPTIONS => {
                (&self.unowned, "none", self.count_small(client, version, preflight()))
            }
            Some(target) => {
                let request = Request {
                    method: parts.method,
                    uri: parts.uri,
                    mount_len: target.mount_len,
                    headers: parts.headers,
                    body,
                    client: address,
                    is_exempt,
                };
                let series = self.series.get(target.index).unwrap_or(&self.unowned);
                let reply = if has_memory {
                    self.caller.call(target.adapter, &request).await
                } else {
                    target.adapter.busy(&request)
                };
                let counted = self.count(client, version, reply, || target.adapter.busy(&request));
                (series, target.adapter.name(), counted)
            }
            None => {
                let unknown = self.mounts.unknown(parts.uri.path());
                (&self.unowned, "none", self.count_small(client, version, unknown))
            }
        };
        let elapsed = start.elapsed();
        series.record(reply.interface, reply.code, elapsed);
        if tracing::enabled!(tracing::Level::DEBUG) {
            tracing::debug!(
                id,
                adapter,
                interface = reply.interface,
                code = reply.code,
                status = reply.status.as_u16(),
                latency_ms = f64::from(u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)) / 1_000.0,
                client = %address,
                "request"
            );
        }
        reusable |= version == Version::HTTP_2;
        if elapsed < YIELD_BELOW {
            yield_once().await;
        }
        Ok(respond(id, reply, permit, reusable))
    }
}

impl Front {
    /// Counts a reply that may wait before it is sent; a large one becomes "busy" if there is no memory for it.
    fn count(
        &self,
        client: Client,
        version: Version,
        reply: Reply,
        busy: impl FnOnce() -> Reply,
    ) -> (Reply, Option<UnsentPermit>) {
        if reply.body.len() <= SMALL_REPLY_BYTES {
            return self.count_small(client, version, reply);
        }
        match self.unsent.reserve(client, reply.body.len()) {
            Some(permit) => (reply, Some(permit)),
            None => self.count_small(client, version, Reply { interface: reply.interface, ..busy() }),
        }
    }

    /// Counts a reply that is never refused. Over HTTP/1 it is written at once, or it is the only one that waits on its connection.
    fn count_small(&self, client: Client, version: Version, reply: Reply) -> (Reply, Option<UnsentPermit>) {
        let bytes = (version == Version::HTTP_2).then_some(reply.body.len());
        let permit = bytes.and_then(|bytes| self.unsent.reserve(client, bytes));
        (reply, permit)
    }
}

/// Whether a request names the host that it is for as HTTP demands (RFC 9112 §3.2): a proxy may think otherwise than this server
/// which of two it is.
fn names_its_host(parts: &Parts) -> bool {
    let hosts = if parts.version == Version::HTTP_11 { 1..=1 } else { 0..=1 };
    hosts.contains(&parts.headers.get_all(header::HOST).iter().count())
}

/// Lets requests that arrived together with this one be answered before the first reply is sent. The replies then leave
/// in one burst, and their receivers, the kernel included, wake up once for many replies.
async fn yield_once() {
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

fn respond(id: u64, reply: Reply, permit: Option<UnsentPermit>, reusable: bool) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody { bytes: reply.body, permit });
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    add_common_headers(&mut response, id);
    if !reusable {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The id of a request, which is also in its log line.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds the id of the request, and lets every web page read the reply (CORS). No dialect has cookies: a page can only send
/// what its user gave to it.
fn add_common_headers(response: &mut Response<ReplyBody>, id: u64) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from(id));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The request headers that pages of another origin may send (CORS): those that the clients of all dialects send, and those
/// that the original servers allowed (contract roomservice §2).
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Type, Liteav-Sig, Authorization, X-Requested-With, Access-Control-Allow-Headers",
);

/// The reply to a browser that asks what a page of another origin may send (CORS).
fn preflight() -> Reply {
    let headers = HeaderMap::from_iter([
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, OPTIONS")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ]);
    Reply { status: StatusCode::OK, headers, body: Bytes::new(), interface: "unknown", code: 0 }
}

/// The reply to a request that breaks HTTP or comes too slowly: a status without an envelope, after which the connection is closed.
fn closing(id: u64, status: StatusCode, version: Version) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::default());
    *response.status_mut() = status;
    add_common_headers(&mut response, id);
    if version != Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

#[cfg(test)]
mod tests;
