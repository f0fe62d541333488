//! Connections and transactions: every access of the domain to the database goes through here.
//!
//! * [`Store::write`] queues a job for a writer. SQLite has one writer: it takes every waiting job, begins one transaction,
//!   runs each job in a savepoint, commits once and answers then. So an acknowledged write is on disk, and all jobs of a batch
//!   share the price of one sync. PostgreSQL has a few writers, and each job has a transaction of its own.
//! * [`Store::read`] queues a query for one of a few reader threads.
//!
//! Both queues are bounded; a call that meets a full queue is answered [`Busy`](crate::Error::Busy) at once.

mod breaker;
mod caller;
pub(crate) mod coalesce;
pub(crate) mod conn;
mod env;
mod executor;
mod generation;
mod job;
pub(crate) mod lease;
mod listener;
pub(crate) mod lock;
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
    env::Env, executor::Store, job::Isolation, lease::Connections, listener::CommitListener,
    postgres::writer::CommitNotice, tx::Tx,
};
