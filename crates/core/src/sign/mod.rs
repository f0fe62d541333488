//! Every signature of the five dialects and their clouds, as pure functions.
//!
//! Nothing here reads a clock, a random generator or a configuration file: times ([`UnixSeconds`](crate::UnixSeconds))
//! and random numbers are arguments. Keys are arguments too, of a type of their own ([`Key`]), and are never part of a type that can be printed. Nothing
//! here knows HTTP or a dialect's error codes.
//!
//! | module | what is signed or checked | contract `tencent-cloud` |
//! |---|---|---|
//! | [`url`] | push and play URLs: `txSecret`, `txTime`, and their check | a.1–a.3, a.5 |
//! | [`stream`] | stream codes and the URLs written from [`MediaConfig`](crate::MediaConfig) | a.4, a.6 |
//! | [`usersig`] | the IM ticket (HMAC form), made and checked | b.1 |
//! | [`cos`] | object storage, versions 4 and 5 | c, d |
//! | [`vod`] | video upload from a phone | e |
//! | [`room_service`] | the room-service sign | f |
//! | [`liteav`] | a client's request | g.2 |
//! | [`password`] | the derived password | g.2 |
//! | [`callback`] | a notice of the live cloud | h.1 |
//! | [`digest`] | the hashes that all signatures are built from | – |
//! | [`vectors`] | a runner for files of test vectors | – |
//!
//! A signature made with an empty key is worthless. Functions that check a signature refuse an empty key. Functions that
//! make one do not test the key: their callers answer "not configured" instead. An empty key of a URL leaves it unsigned.

pub mod callback;
pub mod cos;
pub mod digest;
mod key;
pub mod liteav;
pub mod password;
pub mod room_service;
pub mod stream;
pub mod url;
pub mod usersig;
pub mod vectors;
pub mod vod;

pub use self::key::Key;
