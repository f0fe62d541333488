//! Measures calls through the adapter on a core with a database of its own: a complete request without HTTP.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use relive_core::{Core, Seconds, SystemClock, SystemRandom};
use relive_wire::{Adapter as _, Body, Request};
use serde_json::{Value, json};
use sxb::{Config, Sxb};
use tokio::runtime::{Builder, Runtime};

/// Rooms on air.
const ROOMS: usize = 100;

fn request(call: &str, body: &Value) -> Request {
    let (service, command) = call.split_once('/').unwrap();
    Request {
        method: Method::POST,
        uri: format!("/index.php?svc={service}&cmd={command}").parse().unwrap(),
        mount_len: 0,
        headers: HeaderMap::new(),
        body: Body::Whole(Bytes::from(body.to_string())),
        client: [127, 0, 0, 1].into(),
        is_exempt: true,
    }
}

fn send(runtime: &Runtime, sxb: &Sxb, call: &str, body: &Value) -> Value {
    let reply = runtime.block_on(sxb.call(&request(call, body)));
    assert_eq!(reply.code, 0, "{call}");
    serde_json::from_slice(&reply.body).unwrap()
}

/// Puts a new user on air; returns the token and the room.
fn go_live(runtime: &Runtime, sxb: &Sxb, id: &str) -> (Value, Value) {
    let credentials = json!({"id": id, "pwd": "passs2017!"});
    send(runtime, sxb, "account/regist", &credentials);
    let reply = send(runtime, sxb, "account/login", &credentials);
    let token = reply.pointer("/data/token").unwrap().clone();
    let reply = send(runtime, sxb, "live/create", &json!({"token": token, "type": "live"}));
    let room = reply.pointer("/data/roomnum").unwrap().clone();
    let report = json!({"token": token, "room": {"title": id, "roomnum": room, "type": "live", "groupid": id,
        "cover": "http://img.example/cover.png", "appid": 1, "device": 1, "videotype": 0}});
    send(runtime, sxb, "live/reportroom", &report);
    (token, room)
}

fn calls(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut config = relive_core::Config::sqlite(folder.path().join("relive.db"));
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    // Hosts send no heartbeats during a measurement.
    config.timeouts.sxb_host = Seconds(86_400);
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
    let sxb = Sxb::new(core, Config::default());
    let hosts: Vec<_> = (0..ROOMS).map(|index| go_live(&runtime, &sxb, &format!("host{index:05}"))).collect();
    let (token, room) = hosts.first().unwrap();
    let requests = [
        ("live/heartbeat", json!({"token": token, "roomnum": room, "role": 1, "thumbup": 0})),
        ("live/roomlist", json!({"token": token, "type": "live", "index": 40, "size": 10})),
    ];
    let mut group = criterion.benchmark_group("call");
    for (call, body) in requests {
        send(&runtime, &sxb, call, &body);
        let request = request(call, &body);
        group.bench_function(call, |bencher| {
            bencher.iter(|| runtime.block_on(sxb.call(&request)));
        });
    }
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
