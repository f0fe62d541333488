//! Sends requests with wrong sizes, paths, methods and queries.

use bytes::Bytes;
use contract_tests::{Answer, Client, Server};
use http::{Method, StatusCode};

use crate::world::{Wire, assert_nothing_panicked, stored};

/// Known paths, each with the form of its answers.
pub(crate) const PATHS: [(&str, Wire); 33] = [
    ("/interface.php", Wire::V1),
    ("/interface.php/", Wire::V1),
    ("/callback/Live_callback.php", Wire::Callback),
    ("/callback/tape_callback.php", Wire::Callback),
    ("/callback/tape_callback", Wire::Callback),
    ("/tape_callback", Wire::Callback),
    ("/register", Wire::V2),
    ("/login/", Wire::V2),
    ("/refresh", Wire::V2),
    ("/get_user_info", Wire::V2),
    ("/upload_user_info", Wire::V2),
    ("/get_vod_list", Wire::V2),
    ("/upload_room", Wire::V2),
    ("/upload_ugc", Wire::V2),
    ("/get_cos_sign", Wire::V2),
    ("/interface.php/login", Wire::V2),
    ("/index.php?svc=account&cmd=login", Wire::Sxb),
    ("/index.php?svc=live&cmd=callback", Wire::Sxb),
    ("/sxb/?svc=live&cmd=roomlist", Wire::Sxb),
    ("/sxb_dev/index.php?svc=live&cmd=create", Wire::Sxb),
    ("/sxb_new/?svc=nobody&cmd=knows", Wire::Sxb),
    ("/index.php", Wire::Sxb),
    ("/live/Login", Wire::Qplus),
    ("/live/Register", Wire::Qplus),
    ("/live/ModifyUserPwd", Wire::Qplus),
    ("/live/ModifyUserHeadPic", Wire::Qplus),
    ("/live/GetLiveRoomList", Wire::Qplus),
    ("/live/SearchLiveRoom", Wire::Qplus),
    ("/live/GetUserHeadPic?id=1", Wire::Qplus),
    ("/weapp/live_room/login", Wire::RoomService),
    ("/weapp/live_room/get_room_list?userID=x&token=y", Wire::RoomService),
    ("/roomservice/weapp/live_room/add_anchor", Wire::RoomService),
    ("/weapp/utils/get_login_info", Wire::RoomService),
];

async fn send(client: &Client, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
    let answer = client.send(method.clone(), path, &[], body).await;
    answer.unwrap_or_else(|error| panic!("{method} {path}: {error:#}"))
}

/// Starts a server with a host on air; also returns everything the server stores.
pub(crate) async fn server_on_air() -> (Server, Vec<String>) {
    let server = Server::start().await;
    let client = server.client();
    client.sxb_user("mei_lin").await;
    client.v1("RequestLVBAddr", serde_json::json!({"userid": "anna", "groupid": "g", "title": "t"})).await;
    let empty = stored(&server).await;
    client.v1("ChangeStatus", serde_json::json!({"userid": "anna", "status": 0})).await;
    let before = stored(&server).await;
    assert_ne!(empty, before, "going on air changes the stored state");
    (server, before)
}

/// Checks that the server stores the same as before and still works.
pub(crate) async fn assert_unchanged(server: &Server, before: &[String]) {
    assert_eq!(stored(server).await, before);
    assert_nothing_panicked(server).await;
    server.client().sxb_login("mei_lin").await;
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_on_every_path() {
    let (server, before) = server_on_air().await;
    let client = server.client();
    let text = Bytes::from(format!("{{\"Action\":\"{}\"}}", "x".repeat(10 << 20)));
    let noise = Bytes::from(vec![0xff; 10 << 20]);
    for (path, wire) in PATHS {
        if path == "/live/ModifyUserHeadPic" || path.contains("nobody") || path == "/index.php" {
            continue;
        }
        for body in [&text, &noise] {
            let answer = send(&client, Method::POST, path, body.clone()).await;
            let large = if path.contains("GetUserHeadPic") || wire != Wire::Qplus {
                StatusCode::OK
            } else {
                StatusCode::PAYLOAD_TOO_LARGE
            };
            let picture = path.contains("GetUserHeadPic");
            assert!(answer.status == large || picture, "{path} {}", answer.status);
            assert_eq!(wire.code(&answer), wire.malformed()[2], "{path}");
        }
    }
    let picture = format!("{{\"sessionId\":\"x\",\"headPic\":\"{}\"}}", "A".repeat(17 << 20));
    let answer = send(&client, Method::POST, "/live/ModifyUserHeadPic", picture).await;
    assert_eq!((answer.status, Wire::Qplus.code(&answer)), (StatusCode::PAYLOAD_TOO_LARGE, 10_002));
    let answer = send(&client, Method::POST, "/nobody/is/here", noise).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_unchanged(&server, &before).await;
}

#[tokio::test]
async fn every_method_is_answered_on_every_path() {
    let (server, before) = server_on_air().await;
    let client = server.client();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X-Y!"] {
        let method: Method = method.parse().expect("a method");
        for (path, wire) in PATHS {
            for body in ["", "{}", "{\"Action\":\"ChangeStatus\"}"] {
                let answer = send(&client, method.clone(), path, body).await;
                let code = wire.check(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error:#}"));
                assert!(!wire.accepts(code), "{method} {path} {body}");
            }
        }
    }
    for method in [Method::OPTIONS, Method::HEAD] {
        for (path, _) in PATHS {
            let answer = send(&client, method.clone(), path, "").await;
            assert!(answer.status.is_success(), "{method} {path} {}", answer.status);
            assert_eq!(answer.headers["access-control-allow-origin"], "*", "{method} {path}");
            let allowed = answer.headers.get("access-control-allow-headers");
            let preflight = allowed.is_some_and(|names| {
                names
                    .to_str()
                    .is_ok_and(|names| names.starts_with("Content-Type, Liteav-Sig, Authorization, "))
            });
            assert_eq!(preflight, method == Method::OPTIONS, "{method} {path} {allowed:?}");
        }
    }
    assert_unchanged(&server, &before).await;
}

#[tokio::test]
async fn unknown_paths_are_answered_in_the_form_of_v2_or_qplus() {
    let (server, before) = server_on_air().await;
    let client = server.client();
    let long = format!("/{}", "x".repeat(9_000));
    let paths = [
        "/nope",
        "/live",
        "/lives/Login",
        "/Login",
        "/register/x",
        "/interface.php/nope",
        "/interface.phpx",
        "/interface.php/login/x",
        "/index.php/x",
        "/index.phpx",
        "/sxb",
        "/sxb_dev",
        "/sxb/x",
        "/callback",
        "/callback/",
        "/callback/x.php",
        "/%72egister",
        "/..",
        "/../register",
        "/%2e%2e/login",
        "/a%00b",
        "/%zz",
        "/%",
        "/%ff",
        "/robots.txt",
        "/metrics",
        "/readyz",
        "/.env",
        &long,
    ];
    for method in [Method::POST, Method::GET, Method::DELETE] {
        for path in paths {
            let answer = send(&client, method.clone(), path, "{}").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            assert_eq!(Wire::V2.code(&answer), 400, "{path}");
            let message = answer.json()["message"].as_str().map(str::to_owned).expect("a message");
            let name = path.trim_start_matches('/');
            let shown = message.strip_prefix("Bad Request | ").expect("a name").trim_start_matches('/');
            assert!(name.starts_with(shown) && shown.is_empty() == name.is_empty(), "{path} {message}");
        }
        for path in ["/live/", "/live/login", "/live/Login/x", "/live/%4cogin", "/live/Pay", "/live/x"] {
            let answer = send(&client, method.clone(), path, "{}").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            let body = serde_json::json!({"access": path, "status": 10_002, "desc": "参数错误"});
            assert_eq!(answer.json(), body, "{path}");
        }
    }
    let answer = send(&client, Method::GET, "/", "").await;
    assert_eq!((answer.status, Wire::V2.code(&answer)), (StatusCode::NOT_FOUND, 400));
    let answer = send(&client, Method::POST, "/", "").await;
    assert_eq!((answer.status, Wire::V1.code(&answer)), (StatusCode::OK, 4001));
    assert_unchanged(&server, &before).await;
}

#[tokio::test]
async fn malformed_queries_name_no_command() {
    let (server, before) = server_on_air().await;
    let client = server.client();
    let long = format!("svc=live&cmd={}", "x".repeat(9_000));
    for query in [
        "",
        "&",
        "=",
        "svc",
        "svc=live",
        "cmd=roomlist",
        "svc=%zz&cmd=%",
        "svc=%&cmd=%f",
        "svc=%ff%fe&cmd=%80",
        "svc=live%00&cmd=create",
        "svc=live&cmd=create%00",
        "SVC=live&CMD=create",
        "svc=live&cmd=Create",
        "svc=live&cmd=create&svc=x",
        "svc[]=live&cmd[]=create",
        "svc=live;cmd=create",
        "?svc=live&cmd=create",
        "svc=%E2%82&cmd=%F0%9F",
        "svc=../live&cmd=create",
        "svc=live&cmd=create+",
        &long,
    ] {
        for route in ["/index.php", "/sxb/", "/sxb_dev/index.php", "/sxb_new/"] {
            let answer = send(&client, Method::POST, &format!("{route}?{query}"), "{}").await;
            assert_eq!((answer.status, Wire::Sxb.code(&answer)), (StatusCode::OK, 10_001), "{query}");
        }
        // The other dialects ignore a query.
        let answer = send(&client, Method::POST, &format!("/interface.php?{query}"), "").await;
        assert_eq!((answer.status, Wire::V1.code(&answer)), (StatusCode::OK, 4001), "{query}");
        let answer = send(&client, Method::POST, &format!("/login?{query}"), "{}").await;
        assert_eq!((answer.status, Wire::V2.code(&answer)), (StatusCode::OK, 602), "{query}");
    }
    for id in [
        "",
        "0",
        "-1",
        "%zz",
        "%",
        "%00",
        "1%00",
        "0x1",
        "1e0",
        "9223372036854775808",
        "%EF%BC%91",
        "1;2",
        "../1",
        "7",
    ] {
        for query in [format!("id={id}"), format!("id={id}&id={id}"), format!("ID={id}"), id.to_owned()] {
            let answer = send(&client, Method::GET, &format!("/live/GetUserHeadPic?{query}"), "").await;
            assert_eq!((answer.status, Wire::Qplus.code(&answer)), (StatusCode::OK, 10_002), "{query}");
        }
    }
    assert_unchanged(&server, &before).await;
}
