//! The reader threads run queries on committed data.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::Receiver;

use super::{
    conn::Conn,
    lease::{Connections, deadline},
};
use crate::{Error, Result, StartError};

/// A query that checks out a connection and answers its caller.
pub(crate) type ReadJob = Box<dyn FnOnce(&dyn Connections) + Send>;

/// Makes a job of a query.
pub(crate) fn job<T: Send + 'static>(
    query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    reply: tokio::sync::oneshot::Sender<Result<T>>,
) -> ReadJob {
    Box::new(move |connections| {
        let _ = reply.send(run(connections, query));
    })
}

/// Runs a query on a connection that is checked out for it.
fn run<T>(connections: &dyn Connections, query: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    let mut lease = connections.get(deadline())?;
    match catch_unwind(AssertUnwindSafe(|| query(&mut lease))) {
        Ok(Err(error)) if lease.lost_by(&error) => Err(Error::Unavailable),
        Ok(result) => result,
        Err(_) => {
            // The query may have left the connection inside a transaction.
            connections.write_off(lease.ticket());
            Err(Error::Unavailable)
        }
    }
}

/// Starts the reader threads.
pub(super) fn start(
    count: usize,
    connections: &Arc<dyn Connections>,
    jobs: &Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    (0..count.max(1))
        .map(|index| {
            let (jobs, connections) = (jobs.clone(), Arc::clone(connections));
            thread::Builder::new()
                .name(format!("relive-read-{index}"))
                .spawn(move || jobs.into_iter().for_each(|job| job(&*connections)))
                .map_err(StartError::Thread)
        })
        .collect()
}
