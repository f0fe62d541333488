//! Sends bytes over a connection: incomplete requests, pipelined requests, and malformed HTTP.

use std::time::Duration;

use contract_tests::Server;
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::transport::{assert_unchanged, server_on_air};

/// The longest time to wait for an answer.
const DEADLINE: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.gateway().addr).await.expect("a connection")
}

/// Reads until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset of the connection also closes it.
    let _ =
        timeout(DEADLINE, stream.read_to_end(&mut bytes)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends bytes, closes the sending side, and returns everything that the server answers.
async fn answers(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server).await;
    // The server may close the connection before all bytes are sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    rest(stream).await
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A request like that of `post`, which also asks the server to close the connection.
fn last(path: &str, body: &str) -> String {
    post(path, body).replacen("Host: x", "Host: x\r\nConnection: close", 1)
}

/// The status of each answer.
fn statuses(answers: &str) -> Vec<&str> {
    answers.split("HTTP/1.1 ").skip(1).map(|answer| answer.get(..3).unwrap_or(answer)).collect()
}

const WATCH: &str = r#"{"Action":"GetUserInfo","userid":"anna","type":0}"#;
const LIKE: &str = r#"{"Action":"ChangeCount","userid":"anna","type":1,"optype":0,"flag":0}"#;

#[tokio::test]
async fn incomplete_requests_have_no_effect() {
    let (server, before) = server_on_air().await;
    for path in [
        "/interface.php",
        "/register",
        "/index.php?svc=account&cmd=regist",
        "/live/Register",
        "/tape_callback",
    ] {
        let whole = post(path, LIKE);
        for length in [1, 4, 20, whole.len() - LIKE.len() - 2, whole.len() - LIKE.len(), whole.len() - 1] {
            let answer = answers(&server, &whole.as_bytes()[..length]).await;
            assert!(statuses(&answer).iter().all(|status| *status == "400"), "{length} of {path}: {answer}");
            // The same, but the client closes the whole connection.
            let mut stream = connect(&server).await;
            stream.write_all(&whole.as_bytes()[..length]).await.expect("it is open");
            drop(stream);
        }
        let chunked =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n45\r\n{LIKE}");
        let answer = answers(&server, chunked.as_bytes()).await;
        assert!(!answer.contains("200 OK"), "answered without the last chunk: {answer}");
    }
    assert_unchanged(&server, &before).await;
}

#[tokio::test]
async fn an_incomplete_request_times_out() {
    let keys = [("http.header_timeout", "1s".into()), ("http.body_timeout", "1s".into())];
    let server = Server::configured(&keys).await;
    let whole = post("/login", LIKE);
    let parts = [
        ("", ""),
        ("P", ""),
        ("POST /login HTTP/1.1\r\nHo", ""),
        ("POST /login HTTP/1.1\r\nHost: x\r\n", ""),
        (&whole[..whole.len() - LIKE.len()], "HTTP/1.1 408"),
        (&whole[..whole.len() - 1], "HTTP/1.1 408"),
    ];
    let server = &server;
    join_all(parts.map(|(part, expected)| async move {
        let mut stream = connect(server).await;
        stream.write_all(part.as_bytes()).await.expect("it is open");
        let answer = rest(stream).await;
        assert!(
            answer.starts_with(expected) && answer.is_empty() == expected.is_empty(),
            "{part:?} {answer}"
        );
    }))
    .await;
    // A client that is slow, but within the time-out, gets its answer.
    let (server, _) = server_on_air().await;
    let mut stream = connect(&server).await;
    for byte in last("/interface.php", WATCH).bytes() {
        stream.write_all(&[byte]).await.expect("it is open");
        tokio::task::yield_now().await;
    }
    assert!(rest(stream).await.contains(r#""likecount":0"#));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let (server, _) = server_on_air().await;
    let requests = [
        post("/interface.php", WATCH),
        post("/login", "{"),
        post("/live/Login", "[]"),
        post("/nope", ""),
        post("/index.php?svc=live&cmd=roomlist", "{}"),
        post("/tape_callback", ""),
        post("/interface.php", LIKE),
        last("/interface.php", WATCH),
    ];
    let codes = [
        r#""likecount":0"#,
        r#""code":602"#,
        r#""status":10002"#,
        r#""code":400"#,
        r#""errorCode":10003"#,
        r#"{"code":4001}"#,
        r#""returnValue":0"#,
        r#""likecount":1"#,
    ];
    let all = requests.concat();
    let check = |answers: &str| {
        let mut rest = answers;
        for code in codes {
            let found = rest.find(code).unwrap_or_else(|| panic!("no {code} in {answers}"));
            rest = &rest[found..];
        }
        assert_eq!(statuses(answers), ["200", "200", "200", "404", "200", "200", "200", "200"]);
    };
    let mut stream = connect(&server).await;
    stream.write_all(all.as_bytes()).await.expect("it is open");
    check(&rest(stream).await);
    // Sends the requests in two parts, the second after the first byte of the answer to the first.
    for cut in [requests[0].len() + 1, all.len() / 2, all.len() - 1] {
        let (server, _) = server_on_air().await;
        let mut stream = connect(&server).await;
        let (first, second) = all.as_bytes().split_at(cut);
        stream.write_all(first).await.expect("it is open");
        let mut begun = [0];
        stream.read_exact(&mut begun).await.expect("an answer");
        stream.write_all(second).await.expect("it is open");
        check(&format!("H{}", rest(stream).await));
    }
}

#[tokio::test]
async fn malformed_http_is_refused() {
    let (server, before) = server_on_air().await;
    let body = LIKE.len();
    let head = "POST /interface.php HTTP/1.1\r\nHost: x\r\n";
    let large = "x".repeat(100_000);
    let many = "X: y\r\n".repeat(2_000);
    let bad = [
        "\0\0\0\0\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "hello, is anybody there?\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        "GET /interface.php HTTP/1.1 or so\r\nHost: x\r\n\r\n".to_owned(),
        format!("{head}Content-Length: -1\r\n\r\n{LIKE}"),
        format!("{head}Content-Length: 1e1\r\n\r\n{LIKE}"),
        format!("{head}Content-Length: {body}\r\nContent-Length: 3\r\n\r\n{LIKE}"),
        format!("{head}Content-Length: 99999999999999999999\r\n\r\n{LIKE}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{LIKE}\r\n0\r\n\r\n"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{LIKE}\r\n0\r\n\r\n"),
        format!("{head}X\0Y: z\r\nContent-Length: {body}\r\n\r\n{LIKE}"),
        format!("{head} folded: z\r\nContent-Length: {body}\r\n\r\n{LIKE}"),
        format!("{head}X: {large}\r\nContent-Length: {body}\r\n\r\n{LIKE}"),
        format!("{head}{many}Content-Length: {body}\r\n\r\n{LIKE}"),
        format!("POST /{large} HTTP/1.1\r\nHost: x\r\nContent-Length: {body}\r\n\r\n{LIKE}"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{1}\u{2}\u{3} no frame at all, but long enough".to_owned(),
    ];
    for bytes in bad {
        let answer = answers(&server, bytes.as_bytes()).await;
        let start: String = bytes.chars().take(80).collect();
        let refusals = statuses(&answer);
        let is_refused = refusals.iter().all(|status| status.starts_with('4') || status.starts_with("505"));
        assert!(is_refused, "{start:?}: {answer}");
    }
    // A client that asks with `Expect: 100-continue` is refused before it sends the body.
    let asks = format!("{head}Content-Length: 99000000\r\nExpect: 100-continue\r\n\r\n");
    let mut stream = connect(&server).await;
    stream.write_all(asks.as_bytes()).await.expect("it is open");
    let answer = rest(stream).await;
    assert!(answer.contains(r#""returnValue":4001"#) && !answer.contains("100 Continue"), "{answer}");
    assert_unchanged(&server, &before).await;
}
