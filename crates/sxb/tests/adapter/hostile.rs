//! Sends hostile values in every field of every call.

use http::StatusCode;
use relive_core::{Clock as _, sign::digest::md5_hex};
use relive_wire::Adapter as _;
use serde_json::{Value, json};
use sxb::Config;

use crate::server::{KEY, Server};

const FIELDS: &str = "id pwd kickid holdsig sig identifier privMap accounttype appid type room lbs roomnum groupid \
    title cover device videotype index size role operate thumbup status uid name s_uid t sign event_type video_id \
    video_url stream_id start_time end_time duration";

/// A body that is valid for every call.
fn body(token: &str, t: i64) -> Value {
    let mut body = json!({
        "token": token, "id": "lin", "pwd": "password-3f", "kickid": "nobody", "sig": "x", "identifier": "lin",
        "type": "live", "roomnum": 10001, "groupid": "g", "device": 0, "videotype": 0, "appid": 1, "index": 0,
        "size": 1, "role": 0, "status": "on", "uid": "u", "name": "n", "t": t, "event_type": 100,
        "sign": md5_hex(format!("{KEY}{t}")), "video_id": "v", "video_url": "u", "stream_id": "s",
    });
    body["room"] = body.clone();
    body
}

/// Every call answers every kind of value in every field with an envelope, and never with an internal error.
#[tokio::test]
async fn no_value_in_any_field_breaks_a_call() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(1e300),
        json!(""),
        json!("-9223372036854775808"),
        json!("x\0y"),
        json!("\u{202e}%s%n'--"),
        json!("随".repeat(5_000)),
        json!([[{}]]),
        json!({"type": {}}),
    ];
    let server = Server::start(Config { admins: vec!["lin".into()], ..Config::default() });
    let mut token = server.log_in("lin").await;
    for interface in server.sxb.interfaces() {
        let name = interface.name;
        for field in FIELDS.split_whitespace() {
            for value in &values {
                let mut body = body(&token, server.clock.now().0);
                if name == "live/reportroom" && field != "room" {
                    body["room"][field] = value.clone();
                }
                body[field] = value.clone();
                let reply = server.send(name, body.to_string()).await;
                let envelope: Value = serde_json::from_slice(&reply.body).unwrap();
                assert_eq!(reply.status, StatusCode::OK, "{name} {field} {value}");
                assert_eq!(envelope["errorCode"], reply.code, "{name} {field} {value}");
                assert_eq!(envelope["errInfo"], envelope["errorInfo"], "{name} {field} {value}");
                assert!(
                    reply.code != 90000 || name == "account/verify",
                    "{name} {field} {value}: {envelope}"
                );
                if reply.code == 0
                    && ["account/login", "account/logout", "account/authPrivMap"].contains(&name)
                {
                    token = server.log_in("lin").await;
                }
            }
        }
    }
}
