//! Requests of which two servers could think differently where they end (RFC 9112 §11.2).

use anyhow::Result;

use super::{
    lab::{Lab, exchange},
    report::Report,
};
use crate::bench::{Goal, Unit};

/// Requests, each followed by another one: a proxy may take it for a part of the first one, and it must not be carried out.
const REQUESTS: [&str; 9] = [
    "GET /index.php HTTP/1.1\r\n\r\n",
    "GET /index.php HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    "POST /index.php HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /index.php HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "POST /index.php HTTP/1.1\r\nhost: a\r\ncontent-length: +2\r\n\r\nab",
    "POST /index.php HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "POST /index.php HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n\r\n",
    "GET /index.php HTTP/1.1\r\nhost : a\r\n\r\n",
    "GET /index.php HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n",
];
const NEXT: &str = "GET /index.php HTTP/1.1\r\nhost: a\r\n\r\n";

pub(super) fn run(lab: &Lab, report: &mut Report<'_>) -> Result<()> {
    let server = lab.server(&[])?;
    let mut answered = 0_u8;
    for request in REQUESTS {
        let reply = exchange(&server, [request, NEXT].concat().as_bytes())?;
        let reply = String::from_utf8_lossy(&reply);
        if reply.matches("HTTP/1.1 ").count() > 1 {
            eprintln!("{request:?} was answered {reply:?}");
            answered += 1;
        }
    }
    report.add(
        format!(
            "of {} requests whose end is in doubt, after so many another one is answered",
            REQUESTS.len()
        ),
        f64::from(answered),
        Unit("", 0),
        Goal::AtMost(0.0),
    );
    Ok(())
}
