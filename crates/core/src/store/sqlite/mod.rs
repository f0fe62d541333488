//! SQLite: one writer, and a write-ahead log that has its full size from the start.

pub(super) mod before;
pub(super) mod connection;
mod files;
pub(super) mod wal;
pub(super) mod writer;
