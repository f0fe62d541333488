//! PostgreSQL: several writers, each job a transaction of its own.

pub(super) mod connection;
pub(super) mod lock;
pub(super) mod server;
pub(super) mod writer;
