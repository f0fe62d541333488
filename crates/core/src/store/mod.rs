//! The one choke point between the domain and the database.
//!
//! * [`Store::write`] hands a job to a writer. With SQLite there is one: it takes every waiting job, opens one
//!   transaction, runs each job in a savepoint of its own, commits once and only then answers: what is acknowledged is
//!   on disk, and all jobs of a batch share the price of one sync. With PostgreSQL there are a few writers, and each
//!   job has a transaction of its own.
//! * [`Store::read`] hands a query to one of a few reader threads.
//!
//! Both queues are bounded; a full one answers [`Error::Busy`] at once.

mod breaker;
pub(crate) mod coalesce;
pub(crate) mod conn;
mod env;
mod executor;
mod generation;
mod job;
pub(crate) mod lease;
mod listener;
pub(crate) mod migrate;
mod opener;
pub(crate) mod pool;
mod postgres;
pub(crate) mod prepared;
mod queue;
mod reader;
pub(crate) mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod tx;

pub(crate) use self::{
    env::Env,
    executor::Store,
    job::{Isolation, wait},
    lease::Connections,
    listener::CommitListener,
    postgres::writer::CommitNotice,
    tx::Tx,
};
