//! The reader threads: queries against committed state, each thread on a pooled connection.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use crossbeam_channel::Receiver;

use super::conn::{Conn, on};
use crate::{DatabaseConfig, Error, Result, StartError};

/// A query that answers its caller itself.
pub(crate) type ReadJob = Box<dyn FnOnce(Result<&mut Conn>) + Send>;

/// Opens connections for the pool.
struct Manager(DatabaseConfig);

impl r2d2::ManageConnection for Manager {
    type Connection = Conn;
    type Error = StartError;

    fn connect(&self) -> Result<Conn, StartError> {
        Conn::open(&self.0)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), StartError> {
        use diesel::RunQueryDsl as _;
        on!(conn, |c| diesel::sql_query("SELECT 1").execute(c))
            .map(|_| ())
            .map_err(|error| StartError::Load(error.into()))
    }

    /// A query that panics leaves its transaction open: the connection is not worth keeping.
    fn has_broken(&self, _: &mut Conn) -> bool {
        thread::panicking()
    }
}

/// Starts the reader threads.
pub(super) fn start(
    config: &DatabaseConfig,
    jobs: &Receiver<ReadJob>,
) -> Result<Vec<JoinHandle<()>>, StartError> {
    let count = config.readers.max(1);
    let pool = r2d2::Pool::builder()
        .max_size(u32::try_from(count).unwrap_or(u32::MAX))
        .test_on_check_out(false)
        .build(Manager(config.clone()))
        .map_err(|error| StartError::Load(Error::Storage(Box::new(error))))?;
    (0..count)
        .map(|index| {
            let (jobs, pool) = (jobs.clone(), pool.clone());
            thread::Builder::new()
                .name(format!("relive-read-{index}"))
                .spawn(move || {
                    for job in jobs {
                        // A panic in a query drops its reply channel: the caller gets an error, the thread lives on.
                        let _ = catch_unwind(AssertUnwindSafe(|| match pool.get() {
                            Ok(mut conn) => job(Ok(&mut conn)),
                            Err(error) => job(Err(Error::Storage(Box::new(error)))),
                        }));
                    }
                })
                .map_err(StartError::Thread)
        })
        .collect()
}
