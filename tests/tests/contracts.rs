//! Replays the contract cases of every adapter.

use std::collections::HashSet;

use contract_tests::{
    case, cases, postgres,
    replay::{Paths, replay},
};
use futures_util::{StreamExt as _, stream};

/// How many cases are replayed at a time.
const PARALLEL: usize = 8;

/// Cases of rate limits: each gateway counts the requests it gets by itself, so several gateways allow more of them.
const PER_GATEWAY: [&str; 4] = ["too_many_failures.json", "too_many.json", "guessing.json", "limited.json"];

async fn replay_all(adapter: &str, gateways: usize, paths: Paths) {
    let mut cases = cases::of_adapter(&cases::adapter(adapter)).unwrap_or_else(|error| panic!("{error:#}"));
    if gateways > 1 {
        cases.retain(|case| !PER_GATEWAY.iter().any(|name| case.ends_with(name)));
    }
    assert!(!cases.is_empty(), "{adapter} has no contract data");
    let count = cases.len();
    let failures: Vec<String> = stream::iter(cases)
        .map(|file| async move {
            replay(&file, gateways, paths)
                .await
                .err()
                .map(|error| format!("{}: {error:#}", cases::name(&file)))
        })
        .buffer_unordered(PARALLEL)
        .filter_map(|failure| async move { failure })
        .collect()
        .await;
    assert!(failures.is_empty(), "{} of {count} cases fail:\n{}", failures.len(), failures.join("\n"));
}

macro_rules! adapters {
    ($( $test:ident: $name:literal, )+) => {
        $(
            #[tokio::test]
            async fn $test() {
                replay_all($name, 1, Paths::AsWritten).await;
            }
        )+

        /// Replays each case with the first slash of every path doubled. The replies have to be the same, and do not depend
        /// on the database.
        mod doubled_slashes {
            use super::{Paths, postgres, replay_all};

            $(
                #[tokio::test]
                async fn $test() {
                    if postgres().is_none() {
                        replay_all($name, 1, Paths::Doubled).await;
                    }
                }
            )+
        }

        /// Replays each case on three gateways over one PostgreSQL, every request on another gateway. The replies have
        /// to be those of one gateway.
        mod hopping {
            use super::{Paths, postgres, replay_all};

            $(
                #[tokio::test]
                async fn $test() {
                    if postgres().is_some() {
                        replay_all($name, 3, Paths::AsWritten).await;
                    }
                }
            )+
        }
    };
}

adapters! {
    sxb: "sxb",
    minilvb_v1: "minilvb-v1",
    minilvb_v2: "minilvb-v2",
    qplus: "qplus",
    callback: "callback",
}

#[test]
fn every_given_is_used() {
    for adapter in cases::entries(&cases::root()).expect("the adapters") {
        let all = case::all_given_names(&adapter).expect("givens");
        let cases = cases::of_adapter(&adapter).expect("cases");
        let used: HashSet<_> =
            cases.iter().flat_map(|file| case::given_names(file).expect("a case")).collect();
        let unused: Vec<_> = all.iter().filter(|name| !used.contains(*name)).collect();
        assert!(unused.is_empty(), "{}: {unused:?}", adapter.display());
    }
}
