//! SQLite: one writer, whose write-ahead log has its size from the start.

pub(super) mod connection;
pub(super) mod wal;
pub(super) mod writer;
