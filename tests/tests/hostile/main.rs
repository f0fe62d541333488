//! Whatever is sent, every dialect answers in its own words, nothing breaks, and what was refused changes nothing.
//!
//! * `mutants`: the requests of the contract data, spoilt in every way; new interfaces are attacked by themselves.
//! * `target`: which request of an interface's contract data is spoilt, and which fields it is known to have.
//! * `spoil`: the ways to spoil a body.
//! * `transport`: wrong before any interface is found: sizes, paths, methods, queries.
//! * `socket`: half requests, several at once, and what is no HTTP.
//! * `world`: everything a server holds, to be compared, and the look of an answer.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that meets something else has failed"
)]
mod mutants;
mod socket;
mod spoil;
mod target;
mod transport;
mod world;
