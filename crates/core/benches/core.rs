//! The core's hot paths through its public operations: a page of what is on air, a request's signature, likes that
//! share a commit.
#![expect(clippy::unwrap_used, reason = "a failure ends the bench")]

use std::{hint::black_box, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use relive_core::{
    Actor, Announcement, Config, Core, Counted, OnAirFilter, Step, SystemClock, SystemRandom, Window,
    sign::liteav,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// Concurrent operations while a core is filled.
const AT_ONCE: usize = 1_024;

/// A core with a number of broadcasts on air.
struct Site {
    core: Core,
    _folder: tempfile::TempDir,
}

impl Site {
    fn start(runtime: &Runtime, on_air: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db"));
        let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom)).unwrap();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for index in 0..on_air {
                if tasks.len() == AT_ONCE {
                    tasks.join_next().await.unwrap().unwrap();
                }
                tasks.spawn(go_live(core.clone(), format!("host{index:06}")));
            }
            tasks.join_all().await;
        });
        Self { core, _folder: folder }
    }
}

async fn go_live(core: Core, id: String) {
    let actor = || Actor::Unproven(id.clone().into());
    let announcement = Announcement {
        group_id: id.clone().into(),
        title: "Harbour at dusk".to_owned(),
        ..Announcement::default()
    };
    core.broadcasts().announce(actor(), announcement).await.unwrap();
    core.broadcasts().set_on_air(actor(), true).await.unwrap();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// The first page and a deep one must cost the same, whatever the length of the list.
fn pages(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("page of what is on air");
    for on_air in [100, 100_000] {
        let site = Site::start(&runtime, on_air);
        for (place, offset) in [("first", 0), ("deep", on_air - 10)] {
            group.bench_function(BenchmarkId::new(place, on_air), |bencher| {
                bencher.iter(|| {
                    let window = Window { offset, limit: 10 };
                    let broadcasts = site.core.broadcasts();
                    let page = runtime.block_on(broadcasts.on_air(OnAirFilter::default(), window));
                    assert_eq!(page.unwrap().items.len(), 10);
                });
            });
        }
    }
    group.finish();
}

fn signatures(criterion: &mut Criterion) {
    let (token, body) = ("0123456789abcdef0123456789abcdef", br#"{"userid":"anna","index":0,"count":20}"#);
    let signature = liteav::sign(token, body);
    criterion.bench_function("Liteav-Sig", |bencher| {
        bencher.iter(|| liteav::verify(token, black_box(body), &signature));
    });
}

/// Each like is for another live, so that concurrent likes share a commit but no statement.
fn likes(criterion: &mut Criterion) {
    let runtime = runtime();
    let site = Site::start(&runtime, 512);
    let mut group = criterion.benchmark_group("likes at a time");
    for count in [1, 64, 512] {
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let mut tasks = JoinSet::new();
                    for index in 0..count {
                        let core = site.core.clone();
                        tasks.spawn(async move {
                            core.broadcasts()
                                .count(&format!("host{index:06}").into(), Counted::Like, Step::Up)
                                .await
                        });
                    }
                    while let Some(liked) = tasks.join_next().await {
                        liked.unwrap().unwrap();
                    }
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pages, signatures, likes);
criterion_main!(benches);
