//! The server as a process: killed, run three times on one database, and searched for secrets in its log.
//!
//! * `crash`: `kill -9` loses no acknowledged write.
//! * `hopping`: a client may send each request to another process.
//! * `likes`: `kill -9` loses no acknowledged like and adds none.
//! * `secrets`: no log line contains a secret.
//! * `siblings`: three processes on one database behave as one server.
//! * `server`: starts a process and sends requests to it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

mod crash;
mod hopping;
mod likes;
mod ownership;
mod secrets;
mod server;
mod siblings;
mod signals;
