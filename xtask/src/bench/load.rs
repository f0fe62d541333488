//! The load generator: wrk, with requests made beforehand.

use std::{fmt::Write as _, path::Path, process::Command};

use anyhow::{Context as _, Result, bail};

/// Seconds per measurement.
const SECONDS: u32 = 4;
/// Pairs of measurements per scenario.
const PAIRS: usize = 3;

/// What one measurement found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Median latency, milliseconds.
    pub(crate) p50: f64,
    /// 99th percentile, milliseconds.
    pub(crate) p99: f64,
}

/// relive beside the baseline.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) relive: Figures,
    pub(crate) bare: Figures,
    /// The median of the pairs' ratios.
    pub(crate) ratio: f64,
}

/// Requests of a scenario: path and bodies. Each generator thread walks through a share of its own.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) path: String,
    pub(crate) bodies: Vec<String>,
}

impl Script {
    fn lua(&self) -> String {
        let mut bodies = String::new();
        for body in &self.bodies {
            let _ = writeln!(bodies, "[==[{body}]==],");
        }
        format!(
            "local threads = 0\n\
             function setup(thread) thread:set('number', threads) threads = threads + 1 end\n\
             local bodies = {{\n{bodies}}}\n\
             local requests, at = {{}}, 0\n\
             function init(args)\n\
             local headers = {{['Content-Type'] = 'application/json'}}\n\
             for index, body in ipairs(bodies) do\n\
             if #bodies < 2 or index % 2 == number % 2 then\n\
             requests[#requests + 1] = wrk.format('POST', '{path}', headers, body) end end end\n\
             function request() at = at % #requests + 1 return requests[at] end\n",
            path = self.path,
        )
    }
}

/// Measures both servers in turn and compares.
pub(crate) fn compare(
    folder: &Path,
    connections: u32,
    relive: (&str, &Script),
    bare: (&str, &Script),
) -> Result<Comparison> {
    let mut pairs = Vec::new();
    for _ in 0..PAIRS {
        let ours = measure(folder, connections, relive.0, relive.1)?;
        let baseline = measure(folder, connections, bare.0, bare.1)?;
        pairs.push((ours.rate / baseline.rate, ours, baseline));
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, relive, bare) = *pairs.get(PAIRS / 2).context("no pairs")?;
    Ok(Comparison { relive, bare, ratio })
}

fn measure(folder: &Path, connections: u32, address: &str, script: &Script) -> Result<Figures> {
    let file = folder.join("load.lua");
    std::fs::write(&file, script.lua())?;
    let output = Command::new("wrk")
        .args(["--latency", "-t2", &format!("-c{connections}"), &format!("-d{SECONDS}s"), "-s"])
        .arg(&file)
        .arg(format!("http://{address}"))
        .output()
        .context("cannot start wrk: install it with `apt-get install wrk`")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    parse(&text).with_context(|| format!("cannot read what wrk printed: {text}"))
}

fn parse(text: &str) -> Option<Figures> {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(name))?;
        line.split_whitespace().last()
    };
    Some(Figures {
        rate: value("Requests/sec:")?.parse().ok()?,
        p50: milliseconds(value("50%")?)?,
        p99: milliseconds(value("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Option<f64> {
    let unit = text.find(|character: char| character.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit)?;
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_wrk_prints() {
        let figures = parse(
            "  Latency Distribution\n     50%  812.00us\n     75%    1.10ms\n     99%   16.02ms\n\
             Requests/sec:  67012.55\nTransfer/sec:     12.40MB\n",
        )
        .unwrap();
        assert!((figures.rate - 67_012.55).abs() < 0.001);
        assert!((figures.p50 - 0.812).abs() < 1e-9);
        assert!((figures.p99 - 16.02).abs() < 1e-9);
        assert!(parse("Requests/sec: many").is_none());
    }

    #[test]
    fn threads_share_out_the_requests() {
        let lua =
            Script { path: "/x".to_owned(), bodies: vec!["{}".to_owned(), "{\"a\":1}".to_owned()] }.lua();
        assert!(lua.contains("[==[{\"a\":1}]==]") && lua.contains("'/x'"), "{lua}");
    }
}
