//! The whole server on real sockets.

use relive_core::{TestClock, TestRandom, UnixSeconds};
use tokio::{net::TcpStream, sync::Semaphore};

use super::*;
use crate::testing::{Client, Echo};

struct Server {
    gateway: Gateway,
    gate: Arc<Semaphore>,
    arrived: Arc<Semaphore>,
    /// The database's directory, deleted with the server.
    _directory: tempfile::TempDir,
}

fn settings(directory: &tempfile::TempDir) -> Settings {
    let mut settings = Settings::default();
    settings.http.listen = "127.0.0.1:0".parse().unwrap();
    settings.admin.listen.0 = Some(settings.http.listen);
    settings.database.url = format!("sqlite://{}/relive.db", directory.path().display());
    settings
}

async fn server(change: impl FnOnce(&mut Settings)) -> Server {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings(&directory);
    change(&mut settings);
    let echo = Echo::at("gateway_test", &["/echo", "/wait", "/panic"]);
    let (gate, arrived) = (Arc::clone(&echo.gate), Arc::clone(&echo.arrived));
    let (clock, random) =
        (Arc::new(TestClock::at(UnixSeconds(1_700_000_000))), Arc::new(TestRandom::seeded(1)));
    let adapters = |_: &Core, _: &Settings| vec![Mounted::new(echo, &[String::new()])];
    let gateway = Gateway::start_with(settings, clock, random, adapters).await.unwrap();
    Server { gateway, gate, arrived, _directory: directory }
}

async fn connect(address: SocketAddr) -> Client<TcpStream> {
    Client(TcpStream::connect(address).await.unwrap())
}

#[tokio::test]
async fn the_operators_listener_serves_health_and_metrics() {
    let server = server(|_| {}).await;
    connect(server.gateway.addr).await.get("/echo").await;
    let mut client = connect(server.gateway.admin_addr.unwrap()).await;
    assert!(client.get("/livez").await.ends_with("ok"));
    assert!(client.get("/readyz").await.ends_with("{\"status\":\"ready\"}"));
    let metrics = client.get("/metrics").await;
    let counted = "relive_requests_total{adapter=\"gateway_test\",interface=\"echo\",code=\"0\"} ";
    for line in
        [counted, "relive_connections ", "relive_rooms_on_air 0", "relive_queue_depth ", "relive_sessions 0"]
    {
        assert!(metrics.contains(&format!("\n{line}")), "{line}\n{metrics}");
    }
    assert!(client.get("/echo").await.starts_with("HTTP/1.1 404 "));
    client.send("POST /readyz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.receive().await.starts_with("HTTP/1.1 405 "));

    server.gateway.core.shutdown().await;
    let reply = client.get("/readyz").await;
    assert!(reply.starts_with("HTTP/1.1 503 ") && reply.contains("unavailable"), "{reply}");
    assert!(client.get("/livez").await.ends_with("ok"));
}

#[tokio::test]
async fn the_database_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data");
    let url = format!("sqlite://{}/relive.db", directory.display());
    let server = server(|settings| settings.database.url = url).await;
    connect(server.gateway.admin_addr.unwrap()).await.get("/readyz").await;
    let mode = |name: &str| std::fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("relive.db")), (0o700, 0o600));
    assert_eq!((mode("relive.db-wal"), mode("relive.db-shm")), (0o600, 0o600));
}

#[tokio::test]
async fn connections_over_a_cap_are_closed_at_once() {
    for change in [(|settings| settings.http.max_connections = 2) as fn(&mut Settings), |settings| {
        settings.http.max_connections_per_ip = 2;
    }] {
        let server = server(change).await;
        let mut first = connect(server.gateway.addr).await;
        let mut second = connect(server.gateway.addr).await;
        assert!(first.get("/echo").await.contains("200 OK"));
        assert!(second.get("/echo").await.contains("200 OK"));
        connect(server.gateway.addr).await.closed().await;
        drop(first);
        // The server notices the closed connection after a while; until then it closes every new one.
        loop {
            let mut third = connect(server.gateway.addr).await;
            if third.get("/echo").await.contains("200 OK") {
                break;
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn idle_connections_of_one_address_make_room_for_others() {
    let server = server(|settings| {
        settings.http.max_connections = 8;
        settings.limits.exempt.clear();
    })
    .await;
    let from = async |address: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        Client(socket.connect(server.gateway.addr).await.unwrap())
    };
    let mut many = Vec::new();
    for _ in 0..8 {
        let mut client = from("127.0.0.2:0").await;
        assert!(client.get("/echo").await.contains("200 OK"));
        many.push(client);
    }
    let mut others = Vec::new();
    for number in 3..=6 {
        let mut client = from(&format!("127.0.0.{number}:0")).await;
        assert!(client.get("/echo").await.contains("200 OK"), "127.0.0.{number}");
        others.push(client);
    }
    // The address itself gets new connections as well, in place of its old ones.
    let mut newest = from("127.0.0.2:0").await;
    assert!(newest.get("/echo").await.contains("200 OK"));
    for client in many.iter_mut().take(5) {
        client.closed().await;
    }
    for client in many.iter_mut().skip(5).chain(&mut others).chain([&mut newest]) {
        assert!(client.get("/echo").await.contains("200 OK"));
    }
}

#[tokio::test]
async fn a_panic_closes_its_own_connection_only() {
    let server = server(|_| {}).await;
    assert_eq!(connect(server.gateway.addr).await.get("/panic").await, "");
    assert!(connect(server.gateway.addr).await.get("/echo").await.contains("200 OK"));
}

#[tokio::test]
async fn stopping_lets_requests_finish_and_refuses_new_ones() {
    let server = server(|_| {}).await;
    let (address, admin) = (server.gateway.addr, server.gateway.admin_addr.unwrap());
    let mut idle = connect(address).await;
    idle.get("/echo").await;
    let mut busy = connect(address).await;
    busy.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.arrived.acquire_many(2).await.unwrap().forget();
    let mut operator = connect(admin).await;
    operator.get("/livez").await;

    let core = server.gateway.core.clone();
    let stopped = tokio::spawn(server.gateway.shutdown());
    idle.closed().await;
    assert!(TcpStream::connect(address).await.is_err());
    let reply = operator.get("/readyz").await;
    assert!(reply.starts_with("HTTP/1.1 503 ") && reply.contains("stopping"), "{reply}");
    assert!(core.probe().await.is_ok(), "the core outlives the requests");
    server.gate.add_permits(1);
    let reply = busy.receive().await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.contains("connection: close"), "{reply}");
    stopped.await.unwrap();
    let late = tokio::time::timeout(Duration::from_secs(2), core.probe()).await;
    assert!(!matches!(late, Ok(Ok(()))), "the core is shut down with the gateway");
    operator.closed().await;
}

#[tokio::test]
async fn stopping_closes_connections_after_the_drain_timeout() {
    let server = server(|settings| settings.http.request_deadline = Duration::from_mins(1)).await;
    let mut busy = connect(server.gateway.addr).await;
    busy.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.arrived.acquire().await.unwrap().forget();
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    server.gateway.shutdown().await;
    assert!(start.elapsed() >= crate::listener::DRAIN_TIMEOUT);
    assert_eq!(busy.receive().await, "");
}

#[tokio::test]
async fn a_failed_start_names_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, random) = (Arc::new(TestClock::at(UnixSeconds(0))), Arc::new(TestRandom::seeded(1)));
    let mut open = settings(&directory);
    open.http.listen = "0.0.0.0:0".parse().unwrap();
    let error = Gateway::start(open, Arc::clone(&clock) as _, Arc::clone(&random) as _).await.unwrap_err();
    assert!(error.to_string().contains("qplus.password_reset: must be set"), "{error}");

    let first = server(|_| {}).await;
    let mut taken = settings(&directory);
    taken.http.listen = first.gateway.addr;
    let error = Gateway::start(taken, clock, random).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {} (http.listen)", first.gateway.addr));
}
