//! Checks that an address that takes all it can get leaves others their share of the server.

use contract_tests::{
    Client, Server,
    dialect::{Dialect, code},
};
use serde_json::{Value, json};
use tokio::{
    io::{self, AsyncWriteExt as _},
    net::TcpStream,
};

/// Largest body of a call that takes a picture, in bytes.
const PICTURE_BODY: usize = 16 << 20;

/// A server whose clients stand behind a proxy, and a qplus session.
async fn server() -> (Server, String) {
    let keys = [
        ("limits.exempt", toml::Value::Array(Vec::new())),
        ("http.trusted_proxies", vec!["127.0.0.1/32"].into()),
    ];
    let server = Server::configured(&keys).await;
    let client = server.client().at("203.0.113.1");
    client.sxb_user("mira").await;
    let session = client.qplus_login("mira").await;
    (server, session)
}

/// Begins to upload a picture without a session from 198.51.100.1, and stops before the end.
async fn begin_upload(server: &Server, bytes: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.gateway().addr).await?;
    let head = format!(
        "POST /live/ModifyUserHeadPic HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\
         Content-Length: {PICTURE_BODY}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b' '; bytes]).await?;
    Ok(stream)
}

/// Uploads a picture of 100 KB.
async fn upload(client: &Client, session: &str) -> Value {
    let picture = json!({"sessionId": session, "headPic": "A".repeat(100_000)});
    client.try_qplus("ModifyUserHeadPic", picture).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_do_not_hold_the_memory_that_they_announce() {
    let (server, session) = server().await;
    let mut slow = Vec::new();
    for _ in 0..16 {
        slow.push(begin_upload(&server, 70_000).await.expect("it is open"));
    }
    for address in ["198.51.100.2", "198.51.100.1"] {
        let answer = upload(&server.client().at(address), &session).await;
        assert!(code(Dialect::Qplus, &answer).1, "{address}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_holds_a_quarter_of_the_memory_for_bodies() {
    let (server, session) = server().await;
    let mut slow = Vec::new();
    for _ in 0..4 {
        slow.push(begin_upload(&server, PICTURE_BODY - 1).await.expect("it is open"));
    }
    let hungry = server.client().at("198.51.100.1");
    // The server reads on after the last byte was sent.
    while code(Dialect::Qplus, &upload(&hungry, &session).await).0 != 10_001 {}
    let answer = hungry.try_v1("FetchList", json!({"flag": 1, "filler": "x".repeat(100_000)})).await;
    assert_eq!(code(Dialect::V1, &answer).0, 4003, "{answer}");
    let answer = upload(&server.client().at("198.51.100.2"), &session).await;
    assert!(code(Dialect::Qplus, &answer).1, "{answer}");
    drop(slow);
    while !code(Dialect::Qplus, &upload(&hungry, &session).await).1 {}
}
