//! Bodies that cost more than their length: many values in few bytes, and texts that have to be copied.

use std::{thread, time::Duration};

use anyhow::{Result, bail};

use super::{
    lab::{Lab, latency_during, peak},
    report::Report,
};
use crate::bench::{Goal, MEGABYTES, Server, TIMES};

const MIB: usize = 1024 * 1024;
/// How many bodies are sent at once.
const AT_ONCE: u8 = 16;
/// How long the client that behaves is measured without an attack.
const CALM: Duration = Duration::from_secs(3);

/// Bodies of almost 16 MiB for the one call that takes so much, none of them from a session.
fn bodies() -> [(&'static str, Vec<u8>); 2] {
    let around = |inner: String| format!("{{\"sessionId\":\"{:032}\",{inner}}}", 0).into_bytes();
    let values = around(format!("\"headPic\":\"QUJD\",\"a\":[{}1]", "{\"\":1},".repeat(15 * MIB / 7)));
    let escapes = around(format!("\"headPic\":\"{}\"", "QUJ\\/".repeat(15 * MIB / 5)));
    [("values of few bytes", values), ("an escaped text", escapes)]
}

pub(super) fn run(lab: &Lab, report: &mut Report<'_>) -> Result<()> {
    for (name, body) in bodies() {
        let server = lab.server(&[])?;
        let ((), calm) = latency_during(&server, || {
            thread::park_timeout(CALM);
            Ok(())
        })?;
        let idle = peak(&server)?.min(server.resident()?);
        send(&server, &body, 1)?;
        let one = peak(&server)? - idle;
        report.add(format!("16 MiB of JSON, {name}: memory over idle"), one, MEGABYTES, Goal::AtMost(64.0));
        let ((), hostile) = latency_during(&server, || send(&server, &body, AT_ONCE))?;
        let many = peak(&server)? - idle;
        report.add(format!("{AT_ONCE} of them at once"), many, MEGABYTES, Goal::AtMost(400.0));
        // Below five milliseconds the machine decides.
        let ratio = hostile.max(5.0) / calm.max(5.0);
        report.add(
            "a list of others meanwhile, 99th percentile beside before",
            ratio,
            TIMES,
            Goal::AtMost(2.0),
        );
    }
    Ok(())
}

/// Sends a body from several addresses at once.
fn send(server: &Server, body: &[u8], senders: u8) -> Result<()> {
    thread::scope(|scope| {
        let send = |sender| server.post("/live/ModifyUserHeadPic", &format!("198.51.100.{sender}"), body);
        let senders: Vec<_> = (0..senders).map(|sender| scope.spawn(move || send(sender))).collect();
        for sender in senders {
            match sender.join() {
                Ok(reply) => reply.map(drop)?,
                Err(_) => bail!("a sender panicked"),
            }
        }
        Ok(())
    })
}
