//! Requests over an in-memory stream. With a paused clock, time jumps to the next timer when no task can run.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::DuplexStream,
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;
use crate::{
    client_address::TrustedProxies,
    connection::{self, Activity, Http2, Protocol, Timeouts},
    observe::repeats::Repeats,
    testing::{Client, Echo, LIMIT},
};

mod logging;

const HEADER_SECONDS: u64 = 10;
const BODY_SECONDS: u64 = 15;
const IDLE_SECONDS: u64 = 75;
const DEADLINE_SECONDS: u64 = 4;

/// A connection to a new server, and the server's task, which ends with the connection.
fn served(buffer: usize) -> (Client<DuplexStream>, JoinHandle<()>) {
    serve(front(1).0, buffer)
}

/// Like [`served`], over HTTP/2 as well.
fn served_http2() -> DuplexStream {
    serve_http2(front(1).0)
}

/// A server whose unsent replies may take so many MiB, and one permit for each request that its adapter was asked to answer.
fn front(unsent_mib: u32) -> (Arc<Front>, Arc<Semaphore>) {
    front_with(BodyReader::new(Duration::from_secs(BODY_SECONDS)), unsent_mib)
}

/// Like [`front`], with bodies that may take so many bytes.
fn front_with_memory(bytes: usize) -> Arc<Front> {
    front_with(BodyReader::with_memory(Duration::from_secs(BODY_SECONDS), bytes), 1).0
}

fn front_with(bodies: BodyReader, unsent_mib: u32) -> (Arc<Front>, Arc<Semaphore>) {
    const PATHS: &[&str] = &["/echo", "/wait", "/block", "/release", "/large"];
    let echo = Echo::at("echo", PATHS);
    let arrived = Arc::clone(&echo.arrived);
    let mounted = [Mounted::new(echo, &[String::new(), "/lite".to_owned()])];
    let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let clients = Clients::new(proxies, Vec::new());
    let front = Arc::new(Front::new(
        &mounted,
        clients,
        bodies,
        Duration::from_secs(DEADLINE_SECONDS),
        UnsentBudget::new(unsent_mib),
        Uuid::nil(),
    ));
    (front, arrived)
}

fn serve(front: Arc<Front>, buffer: usize) -> (Client<DuplexStream>, JoinHandle<()>) {
    let (client, task, _) = serve_by(Protocol::new(Http2::Refused), front, buffer);
    (client, task)
}

fn serve_http2(front: Arc<Front>) -> DuplexStream {
    serve_by(Protocol::new(Http2::WithPriorKnowledge { streams: 16 }), front, 256 * 1024).0.0
}

/// A connection to a server, the server's task, and what that task is doing.
fn serve_by(
    protocol: Protocol,
    front: Arc<Front>,
    buffer: usize,
) -> (Client<DuplexStream>, JoinHandle<()>, Arc<Activity>) {
    let (client, server) = tokio::io::duplex(buffer);
    let activity = Arc::new(Activity::new());
    let shared = Arc::clone(&activity);
    let task = tokio::spawn(async move {
        let timeouts =
            Timeouts { header: Duration::from_secs(HEADER_SECONDS), idle: Duration::from_secs(IDLE_SECONDS) };
        let peer = "10.0.0.1".parse().unwrap();
        let (_running, stop) = watch::channel(false);
        connection::serve(&protocol, server, peer, front, timeouts, stop, shared).await;
    });
    (Client(client), task, activity)
}

fn connect() -> Client<DuplexStream> {
    served(256 * 1024).0
}

/// Seconds until the server closes the connection.
async fn closes_after(client: &mut Client<DuplexStream>) -> u64 {
    let start = Instant::now();
    client.closed().await;
    start.elapsed().as_secs()
}

fn post(body: &str) -> String {
    format!("POST /echo?a=1 HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn an_adapter_gets_the_whole_request() {
    let mut client = connect();
    client.send("POST /lite/echo?a=1 HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.7\r\ncontent-length: 3\r\n\r\nabc").await;
    let reply = client.receive().await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("x-adapter: echo"), "{reply}");
    assert!(reply.ends_with("POST /echo?a=1 3 bytes from 192.0.2.7"), "{reply}");
    // A body in chunks, then two requests in one write.
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n").await;
    client.send("2\r\nde\r\n0\r\n\r\n").await;
    assert!(client.receive().await.contains("5 bytes"));
    client.send(post("1") + &post("22")).await;
    assert!(client.receive().await.contains("1 bytes"));
    assert!(client.receive().await.contains("2 bytes"));
    client.send("HEAD /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut head = [0; 17];
    tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK\r\n");
}

#[tokio::test]
async fn a_path_without_an_adapter_is_not_found_for_every_method() {
    let mut client = connect();
    for request in ["GET /", "DELETE /lite", "POST /no"] {
        client.send(format!("{request} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}")).await;
        let reply = client.receive().await;
        assert!(reply.starts_with("HTTP/1.1 404 Not Found\r\n"), "{request}: {reply}");
        assert!(reply.contains("{\"code\":400,\"message\":\"Bad Request | "), "{request}: {reply}");
        assert!(reply.contains("access-control-allow-origin: *\r\n"), "{request}: {reply}");
    }
    assert!(
        client
            .get("/live/Nope")
            .await
            .ends_with("{\"access\":\"/live/Nope\",\"status\":10002,\"desc\":\"参数错误\"}")
    );
}

#[tokio::test]
async fn every_reply_has_the_id_of_its_request() {
    let mut client = connect();
    let mut last = None;
    for request in ["GET /echo", "GET /no", "OPTIONS /echo", "GET /echo"] {
        client.send(format!("{request} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")).await;
        let reply = client.receive().await;
        let id = reply.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        let id: u64 = id.unwrap_or_else(|| panic!("{request}: {reply}")).parse().unwrap();
        assert!(last.is_none_or(|last: u64| id == last + 1), "{request}: {id} after {last:?}");
        last = Some(id);
    }
}

#[tokio::test]
async fn slashes_are_merged_and_one_at_the_end_is_allowed() {
    let mut client = connect();
    for path in ["//echo?a=//", "/lite//echo", "///lite///echo//", "/echo/"] {
        let reply = client.get(path).await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("GET /echo?"), "{path}: {reply}");
    }
    assert!(client.get("//echo?a=//").await.contains("GET /echo?a=// "), "the query is left alone");
    for path in ["/%2fecho", "/echo%2f"] {
        assert!(client.get(path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_on_every_path_without_the_adapter() {
    let mut client = connect();
    for path in ["/echo", "/lite/echo", "/no", "*"] {
        client.send(format!("OPTIONS {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{{}}")).await;
        let reply = client.receive().await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && !reply.contains("x-adapter"), "{path}: {reply}");
        assert!(reply.contains("access-control-allow-origin: *\r\n"), "{path}: {reply}");
        assert!(reply.contains("access-control-allow-methods: GET, POST, OPTIONS\r\n"), "{path}: {reply}");
        for name in ["Content-Type", "Liteav-Sig", "Authorization", "X-Requested-With"] {
            assert!(reply.contains(name), "{path} {name}: {reply}");
        }
    }
}

#[tokio::test]
async fn the_adapter_is_told_of_a_body_over_the_limit_and_the_connection_stays_open() {
    let mut client = connect();
    client.send(post(&"x".repeat(LIMIT))).await;
    assert!(client.receive().await.contains(&format!("{LIMIT} bytes")));
    client.send(post(&"x".repeat(LIMIT + 1))).await;
    assert!(client.receive().await.contains("too large"));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    client
        .send(format!(
            "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        ))
        .await;
    assert!(client.receive().await.contains("too large"));
    assert!(client.get("/echo").await.contains("0 bytes"));
}

#[tokio::test]
async fn a_body_far_over_the_limit_is_not_read() {
    for head in ["content-length: 99999999", "content-length: 100001\r\nexpect: 100-continue"] {
        let mut client = connect();
        client.send(format!("POST /echo HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\n")).await;
        let reply = client.receive().await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("too large"), "{reply}");
        assert!(reply.contains("connection: close"), "{reply}");
        client.closed().await;
    }
    let mut client = connect();
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x0010_0000));
    for _ in 0..17 {
        client.send(&chunk).await;
    }
    assert!(client.receive().await.contains("too large"));
    client.closed().await;
}

#[tokio::test]
async fn a_head_over_16_kib_is_refused() {
    for (size, status) in [(16_000, "200 "), (20_000, "431 ")] {
        let mut client = connect();
        client.send(format!("GET /echo HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(size))).await;
        let received = client.receive().await;
        assert!(received.starts_with(&format!("HTTP/1.1 {status}")), "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_must_be_complete_in_time() {
    assert_eq!(closes_after(&mut connect()).await, HEADER_SECONDS, "no byte was sent");

    let mut client = connect();
    client.send("GET /echo HT").await;
    assert_eq!(closes_after(&mut client).await, HEADER_SECONDS, "the head was incomplete");

    let mut client = connect();
    let start = Instant::now();
    for _ in 0..4 {
        client.send("X").await;
        sleep(Duration::from_secs(2)).await;
    }
    closes_after(&mut client).await;
    assert_eq!(start.elapsed().as_secs(), HEADER_SECONDS, "single bytes must not extend the time-out");
}

#[tokio::test(start_paused = true)]
async fn between_requests_a_connection_may_idle_longer() {
    let mut client = connect();
    client.get("/echo").await;
    sleep(Duration::from_secs(IDLE_SECONDS - 1)).await;
    assert!(client.get("/echo").await.contains("200 OK"));
    assert_eq!(closes_after(&mut client).await, IDLE_SECONDS);

    let mut client = connect();
    client.get("/echo").await;
    sleep(Duration::from_secs(IDLE_SECONDS - 5)).await;
    client.send("GET /ec").await;
    assert_eq!(closes_after(&mut client).await, HEADER_SECONDS, "a begun request has the header time-out");
}

#[tokio::test(start_paused = true)]
async fn a_body_must_arrive_at_16_kib_per_second() {
    let mut client = connect();
    let start = Instant::now();
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab").await;
    let reply = client.receive().await;
    assert!(
        reply.starts_with("HTTP/1.1 408 Request Timeout\r\n") && reply.contains("connection: close"),
        "{reply}"
    );
    assert_eq!(start.elapsed().as_secs(), BODY_SECONDS);
    client.closed().await;

    // 16 KiB per second is just fast enough, however long the body takes; 1 KiB per second is not.
    for (piece, expected, seconds) in
        [(16 * 1024, "98304 bytes", 6), (1024, "408 Request Timeout", BODY_SECONDS)]
    {
        let mut client = connect();
        let start = Instant::now();
        client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 98304\r\n\r\n").await;
        for _ in 0..6 {
            sleep(Duration::from_secs(1)).await;
            client.send("x".repeat(piece)).await;
        }
        let reply = client.receive().await;
        assert!(reply.contains(expected), "{reply}");
        assert_eq!(start.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_makes_room_closes_soon_or_after_its_request() {
    let connect = || serve_by(Protocol::new(Http2::Refused), front(1).0, 256 * 1024);
    // hyper waits for the rest of a head; the place is given away after a second.
    for (sent, seconds) in [("", 0), ("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n", 0), ("GET /echo HT", 1)] {
        let (mut client, task, activity) = connect();
        client.send(sent).await;
        if sent.ends_with("\r\n\r\n") {
            client.receive().await;
        } else {
            sleep(Duration::from_millis(1)).await;
        }
        activity.close();
        assert_eq!(closes_after(&mut client).await, seconds, "{sent:?}");
        task.await.unwrap();
    }
    let (mut client, _, activity) = connect();
    client.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na").await;
    sleep(Duration::from_secs(1)).await;
    activity.close();
    sleep(Duration::from_secs(1)).await;
    client.send("bc").await;
    let reply = client.receive().await;
    assert!(reply.contains("connection: close") && reply.contains("3 bytes"), "{reply}");
    assert_eq!(closes_after(&mut client).await, 0);
}

/// A request of the largest size that the adapter takes, from a client behind a proxy.
fn largest(client: &str) -> String {
    post(&"x".repeat(LIMIT)).replace("host: x", &format!("host: x\r\nx-forwarded-for: {client}"))
}

#[tokio::test(start_paused = true)]
async fn bodies_of_one_address_leave_memory_to_others() {
    // A share is a quarter, in which one body of the largest size has room.
    let front = front_with_memory(4 * LIMIT.next_power_of_two());
    let connect = || serve(Arc::clone(&front), 256 * 1024).0;
    let (mut slow, mut hungry, mut other) = (connect(), connect(), connect());
    let body = largest("192.0.2.7");
    let (begin, end) = body.split_at(body.len() - 1);
    slow.send(begin).await;
    sleep(Duration::from_millis(1)).await;
    let start = Instant::now();
    hungry.send(&body).await;
    let reply = hungry.receive().await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("busy"), "{reply}");
    assert!((100..=101).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(hungry.get("/echo").await.contains("0 bytes"), "the connection stays usable");
    other.send(largest("192.0.2.8")).await;
    assert!(other.receive().await.contains(&format!("{LIMIT} bytes")));
    slow.send(end).await;
    assert!(slow.receive().await.contains(&format!("{LIMIT} bytes")));
    hungry.send(&body).await;
    assert!(hungry.receive().await.contains(&format!("{LIMIT} bytes")));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_memory_that_goes_on_is_answered_in_a_second() {
    let (mut client, _) = serve(front_with_memory(0), 256 * 1024);
    let (body, start) = (largest("192.0.2.7"), Instant::now());
    client.send(&body[..body.len() - 1]).await;
    let reply = client.receive().await;
    assert!(reply.ends_with("busy") && reply.contains("connection: close"), "{reply}");
    assert!((1_100..=1_102).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    client.closed().await;
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_client_that_never_reads_is_closed() {
    let (mut client, served) = served(64);
    let start = Instant::now();
    client.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
    served.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), IDLE_SECONDS);
}

#[tokio::test]
async fn http2_is_refused_unless_it_is_configured() {
    for (preface, reply) in [
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n"),
        ("PRI * HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n"),
    ] {
        let mut client = connect();
        client.send(preface).await;
        let received = client.receive().await;
        assert!(received.starts_with(reply), "{received}");
    }
    let (mut client, task) = served(256 * 1024);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    client.receive().await;
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn http2_is_served_and_has_the_idle_timeout() {
    let stream = TokioIo::new(served_http2());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for (body, expected) in [("abc".to_owned(), "3 bytes"), ("x".repeat(LIMIT + 1), "too large")] {
        let request = http::Request::post("http://x/echo").body(Full::new(Bytes::from(body))).unwrap();
        let reply = sender.send_request(request).await.unwrap();
        let text = reply.into_body().collect().await.unwrap().to_bytes();
        assert!(std::str::from_utf8(&text).unwrap().contains(expected));
    }
    let start = Instant::now();
    let _ = connection.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), IDLE_SECONDS);
}

/// A request to HTTP/2 for a reply of so many bytes.
fn large(bytes: usize) -> http::Request<Full<Bytes>> {
    http::Request::get(format!("http://x/large?{bytes}")).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_large_reply_for_which_there_is_no_memory_is_busy_and_a_small_one_is_sent() {
    let (front, _) = front(1);
    // One address may hold 256 KiB.
    let (mut unread, served) = serve(Arc::clone(&front), 64);
    unread.send("GET /large?200000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut first = [0; 17];
    tokio::io::AsyncReadExt::read_exact(&mut unread.0, &mut first).await.unwrap();
    let (mut other, _) = serve(front, 256 * 1024);
    assert!(other.get("/large?70000").await.ends_with("busy"));
    assert!(other.get("/large?65536").await.ends_with("xxx"));
    let elsewhere = "GET /large?70000 HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.7\r\n\r\n";
    other.send(elsewhere).await;
    assert!(other.receive().await.ends_with("xxx"), "another address has a share of its own");
    drop(unread);
    served.await.unwrap();
    assert!(other.get("/large?70000").await.ends_with("xxx"), "the memory is free again");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_holds_much_is_closed_earlier_if_others_want_the_memory() {
    const STALL_SECONDS: u64 = 10;
    let get = |address: u8, bytes: u32| {
        format!("GET /large?{bytes} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 192.0.2.{address}\r\n\r\n")
    };
    // Of 20,000 bytes the kernel takes a part of a piece: hyper then takes one more, which is no progress of the client.
    for (others_want_it, kernel, seconds) in
        [(false, 64, IDLE_SECONDS), (false, 20_000, IDLE_SECONDS), (true, 64, STALL_SECONDS)]
    {
        let (front, _) = front(2);
        let (mut unread, served) = serve(Arc::clone(&front), kernel);
        let start = Instant::now();
        unread.send(get(1, 450_000)).await;
        let mut others = Vec::new();
        for address in 2..=4 {
            let (mut other, _) = serve(Arc::clone(&front), 64);
            other.send(get(address, 450_000)).await;
            others.push(other);
        }
        sleep(Duration::from_secs(1)).await;
        if others_want_it {
            let (mut other, _) = serve(front, 256 * 1024);
            other.send(get(5, 300_000)).await;
            assert!(other.receive().await.ends_with("busy"));
        }
        served.await.unwrap();
        assert_eq!(start.elapsed().as_secs(), seconds, "others want it: {others_want_it}");
    }
}

#[tokio::test]
async fn a_connection_that_makes_room_sends_its_reply_to_the_end() {
    let (mut client, served, activity) = serve_by(Protocol::new(Http2::Refused), front(64).0, 64);
    client.send("GET /large?300000 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut first = [0; 17];
    tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut first).await.unwrap();
    assert!(!activity.is_between_requests(), "the reply is on its way");
    activity.close();
    let rest = client.receive().await;
    assert!(rest.ends_with("xxx") && rest.len() > 300_000, "{} bytes", rest.len());
    client.closed().await;
    served.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_holds_much_begins_no_further_request() {
    let (front, arrived) = front(64);
    let stream = TokioIo::new(serve_http2(front));
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (mut sender, connection) = client.initial_stream_window_size(0).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut replies = Vec::new();
    for _ in 0..3 {
        replies.push(sender.send_request(large(100_000)).await.unwrap());
    }
    assert_eq!(arrived.available_permits(), 3);
    let mut next = std::pin::pin!(sender.send_request(large(1)));
    for _ in 0..100 {
        assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx))).await.is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(arrived.available_permits(), 3, "the fourth request waits");
    drop(replies.pop());
    assert_eq!(next.await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_reply_is_closed_whatever_else_it_sends() {
    let stream = TokioIo::new(served_http2());
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let client = client.timer(TokioTimer::new()).initial_stream_window_size(0);
    let pings = client.keep_alive_interval(Duration::from_secs(5));
    let (mut sender, connection) = pings.handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let start = Instant::now();
    let _reply = sender.send_request(large(1_000)).await.unwrap();
    let _ = connection.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), IDLE_SECONDS);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_is_busy() {
    let mut client = connect();
    for body in ["1".to_owned(), "x".repeat(LIMIT)] {
        let start = Instant::now();
        let request = post(&body).replace("/echo?a=1", "/wait");
        client.send(request).await;
        let reply = client.receive().await;
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("busy"), "{reply}");
        assert_eq!(start.elapsed().as_secs(), DEADLINE_SECONDS);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_body_keeps_no_worker_from_other_requests() {
    let (front, arrived) = front(1);
    let (mut blocked, _) = serve(Arc::clone(&front), 256 * 1024);
    blocked.send(post(&"x".repeat(LIMIT)).replace("/echo?a=1", "/block")).await;
    arrived.acquire().await.unwrap().forget();
    let (mut other, _) = serve(front, 256 * 1024);
    assert!(other.get("/release").await.starts_with("HTTP/1.1 200 OK"));
    assert!(blocked.receive().await.ends_with("released"));
}

#[tokio::test]
async fn a_request_without_a_host_or_with_two_is_refused() {
    for head in [
        "GET /echo HTTP/1.1\r\n\r\n",
        "GET /echo HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n",
        "GET /echo HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n",
    ] {
        let mut client = connect();
        client.send(head).await;
        let reply = client.receive().await;
        assert!(reply.contains(" 400 Bad Request\r\n"), "{head}: {reply}");
        client.closed().await;
    }
    let mut client = connect();
    client.send("GET /echo HTTP/1.0\r\n\r\n").await;
    assert!(client.receive().await.contains("200 OK"), "HTTP/1.0 needs no host");
}

#[tokio::test]
async fn after_a_request_with_two_lengths_the_connection_is_closed() {
    let lengths = ["content-length: 5", "transfer-encoding: chunked"];
    for [first, second] in [lengths, [lengths[1], lengths[0]]] {
        let mut client = connect();
        client.send(format!("POST /echo HTTP/1.1\r\nhost: x\r\n{first}\r\n{second}\r\n\r\n0\r\n\r\n")).await;
        client.send("GET /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let reply = client.receive().await;
        assert!(reply.contains("0 bytes") && reply.contains("connection: close"), "{reply}");
        client.closed().await;
    }
}
