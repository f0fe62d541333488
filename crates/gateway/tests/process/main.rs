//! The server as an operator runs it: a process that is killed, and whose log lines strangers may read.
//!
//! * `crash`: nothing acknowledged is lost.
//! * `hopping`: a client may go to another process with every request.
//! * `likes`: nothing is counted that was not sent.
//! * `secrets`: no log line holds one.
//! * `siblings`: three processes over one database are one server.
//! * `server`: the process, and what clients say to it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

mod crash;
mod hopping;
mod likes;
mod secrets;
mod server;
mod siblings;
