//! What the cloud and clients are told when the storage fails.

use http::StatusCode;
use serde_json::{Value, json};
use sxb::Config;

use crate::server::Server;

#[tokio::test]
async fn a_callback_that_cannot_be_stored_is_asked_for_again() {
    let server = Server::start(Config::default());
    let token = server.log_in("mei").await;
    server.call("live/create", &json!({"token": token, "type": "live"})).await;
    server.core.shutdown().await;

    let lost = server.send("live/callback", server.recording().to_string()).await;
    assert_eq!((lost.status, lost.code), (StatusCode::SERVICE_UNAVAILABLE, 90000));
    let envelope: Value = serde_json::from_slice(&lost.body).unwrap();
    assert_eq!(
        envelope,
        json!({"errorCode": 90000, "errorInfo": "internal error", "errInfo": "internal error"}),
        "nothing of what failed inside is told"
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
async fn metrics_are_told_the_call_and_its_code() {
    let server = Server::start(Config::default());
    let reply = server.send("account/login", "{}").await;
    assert_eq!((reply.interface, reply.code), ("account/login", 10003));
    let reply = server.send("account/nosuch", "{}").await;
    assert_eq!((reply.interface, reply.code), ("unknown", 10001));
}
