//! Yardsticks without relive: plain SQLite, pgbench, one password hash.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::server::Programs;
use crate::postgres::Cluster;

/// Figures of commits to plain SQLite, each of one transaction.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Commits {
    /// Commits per second.
    pub(super) rate: f64,
    /// Mean time of a commit in milliseconds.
    pub(super) mean: f64,
    p50: f64,
    p99: f64,
}

impl std::fmt::Display for Commits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} commits/s · {:.2} · {:.2} ms", self.rate, self.p50, self.p99)
    }
}

/// Measures transactions of plain SQLite, each of which updates one of `rows` rows and is synced to disk.
pub(super) fn commits(programs: &Programs, threads: u32, rows: usize, seconds: u64) -> Result<Commits> {
    baseline(programs, &format!("sqlite --threads {threads} --rows {rows} --seconds {seconds}"))
}

/// Password hashes of the default cost, in the default number of threads.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Hashes {
    /// Of one, milliseconds, while all threads hash.
    mean: f64,
    threads: u32,
}

impl Hashes {
    /// Hashes all threads make together in a second.
    pub(super) fn rate(&self) -> f64 {
        f64::from(self.threads) * 1_000.0 / self.mean
    }
}

impl std::fmt::Display for Hashes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "threads: {}, {:.1} ms a hash", self.threads, self.mean)
    }
}

/// Measures password hashes.
pub(super) fn hash(programs: &Programs, seconds: u64) -> Result<Hashes> {
    baseline(programs, &format!("hash --seconds {seconds}"))
}

fn baseline<T: for<'de> Deserialize<'de>>(programs: &Programs, words: &str) -> Result<T> {
    let output = Command::new(programs.example("baseline")).args(words.split(' ')).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "baseline failed: {error}");
    serde_json::from_slice(&output.stdout).context("cannot read the output of baseline")
}

/// Creates the table that pgbench updates.
pub(super) fn prepare_pgbench(cluster: &Cluster, rows: usize) -> Result<()> {
    let sql = format!(
        "CREATE TABLE yardstick (id bigint PRIMARY KEY, n bigint NOT NULL) WITH (fillfactor = 50);\
         INSERT INTO yardstick SELECT id, 0 FROM generate_series(1, {rows}) AS id"
    );
    let status = cluster.client("psql").args(["--quiet", "--command", &sql]).status()?;
    ensure!(status.success(), "psql failed ({status})");
    Ok(())
}

/// Measures pgbench's transactions per second, each of which updates one of the first `rows` rows.
pub(super) fn pgbench(
    cluster: &Cluster,
    folder: &Path,
    clients: u32,
    rows: usize,
    seconds: u64,
) -> Result<f64> {
    let script = folder.join("update.sql");
    let text = format!("\\set id random(1, {rows})\nUPDATE yardstick SET n = n + 1 WHERE id = :id;\n");
    std::fs::write(&script, text)?;
    let output = cluster
        .client("pgbench")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args([format!("--client={clients}"), format!("--time={seconds}")])
        .arg("--file")
        .arg(&script)
        .output()
        .context("cannot start pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "pgbench failed: {}", String::from_utf8_lossy(&output.stderr));
    transactions(&text).with_context(|| format!("cannot read what pgbench printed: {text}"))
}

fn transactions(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_pgbench_prints() {
        let text = "number of failed transactions: 0 (0.000%)\nlatency average = 41.9 ms\n\
                    initial connection time = 67.283 ms\ntps = 1524.830913 (without initial connection time)\n";
        assert_eq!(transactions(text), Some(1_524.830_913));
        assert_eq!(transactions("tps is unknown"), None);
    }

    #[test]
    fn reads_what_the_baseline_prints() {
        let found: Commits =
            serde_json::from_str(r#"{"mean":0.1,"p50":0.09,"p99":0.2,"rate":9586.4}"#).unwrap();
        assert_eq!(found.to_string(), "9586 commits/s · 0.09 · 0.20 ms");
        let found: Hashes = serde_json::from_str(r#"{"mean":12.5,"threads":3}"#).unwrap();
        assert_eq!(found.to_string(), "threads: 3, 12.5 ms a hash");
        assert!((found.rate() - 240.0).abs() < 1e-9);
    }
}
