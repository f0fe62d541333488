//! An HTTP client that sends requests as they are given.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy, rt::TokioExecutor};
use relive_core::Core;
use serde_json::Value;

/// A client of one server, or of several gateways over one database, that sends each request to the next gateway.
/// Clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    gateways: Vec<(String, Option<Core>)>,
    requests: Arc<AtomicUsize>,
    http: legacy::Client<legacy::connect::HttpConnector, Full<Bytes>>,
    /// The address that a proxy forwards for this client; empty: no proxy.
    address: String,
}

/// An answer of a server.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If the body is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The value of a header; none if the answer has no such header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

impl Client {
    /// A client of the server at that address.
    pub fn new(server: SocketAddr) -> Self {
        Self::of(vec![(format!("http://{server}"), None)])
    }

    /// This client behind a proxy that forwards an address; the server must trust proxies at 127.0.0.1.
    #[must_use]
    pub fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// A client that sends each request to the next gateway.
    pub fn hopping(gateways: impl Iterator<Item = (SocketAddr, Core)>) -> Self {
        Self::of(gateways.map(|(address, core)| (format!("http://{address}"), Some(core))).collect())
    }

    fn of(gateways: Vec<(String, Option<Core>)>) -> Self {
        let mut connector = legacy::connect::HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            gateways,
            requests: Arc::default(),
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
            address: String::new(),
        }
    }

    /// The address of the next gateway.
    fn base(&self) -> Result<&str> {
        let at = self.requests.fetch_add(1, Ordering::Relaxed) % self.gateways.len().max(1);
        self.gateways.get(at).map(|(base, _)| base.as_str()).context("no gateway")
    }

    /// Makes every gateway flush its memory to the database and read the changes of the others, so that no test has to
    /// wait for it.
    async fn settle(&self) -> Result<()> {
        for _ in 0..2 {
            for core in self.gateways.iter().filter_map(|(_, core)| core.as_ref()) {
                core.maintain().await.context("a gateway does not read the changes of the others")?;
            }
        }
        Ok(())
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base()?));
        if !self.address.is_empty() {
            request = request.header("X-Forwarded-For", &self.address);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).context("the request")?;
        let (parts, body) = self.http.request(request).await.context("no answer")?.into_parts();
        let body = body.collect().await.context("the answer's body")?.to_bytes();
        if self.gateways.len() > 1 {
            self.settle().await?;
        }
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Posts JSON and reads JSON.
    ///
    /// # Panics
    /// If there is no answer, or no JSON in it.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        match self.send(Method::POST, path, &[], body.to_string()).await {
            Ok(answer) => answer.json(),
            Err(error) => panic!("{path}: {error:#}"),
        }
    }
}
