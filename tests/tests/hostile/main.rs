//! Sends malformed requests to every dialect: each answer is in the form of the dialect, no request panics, and a
//! refused request changes nothing.
//!
//! * `mutants`: sends spoilt requests of the contract data; covers a new interface as soon as it has contract data.
//! * `target`: chooses the requests to spoil from the contract data of an interface, and the fields to spoil.
//! * `spoil`: makes the spoilt bodies.
//! * `transport`: wrong sizes, paths, methods and queries.
//! * `socket`: incomplete requests, pipelined requests, malformed HTTP.
//! * `world`: reads everything a server stores, and checks the form of an answer.

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
