//! Tests of the adapter as the gateway uses it: paths, body limits and metric labels. Hostile input and failures of the
//! storage are answered with a reply.

use crate::server::{Server, phone};
use http::Method;
use proptest::prelude::*;
use qplus::{Config, ExposeAnchorPassword, PasswordReset, Qplus};
use relive_wire::Adapter as _;
use serde_json::json;

fn adapter(server: &Server) -> Qplus {
    let config = Config {
        password_reset: PasswordReset::Open,
        expose_anchor_password: ExposeAnchorPassword::Owner,
        delivery: None,
    };
    Qplus::new(server.core.clone(), config)
}

#[tokio::test]
async fn each_path_has_its_body_limit() {
    let server = Server::start();
    let adapter = adapter(&server);
    let limit = |path: &str| adapter.endpoint(&Method::POST, path).map(|endpoint| endpoint.body_limit);
    for row in adapter.interfaces() {
        let expected = if row.name == "ModifyUserHeadPic" { 16 << 20 } else { 64 << 10 };
        assert_eq!(limit(&format!("/live/{}", row.name)), Some(expected), "{}", row.name);
    }
    for path in
        ["/live/", "/live", "/", "/Login", "live/Login", "//live/Login", "/live//Login", "/live/login"]
    {
        assert_eq!(limit(path), None, "{path}");
    }
    assert_eq!((adapter.name(), adapter.interfaces().len()), ("qplus", 18));
}

#[tokio::test]
async fn replies_carry_interface_and_code_for_the_metrics() {
    let server = Server::start();
    let session = server.user("mira").await;
    let labels = async |method, target: &str, body: String| {
        let reply = server.send(method, target, body).await;
        (reply.interface, reply.code, reply.status.as_u16())
    };
    let body = json!({"sessionId": session, "headPic": "AAAA"}).to_string();
    assert_eq!(
        labels(Method::POST, "/live/ModifyUserHeadPic", body).await,
        ("ModifyUserHeadPic", 10_000, 200)
    );
    let picture = labels(Method::GET, "/live/GetUserHeadPic?id=1", String::new()).await;
    assert_eq!(picture, ("GetUserHeadPic", 10_000, 200));
    assert_eq!(labels(Method::POST, "/live/Login", "x".to_owned()).await, ("Login", 10_002, 200));
    assert_eq!(labels(Method::POST, "/live/Other", String::new()).await, ("unknown", 10_002, 404));
}

#[tokio::test]
async fn one_of_two_concurrent_registrations_succeeds() {
    let server = Server::start();
    let form = |account: &str, phone: &str| {
        let body = json!({"account": account, "phone": phone, "email": format!("{phone}@example.org"), "password": "s3cret!"});
        server.status("Register", body)
    };
    let (a, b) = tokio::join!(form("mira", "13900001111"), form("MIRA", "13900002222"));
    assert_eq!([a, b].iter().filter(|status| **status == 10_000).count(), 1);
    assert!([a, b].contains(&10_102));
    let (a, b) = tokio::join!(form("vera", "13900003333"), form("tom", "13900003333"));
    assert!(a.min(b) == 10_000 && a.max(b) == 10_103);
}

#[tokio::test]
async fn a_stopped_core_is_a_server_error() {
    let server = Server::start();
    let session = server.user("mira").await;
    server.core.shutdown().await;
    let body = json!({
        "sessionId": session, "account": "mira", "phone": "13900002222", "password": "s3cret!", "headPic": "AAAA",
        "nickName": "x", "liveRoomName": "x", "liveRoomId": 1, "status": 1, "isFollow": 1, "authCode": "000000",
    });
    let writing = [
        "Login",
        "AuthCode",
        "ModifyUserInfo",
        "ModifyUserHeadPic",
        "CreateLiveRoom",
        "ModifyMyLiveRoom",
        "FollowLiveRoom",
        "PushLiveStream",
        "PlayLiveStream",
    ];
    for api in writing {
        let reply = server.send(Method::POST, &format!("/live/{api}"), body.to_string()).await;
        assert_eq!((reply.code, reply.status.as_u16()), (10_001, 200), "{api}");
        assert_eq!(reply.body, format!(r#"{{"access":"/live/{api}","status":10001,"desc":"系统异常"}}"#));
    }
    let form_b = json!({"phone": "13900002222", "password": "s3cret!", "authCode": "000000"});
    assert_eq!(server.status("Register", form_b).await, 10_001);
    let reset = json!({"phone": phone("mira"), "password": "n3w-pass"});
    assert_eq!(server.status("ModifyUserPwd", reset).await, 10_001);
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        (-3..100_i64).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        Just(json!([{}])),
    ]
}

#[test]
fn any_body_is_answered_in_the_envelope() {
    const KEYS: [&str; 19] = [
        "account",
        "password",
        "phone",
        "email",
        "authCode",
        "purpose",
        "nickName",
        "sex",
        "address",
        "headPic",
        "type",
        "refresh",
        "count",
        "liveRoomId",
        "liveRoomName",
        "liveRoomUserPwd",
        "isFollow",
        "status",
        "keyword",
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (server, session) = runtime.block_on(async {
        let server = Server::start();
        let session = server.user("mira").await;
        (server, session)
    });
    let names: Vec<_> = adapter(&server).interfaces().iter().map(|row| row.name).collect();
    let object = proptest::collection::hash_map(proptest::sample::select(&KEYS[..]), value(), 0..8);
    let bytes = proptest::collection::vec(any::<u8>(), 0..60);
    proptest!(ProptestConfig::with_cases(300), |(name in proptest::sample::select(names), object in object, bytes in bytes)| {
        let mut members = json!(object);
        members["sessionId"] = session.as_str().into();
        for body in [bytes, members.to_string().into_bytes()] {
            let reply = runtime.block_on(server.send(Method::POST, &format!("/live/{name}"), body));
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            prop_assert_eq!(&body["access"], &json!(format!("/live/{name}")));
            prop_assert_eq!(&body["status"], &json!(reply.code));
            prop_assert_eq!(reply.status.as_u16(), 200);
            prop_assert_ne!(reply.code, 10_001, "{}", body);
        }
    });
}
