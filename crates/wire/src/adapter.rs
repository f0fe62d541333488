//! The interface between the gateway and a protocol adapter.

use std::{future::Future, net::IpAddr, pin::Pin};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use crate::Interface;

/// A protocol adapter: owns some paths and answers every request on these paths in its own envelope.
///
/// The gateway asks [`Adapter::endpoint`] first, reads the body up to that endpoint's limit, and then calls
/// [`Adapter::call`]. A call cannot fail: bad input is answered with a reply, too.
pub trait Adapter: Send + Sync + 'static {
    /// The adapter's name as in the configuration and in metric labels, such as `sxb`.
    fn name(&self) -> &'static str;

    /// Every interface this adapter serves, in the order of its seed document.
    fn interfaces(&self) -> &'static [Interface];

    /// The endpoint at a path (mount prefix removed, query excluded); `None` if the path is not this adapter's.
    fn endpoint(&self, method: &Method, path: &str) -> Option<Endpoint>;

    /// Answers one request on a path this adapter owns.
    fn call<'a>(&'a self, request: &'a Request) -> ReplyFuture<'a>;

    /// Answers "busy, try again" in place of the reply to a request on a path this adapter owns, because the server has no memory
    /// or time left for it. The body of the request may be missing.
    fn busy(&self, request: &Request) -> Reply;
}

/// The future [`Adapter::call`] returns.
pub type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// The properties of a path that the gateway needs before it reads the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Largest accepted body in bytes; a larger one reaches the adapter as [`Body::TooLarge`].
    pub body_limit: usize,
}

/// The body of a request, complete or dropped at the endpoint's limit.
#[derive(Debug, Clone)]
pub enum Body {
    /// Every byte the client sent.
    Whole(Bytes),
    /// The client sent more bytes than [`Endpoint::body_limit`]; all of them were dropped.
    TooLarge,
}

/// One HTTP request with its body.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method as the client sent it.
    pub method: Method,
    /// Path and query as the client sent them, mount prefix included.
    pub uri: Uri,
    /// Length in bytes of the mount prefix at the start of the path.
    pub mount_len: usize,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// The client's address; behind trusted proxies, the address that the proxies forward.
    pub client: IpAddr,
    /// Whether the client has no budgets, see `limits.exempt` in the configuration.
    pub is_exempt: bool,
}

impl Request {
    /// The path below the mount prefix, still percent-encoded; starts with `/`.
    pub fn path(&self) -> &str {
        self.uri.path().get(self.mount_len..).filter(|path| !path.is_empty()).unwrap_or("/")
    }

    /// The query without `?`; empty if there is none.
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }
}

/// An adapter's answer: the HTTP response, and two labels for the metrics.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// All headers but `Content-Length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// [`Interface::name`] of the interface that was called; `"unknown"` if the request named no interface.
    pub interface: &'static str,
    /// The code in the envelope; a metric label.
    pub code: i32,
}

impl Reply {
    /// Makes a reply with status 200 and `Content-Type: application/json`.
    pub fn json(interface: &'static str, code: i32, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        Self { status: StatusCode::OK, headers, body: body.into(), interface, code }
    }

    /// Replaces the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Adds a header, or replaces the header of that name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }
}
