//! Replies to the cloud and to clients if the storage fails, and the labels for the metrics.

use http::StatusCode;
use serde_json::{Value, json};
use sxb::Config;

use crate::server::Server;

#[tokio::test]
async fn a_callback_that_cannot_be_stored_is_503() {
    let server = Server::start(Config::default());
    let token = server.log_in("mei").await;
    server.call("live/create", &json!({"token": token, "type": "live"})).await;
    server.core.shutdown().await;

    let not_stored = server.send("live/callback", server.recording().to_string()).await;
    assert_eq!((not_stored.status, not_stored.code), (StatusCode::SERVICE_UNAVAILABLE, 90000));
    let envelope: Value = serde_json::from_slice(&not_stored.body).unwrap();
    assert_eq!(
        envelope,
        json!({"errorCode": 90000, "errorInfo": "internal error", "errInfo": "internal error"}),
        "the cause of the failure is not sent"
    );

    let mut forged = server.recording();
    forged["sign"] = "0".into();
    let refused = server.send("live/callback", forged.to_string()).await;
    assert_eq!((refused.status, refused.code), (StatusCode::OK, 10001));
    let other = server.send("live/exitroom", json!({"token": token}).to_string()).await;
    assert_eq!(
        (other.status, other.code),
        (StatusCode::OK, 90000),
        "only a callback may have another status"
    );
}

#[tokio::test]
async fn replies_carry_interface_and_code_for_the_metrics() {
    let server = Server::start(Config::default());
    let reply = server.send("account/login", "{}").await;
    assert_eq!((reply.interface, reply.code), ("account/login", 10003));
    let reply = server.send("account/nosuch", "{}").await;
    assert_eq!((reply.interface, reply.code), ("unknown", 10001));
}
