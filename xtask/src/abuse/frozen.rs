//! A PostgreSQL that has stopped, as on a machine that is suspended: connections stay open, and nothing answers.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

use super::{
    lab::{Lab, go_live, guest, post},
    report::Report,
};
use crate::{
    bench::{Goal, Server, Unit},
    postgres::{Cluster, MISSING, Sync},
};

const FROZEN: Duration = Duration::from_secs(12);
/// Clients that go on calling meanwhile.
const CLIENTS: u8 = 6;
const SECONDS: Unit = Unit("s", 1);

pub(super) fn run(lab: &Lab, report: &mut Report<'_>) -> Result<()> {
    let Some(cluster) = Cluster::start(Sync::Off)? else {
        eprintln!("NOT RUN: frozen. {MISSING}");
        return Ok(());
    };
    let server = lab.server_on(&cluster.url(), &[])?;
    go_live(&server, "203.0.113.1", "host", "a live", &json!({}))?;
    let frozen = cluster.freeze()?;
    let called = &server;
    let longest = thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|client| scope.spawn(move || longest_call(called, client))).collect();
        clients
            .into_iter()
            .map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?)
            .try_fold(0.0, |longest: f64, call| anyhow::Ok(longest.max(call?)))
    })?;
    report.add("PostgreSQL stops: the longest call", longest, SECONDS, Goal::AtMost(5.0));
    drop(frozen);
    let thawed = Instant::now();
    while guest(&server, "203.0.113.1", &like()).is_err() {
        if thawed.elapsed() > Duration::from_secs(30) {
            break;
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    report.add(
        "after that, until a write succeeds",
        thawed.elapsed().as_secs_f64(),
        SECONDS,
        Goal::AtMost(3.0),
    );
    Ok(())
}

fn like() -> Value {
    json!({"Action": "ChangeCount", "userid": "host", "type": 1, "optype": 0, "flag": 0})
}

/// Calls the server while its database is frozen; returns how long the longest call took, in seconds.
fn longest_call(server: &Server, client: u8) -> Result<f64> {
    let from = format!("198.51.100.{client}");
    let login = json!({"id": "nobody", "pwd": "password"});
    let calls = [
        ("/interface.php", like()),
        ("/index.php?svc=account&cmd=login", login),
        (
            "/index.php?svc=live&cmd=roomlist",
            json!({"token": "unknown", "type": "live", "index": 0, "size": 10}),
        ),
    ];
    let (mut longest, start) = (0.0_f64, Instant::now());
    for (path, call) in calls.iter().cycle().skip(usize::from(client)) {
        if start.elapsed() >= FROZEN {
            break;
        }
        let called = Instant::now();
        post(server, path, &from, call)?;
        longest = longest.max(called.elapsed().as_secs_f64());
        thread::park_timeout(Duration::from_millis(50));
    }
    Ok(longest)
}
