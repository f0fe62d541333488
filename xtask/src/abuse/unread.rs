//! Large replies that nobody reads.

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use super::{
    lab::{Lab, connect, go_live, latency_during, post},
    report::Report,
};
use crate::bench::{Goal, MEGABYTES, Server, TIMES, Unit};

/// Lives whose rows are as long as they can be: about 16 KB each.
const LIVES: usize = 100;
/// Connections over HTTP/2, and the requests on each.
const CONNECTIONS: usize = 10;
const REQUESTS: usize = 120;
/// Connections over HTTP/1.1, each with one request for a head picture.
const PICTURES: usize = 600;
const PICTURE_BYTES: usize = 2 * 1024 * 1024;
/// How long the replies are left unread while clients that behave are measured.
const HELD: Duration = Duration::from_secs(5);
const ATTACKER: &str = "198.51.100.1";

pub(super) fn run(lab: &Lab, report: &mut Report<'_>) -> Result<()> {
    let server = lab.server(&["http.h2c=true", "http.idle_timeout=15s"])?;
    let picture = prepare(&server)?;
    let ((), calm) = latency_during(&server, || {
        thread::park_timeout(HELD);
        Ok(())
    })?;
    let idle = server.resident()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let lists = || -> Result<_> {
        let held = runtime.block_on(async {
            let mut held = Vec::new();
            for _ in 0..CONNECTIONS {
                held.push(ask_http2(&server).await?);
            }
            anyhow::Ok(held)
        })?;
        thread::park_timeout(HELD);
        Ok((held, server.resident()? - idle))
    };
    let ((held, memory), during) = latency_during(&server, lists)?;
    report.add(
        format!(
            "{} lists of {LIVES} long rows asked for over HTTP/2 and not read: memory",
            CONNECTIONS * REQUESTS
        ),
        memory,
        MEGABYTES,
        Goal::AtMost(300.0),
    );
    drop(held);
    add_latency(report, calm, during);
    drop(runtime);

    let kernel = kernel_memory()?;
    let pictures = || -> Result<_> {
        let held = (0..PICTURES).map(|_| ask(&server, &picture)).collect::<Result<Vec<_>>>()?;
        thread::park_timeout(HELD);
        Ok((held, server.resident()? - idle, kernel_memory()? - kernel))
    };
    let ((held, memory, kernel), during) = latency_during(&server, pictures)?;
    report.add(
        format!("{PICTURES} pictures of 2 MiB asked for and not read: memory, the kernel's included"),
        memory + kernel,
        MEGABYTES,
        Goal::AtMost(300.0),
    );
    add_latency(report, calm, during);
    let start = Instant::now();
    while server.gauge("relive_unsent_reply_bytes")? > 0.0 {
        ensure!(start.elapsed() < Duration::from_mins(1), "replies that nobody reads are held for ever");
        thread::park_timeout(Duration::from_millis(100));
    }
    let waited = (HELD + start.elapsed()).as_secs_f64();
    report.add(
        "until they are given up, with an idle time-out of 15 s",
        waited,
        Unit("s", 0),
        Goal::AtMost(20.0),
    );
    drop(held);
    Ok(())
}

/// Below five milliseconds the machine decides.
fn add_latency(report: &mut Report<'_>, calm: f64, during: f64) {
    let ratio = during.max(5.0) / calm.max(5.0);
    report.add("a list of others meanwhile, 99th percentile beside before", ratio, TIMES, Goal::AtMost(2.0));
}

/// Fills the lists and stores a head picture; returns the path of the picture.
fn prepare(server: &Server) -> Result<String> {
    let long = |length: usize| format!("a{}b", "\u{1}".repeat(length));
    for live in 0..LIVES {
        let userinfo = json!({"nickname": long(60), "headpic": long(1_000), "frontcover": long(1_000), "location": long(120)});
        go_live(server, ATTACKER, &format!("guest{live}"), &long(120), &userinfo)?;
    }
    let account = json!({"account": "mira", "password": "password", "phone": "13900001111", "email": "mira@example.org"});
    post(server, "/live/Register", ATTACKER, &account)?;
    let login = post(server, "/live/Login", ATTACKER, &account)?;
    let session =
        login.get("sessionId").and_then(Value::as_str).with_context(|| format!("login: {login}"))?;
    let picture = json!({"sessionId": session, "headPic": "QUJD".repeat(PICTURE_BYTES / 3)});
    let stored = post(server, "/live/ModifyUserHeadPic", ATTACKER, &picture)?;
    let id = stored.get("headPicId").and_then(Value::as_i64).with_context(|| format!("picture: {stored}"))?;
    Ok(format!("/live/GetUserHeadPic?id={id}"))
}

/// Asks for a picture on a connection of its own and reads nothing.
fn ask(server: &Server, path: &str) -> Result<TcpStream> {
    let mut stream = connect(server)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {ATTACKER}\r\n\r\n")?;
    Ok(stream)
}

/// What keeps a connection over HTTP/2 open.
type Held = (hyper::client::conn::http2::SendRequest<Full<Bytes>>, Vec<tokio::task::JoinHandle<()>>);

/// Asks for lists on a connection that allows no reply to be sent.
async fn ask_http2(server: &Server) -> Result<Held> {
    let stream = tokio::net::TcpStream::connect(&server.address).await?;
    let mut client = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (sender, connection) = client.initial_stream_window_size(0).handshake(TokioIo::new(stream)).await?;
    let mut tasks = vec![tokio::spawn(async move {
        // The server may close the connection.
        let _ = connection.await;
    })];
    let list = json!({"Action": "FetchList", "flag": 1, "pageno": 1, "pagesize": LIVES}).to_string();
    for _ in 0..REQUESTS {
        let request = hyper::Request::post("http://relive/interface.php")
            .header("x-forwarded-for", ATTACKER)
            .body(Full::new(Bytes::from(list.clone())))?;
        let reply = sender.clone().send_request(request);
        tasks.push(tokio::spawn(async move {
            let _held = reply.await;
            std::future::pending::<()>().await;
        }));
    }
    Ok((sender, tasks))
}

/// Memory of all TCP sockets of this machine, in MB.
fn kernel_memory() -> Result<f64> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let pages = text
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))
        .and_then(|line| line.split_whitespace().skip_while(|word| *word != "mem").nth(1))
        .context("no memory of TCP in /proc/net/sockstat")?;
    Ok(pages.parse::<f64>()? * 4_096.0 / 1e6)
}
