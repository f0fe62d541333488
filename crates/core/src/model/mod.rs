//! Plain values: no query, no lock over a collection, nothing asynchronous. Every layer may use them.

pub(crate) mod account;
pub(crate) mod anchor;
pub(crate) mod audience;
pub(crate) mod broadcast;
pub(crate) mod change;
pub(crate) mod change_key;
pub(crate) mod client;
pub(crate) mod clock;
mod column;
pub(crate) mod counter;
pub(crate) mod cursor;
pub(crate) mod custom_field;
pub(crate) mod fragment;
pub(crate) mod id;
pub(crate) mod live_room;
pub(crate) mod name;
pub(crate) mod overview;
pub(crate) mod page;
pub(crate) mod password;
pub(crate) mod random;
pub(crate) mod recording;
pub(crate) mod room;
pub(crate) mod rule;
pub(crate) mod server_time;
pub(crate) mod session;
pub(crate) mod short_video;
pub(crate) mod stream;
