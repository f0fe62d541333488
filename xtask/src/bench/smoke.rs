//! A first measure: three calls of sxb.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{
    load::{Script, compare},
    server::{Server, build},
};

/// Rooms on air, and viewers.
const ROOMS: usize = 1_000;
/// Connections of the generator.
const CONNECTIONS: u32 = 64;

fn path(command: &str) -> String {
    let (service, command) = command.split_once('/').unwrap_or(("live", command));
    format!("/index.php?svc={service}&cmd={command}")
}

/// Calls sxb; another code than 0 is an error.
fn call(server: &Server, command: &str, body: &Value) -> Result<Value> {
    let answer = server.post(&path(command), body)?;
    if answer.get("errorCode") != Some(&json!(0)) {
        bail!("{command} answered {answer}");
    }
    Ok(answer)
}

fn log_in(server: &Server, id: &str) -> Result<String> {
    let who = json!({"id": id, "pwd": "secret"});
    call(server, "account/regist", &who)?;
    let answer = call(server, "account/login", &who)?;
    answer.pointer("/data/token").and_then(Value::as_str).map(str::to_owned).context("no token")
}

pub(crate) fn run() -> Result<()> {
    build()?;
    let folder = tempfile::tempdir()?;
    let relive = Server::relive(folder.path())?;
    let bare = Server::bare()?;
    println!("setting up {ROOMS} rooms on air and as many viewers");
    let (mut heartbeats, mut moves) = (Vec::new(), Vec::new());
    let mut viewer = String::new();
    for index in 0..ROOMS {
        let token = log_in(&relive, &format!("host{index:05}"))?;
        let room = call(&relive, "create", &json!({"token": token, "type": "live"}))?;
        let room = room.pointer("/data/roomnum").and_then(Value::as_i64).context("no room")?;
        let report = json!({"token": token, "room": {"title": format!("Room {index}"), "roomnum": room,
            "type": "live", "groupid": room.to_string(), "cover": "http://img.example/c.png",
            "appid": 1_400_000_123, "device": 1, "videotype": 0}});
        call(&relive, "reportroom", &report)?;
        heartbeats.push(json!({"role": 1, "token": token, "roomnum": room, "thumbup": 0}).to_string());
        viewer = log_in(&relive, &format!("viewer{index:05}"))?;
        for operate in 0..2 {
            // Enter and leave stay in one generator thread, which takes every second request.
            let body = json!({"token": viewer, "id": "", "roomnum": room, "role": 0, "operate": operate})
                .to_string();
            moves.push((index, operate, body));
        }
    }
    let list = json!({"token": viewer, "type": "live", "index": 0, "size": 10});
    let page = call(&relive, "roomlist", &list)?.to_string().len();
    let envelope = json!({"errorCode": 0, "errInfo": "", "errorInfo": ""}).to_string().len();
    // Thread A gets the odd places, thread B the even ones: viewers alternate between them, their moves do not.
    moves.sort_by_key(|(index, operate, _)| (index / 2, *operate, index % 2));
    let moves = moves.into_iter().map(|(_, _, body)| body).collect();
    let scenarios = [
        ("heartbeat", path("heartbeat"), heartbeats, envelope),
        ("roomlist, 10 of 1,000", path("roomlist"), vec![list.to_string()], page),
        ("reportmemid, enter and leave", path("reportmemid"), moves, envelope),
    ];
    println!(
        "\n| scenario, {CONNECTIONS} connections | ratio | relive /s | p50 ms | p99 ms | bare /s | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, path, bodies, length) in scenarios {
        let script = Script { path, bodies };
        let baseline = Script { path: format!("/{length}"), bodies: script.bodies.clone() };
        let result =
            compare(folder.path(), CONNECTIONS, (&relive.address, &script), (&bare.address, &baseline))?;
        println!(
            "| {name} | **{:.2}** | {:.0} | {:.2} | {:.2} | {:.0} | {:.2} | {:.2} |",
            result.ratio,
            result.relive.rate,
            result.relive.p50,
            result.relive.p99,
            result.bare.rate,
            result.bare.p50,
            result.bare.p99
        );
    }
    let failures = relive.failures("0")?;
    if failures > 0 {
        bail!("{failures} requests were answered with an error");
    }
    Ok(())
}
