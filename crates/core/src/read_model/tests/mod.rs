//! The property that holds memory and tables together: after any sequence of operations, of any dialect, with time
//! passing, restarts and strangers at the file, what is served from memory is what the tables say.

mod counters;
mod picture;
mod step;
mod walk;

use proptest::prelude::*;

use self::{step::steps, walk::Walk};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_equals_the_tables(steps in proptest::collection::vec(steps(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut walk = Walk::start().await;
            for step in steps {
                walk.take(&step).await;
                walk.compare(&step).await;
            }
        });
    }
}
