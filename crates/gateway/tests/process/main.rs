//! The server as a process: killed, run three times on one database, and searched for secrets in its log.
//!
//! * `crash`: `kill -9` loses no acknowledged write.
//! * `descriptors`: idle connections never take the last file descriptor.
//! * `hopping`: a client may send each request to another process.
//! * `likes`: `kill -9` loses no acknowledged like and adds none.
//! * `ownership`: a database has one owner, and a server whose file is gone acknowledges nothing.
//! * `secrets`: no log line contains a secret.
//! * `siblings`: three processes on one database behave as one server.
//! * `signals`: signals stop the server gracefully.
//! * `server`: starts a process and sends requests to it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]

mod crash;
mod descriptors;
mod hopping;
mod likes;
mod ownership;
mod secrets;
mod server;
mod siblings;
mod signals;
