//! Runs the load generator wrk with prepared requests.

use std::{
    fmt::Write as _,
    io::ErrorKind,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, anyhow, bail};

use super::request::Request;

/// Message for a machine without wrk.
pub(crate) const MISSING: &str = "wrk is not installed: `apt-get install wrk`, or https://github.com/wg/wrk";
/// Threads of the generator.
const THREADS: u32 = 2;

/// Reads the requests, three lines each: path, signature, body. Each thread sends every n-th request, in order.
const SCRIPT: &str = r"local threads = 0
function setup(thread) thread:set('number', threads) threads = threads + 1 end
local requests, at = {}, 0
function init(args)
  local file, count, index = assert(io.open(args[1])), tonumber(args[2]), 0
  while true do
    local path, signature, body = file:read('*l'), file:read('*l'), file:read('*l')
    if not body then break end
    if index % count == number % count then
      local headers = {['Content-Type'] = 'application/json'}
      if signature ~= '' then headers['Liteav-Sig'] = signature end
      requests[#requests + 1] = wrk.format('POST', path, headers, body)
    end
    index = index + 1
  end
end
function request() at = at % #requests + 1 return requests[at] end
";

/// Figures of one measurement.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Median latency, milliseconds.
    pub(crate) p50: f64,
    /// 99th percentile, milliseconds.
    pub(crate) p99: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}/s · {:.2} · {:.2} ms", self.rate, self.p50, self.p99)
    }
}

/// One run of the generator against one server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    /// Folder for the generator's files.
    pub(crate) folder: &'a Path,
    pub(crate) address: &'a str,
    pub(crate) requests: &'a [Request],
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
}

/// A run that was started.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Load<'_> {
    /// Runs the generator to its end.
    pub(crate) fn measure(self) -> Result<Figures> {
        self.start()?.finish()
    }

    /// Starts the generator.
    pub(crate) fn start(self) -> Result<Running> {
        // Each run has files of its own, because another generator may be reading its script at this moment.
        let file = || anyhow::Ok(tempfile::Builder::new().tempfile_in(self.folder)?.into_temp_path().keep()?);
        let (script, requests) = (file()?, file()?);
        std::fs::write(&script, SCRIPT)?;
        let mut text = String::new();
        for Request { path, signature, body, .. } in self.requests {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{path}\n{}\n{body}", signature.as_deref().unwrap_or_default());
        }
        std::fs::write(&requests, text)?;
        let threads = THREADS.min(self.connections);
        // A single request is sent by all threads.
        let shares = if self.requests.len() < 2 { 1 } else { threads };
        let child = Command::new("wrk")
            .args(["--latency", "--timeout", "30s"])
            .args([format!("-t{threads}"), format!("-c{}", self.connections), format!("-d{}s", self.seconds)])
            .arg("-s")
            .arg(&script)
            .arg(format!("http://{}", self.address))
            .arg("--")
            .arg(&requests)
            .arg(shares.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => anyhow!(MISSING),
                _ => error.into(),
            })?;
        Ok(Running(child))
    }
}

impl Running {
    /// Waits for the end of the run.
    pub(crate) fn finish(self) -> Result<Figures> {
        let output = self.0.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || text.contains("Non-2xx") || text.contains("Socket errors") {
            bail!("wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
        }
        parse(&text).with_context(|| format!("cannot read what wrk printed: {text}"))
    }
}

/// Whether wrk is installed.
pub(crate) fn installed() -> bool {
    Command::new("wrk").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
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
        "m" => 60_000.0,
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
        assert_eq!(milliseconds("1.50s"), Some(1_500.0));
        assert_eq!(milliseconds("7"), None);
    }
}
