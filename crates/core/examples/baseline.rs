//! The yardsticks of the benches. Each prints one JSON object:
//!
//! * `baseline sqlite --threads N --seconds S --rows R`: commits a second of SQLite in its usual use: one transaction per
//!   request, through a pool of at most 16 connections, synced to disk before the answer;
//! * `baseline hash --seconds S`: milliseconds per password hash of the default cost, while the default number of threads hash at
//!   the same time and share the bandwidth of the memory.
#![expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]

use std::{
    collections::HashMap,
    error::Error,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Params, Version, password_hash::PasswordHasher as _};
use diesel::{
    connection::SimpleConnection as _,
    prelude::*,
    r2d2::{ConnectionManager, CustomizeConnection, Pool},
};
use relive_core::Config;
use serde_json::json;

/// Largest number of connections in the pool.
const POOL_SIZE: usize = 16;
/// Commits after which the write-ahead log has reached its size and is overwritten. Earlier commits also extend the file,
/// which costs ten times as much.
const WARM_UP_COMMITS: i64 = 3_000;

mod schema {
    diesel::table! {
        counters (id) {
            id -> BigInt,
            n -> BigInt,
        }
    }
}
use schema::counters;

type Connections = Pool<ConnectionManager<SqliteConnection>>;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();
    let (mode, options) = words.get(1..).and_then(<[String]>::split_first).ok_or("baseline sqlite|hash")?;
    let options: HashMap<_, u64> = options
        .chunks_exact(2)
        .map(|pair| match pair {
            [name, value] => Ok((name.trim_start_matches('-'), value.parse()?)),
            _ => Err("an option needs a value".into()),
        })
        .collect::<Result<_, Box<dyn Error>>>()?;
    let option = |name: &str, default: u64| options.get(name).copied().unwrap_or(default);
    let span = Duration::from_secs(option("seconds", 4));
    let found = match mode.as_str() {
        "sqlite" => {
            // Beside the program: the folder for temporary files may be in memory.
            let program = std::env::current_exe()?;
            let folder = tempfile::tempdir_in(program.parent().ok_or("no folder")?)?;
            commits(folder.path(), option("threads", 64), option("rows", 1_000), span)?
        }
        "hash" => hash(span)?,
        other => return Err(format!("{other} is neither sqlite nor hash").into()),
    };
    println!("{found}");
    Ok(())
}

/// The settings of the server's own connections.
#[derive(Debug)]
struct Pragmas;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

fn commits(
    folder: &Path,
    threads: u64,
    rows: u64,
    span: Duration,
) -> Result<serde_json::Value, Box<dyn Error>> {
    let manager = ConnectionManager::new(folder.join("baseline.db").display().to_string());
    let size = u32::try_from(threads)?.min(u32::try_from(POOL_SIZE)?);
    let pool: Connections = Pool::builder()
        .max_size(size)
        // A test would be another query for each commit.
        .test_on_check_out(false)
        .connection_customizer(Box::new(Pragmas))
        .build(manager)?;
    let mut conn = pool.get()?;
    conn.batch_execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")?;
    conn.transaction(|conn| {
        for id in 0..i64::try_from(rows).unwrap_or(i64::MAX) {
            diesel::insert_into(counters::table)
                .values((counters::id.eq(id), counters::n.eq(0)))
                .execute(conn)?;
        }
        QueryResult::Ok(())
    })?;
    conn.batch_execute("PRAGMA synchronous = OFF")?;
    for _ in 0..WARM_UP_COMMITS {
        diesel::update(counters::table.find(0)).set(counters::n.eq(counters::n + 1)).execute(&mut conn)?;
    }
    conn.batch_execute("PRAGMA synchronous = FULL")?;
    drop(conn);
    let started = Instant::now();
    let mut latencies = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let pool = pool.clone();
                scope.spawn(move || {
                    count(&pool, thread, rows, started, span).map_err(|error| error.to_string())
                })
            })
            .collect();
        let joined =
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("panicked".into())));
        joined.collect::<Result<Vec<_>, String>>()
    })?
    .concat();
    let elapsed = started.elapsed();
    latencies.sort_unstable();
    let milliseconds = |part: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an index into a list of some thousands"
        )]
        let at = (latencies.len() as f64 * part) as usize;
        latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    };
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let count = latencies.len() as f64;
    let mean = latencies.iter().sum::<Duration>().as_secs_f64() * 1e3 / count.max(1.0);
    Ok(json!({
        "rate": count / elapsed.as_secs_f64(), "mean": mean, "p50": milliseconds(0.5), "p99": milliseconds(0.99),
    }))
}

/// Commits in one thread for `span`; returns the time of each commit, including the wait for a connection.
fn count(
    pool: &Connections,
    thread: u64,
    rows: u64,
    started: Instant,
    span: Duration,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let (mut latencies, mut turn) = (Vec::new(), thread);
    while started.elapsed() < span {
        let asked = Instant::now();
        let id = i64::try_from(turn % rows.max(1))?;
        diesel::update(counters::table.find(id))
            .set(counters::n.eq(counters::n + 1))
            .execute(&mut pool.get()?)?;
        latencies.push(asked.elapsed());
        turn += 61;
    }
    Ok(latencies)
}

fn hash(span: Duration) -> Result<serde_json::Value, Box<dyn Error>> {
    let costs = Config::sqlite("unused").accounts;
    let params =
        Params::new(costs.argon2_memory_kib, costs.argon2_iterations, costs.argon2_parallelism, None)
            .map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let threads = costs.hash_threads;
    let one_thread = || -> Result<f64, String> {
        let (started, mut hashes) = (Instant::now(), 0_u32);
        while started.elapsed() < span {
            let hash = argon2.hash_password_with_salt(b"0123456789abcdef0123456789abcdef", &[7; 16]);
            hash.map_err(|error| error.to_string())?;
            hashes += 1;
        }
        Ok(started.elapsed().as_secs_f64() * 1e3 / f64::from(hashes.max(1)))
    };
    let times = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| Err("a hash panicked".to_owned()))
        };
        running.into_iter().map(join).collect::<Result<Vec<f64>, String>>()
    })?;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let mean = times.iter().sum::<f64>() / threads as f64;
    Ok(json!({"mean": mean, "threads": threads}))
}
