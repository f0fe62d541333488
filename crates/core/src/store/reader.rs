//! The reader threads: queries against committed state, each thread on a connection of its own.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::Receiver;

use super::{
    conn::Conn,
    link::{Link, Reachability},
};
use crate::{Error, Result, StartError};

/// A query that answers its caller itself, and tells its thread what went wrong with the connection.
pub(crate) type ReadJob = Box<dyn FnOnce(&mut Link) + Send>;

/// Makes a job of a query.
pub(crate) fn job<T: Send + 'static>(
    query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    reply: tokio::sync::oneshot::Sender<Result<T>>,
) -> ReadJob {
    Box::new(move |link| {
        let result = match link.get() {
            Ok(conn) => query(conn),
            Err(error) => Err(error),
        };
        let result = match result {
            Err(error) if link.lost_by(&error) => Err(Error::Unavailable),
            other => other,
        };
        let _ = reply.send(result);
    })
}

/// Starts the reader threads.
pub(super) fn start(
    count: usize,
    common: &Arc<Reachability>,
    jobs: &Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    (0..count.max(1))
        .map(|index| {
            let (jobs, mut link) = (jobs.clone(), Link::open(common)?);
            thread::Builder::new()
                .name(format!("relive-read-{index}"))
                .spawn(move || {
                    for job in jobs {
                        // A panic in a query drops its reply channel: the caller gets an error, the thread lives on,
                        // with another connection, because this one may be left inside a transaction.
                        if catch_unwind(AssertUnwindSafe(|| job(&mut link))).is_err() {
                            link.lose();
                        }
                    }
                })
                .map_err(StartError::Thread)
        })
        .collect()
}
