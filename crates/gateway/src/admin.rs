//! The operator's listener: liveness, readiness and metrics.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use metrics::{counter, gauge};
use relive_core::{Core, causes};
use tokio::{sync::watch, time::timeout};

use crate::{
    connection::{Gone, Handler},
    limits::ConnectionLimits,
    observe::recorder,
    unsent::{ReplyBody, UnsentBudget},
};

/// Longest time the readiness probe waits for its write to be committed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers requests to the operator's listener.
pub(crate) struct AdminHandler {
    pub(crate) core: Core,
    /// Open connections of the main listener.
    pub(crate) connections: Arc<ConnectionLimits>,
    /// Replies of the main listener that wait to be sent.
    pub(crate) unsent: Arc<UnsentBudget>,
    /// Set while the main listener drains.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Handler for AdminHandler {
    async fn answer(&self, _peer: IpAddr, request: Request<Incoming>) -> Result<Response<ReplyBody>, Gone> {
        const TEXT: &str = "text/plain; charset=utf-8";
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "method not allowed\n"));
        }
        Ok(match request.uri().path() {
            "/livez" => reply(StatusCode::OK, TEXT, "ok"),
            "/readyz" => self.ready().await,
            "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", self.metrics()),
            _ => reply(StatusCode::NOT_FOUND, TEXT, "not found\n"),
        })
    }
}

impl AdminHandler {
    /// Answers `/readyz`: the server is ready if it is not stopping and the storage commits a write in time.
    async fn ready(&self) -> Response<ReplyBody> {
        let problem = if *self.stopping.borrow() {
            Some("the server is stopping")
        } else {
            match timeout(PROBE_TIMEOUT, self.core.probe()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => {
                    tracing::warn!(error = %causes(&error), "not ready: the storage failed");
                    Some("the storage failed")
                }
                Err(_) => Some("the storage is too slow"),
            }
        };
        let (status, body) = match problem {
            None => (StatusCode::OK, serde_json::json!({ "status": "ready" })),
            Some(reason) => (
                StatusCode::SERVICE_UNAVAILABLE,
                serde_json::json!({ "status": "unavailable", "reason": reason }),
            ),
        };
        reply(status, "application/json", body.to_string())
    }

    /// All metrics as Prometheus text. Sets the gauges first; counters and histograms are updated at each event.
    fn metrics(&self) -> String {
        let stats = self.core.stats();
        gauge!("relive_connections").set(self.connections.open_connections());
        gauge!("relive_unsent_reply_bytes").set(float(self.unsent.bytes()));
        gauge!("relive_rooms_on_air").set(float(stats.rooms_on_air));
        gauge!("relive_members").set(float(stats.members));
        gauge!("relive_sessions").set(float(stats.sessions));
        gauge!("relive_queue_depth").set(float(stats.queue_depth));
        for (limit, refused) in stats.limited {
            counter!("relive_limited_total", "limit" => limit.label()).absolute(refused);
        }
        recorder::render()
    }
}

#[expect(clippy::cast_precision_loss, reason = "no gauge comes near 2^53")]
fn float(number: usize) -> f64 {
    number as f64
}

fn reply(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
