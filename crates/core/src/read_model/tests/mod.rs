//! A property test: after any sequence of operations, of all dialects, with waiting times, restarts and changes by other
//! processes, the read model agrees with the tables.

mod checks;
mod counters;
mod lists;
mod live_rooms;
mod operation;
mod pages;
mod runner;

use proptest::prelude::*;

use self::{operation::operations, runner::Runner};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_read_model_agrees_with_the_tables(operations in proptest::collection::vec(operations(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut runner = Runner::start().await;
            for operation in operations {
                runner.perform(&operation).await;
                runner.compare(&operation).await;
            }
        });
    }
}
