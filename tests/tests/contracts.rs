//! Replays the contract cases of every adapter.

use std::collections::HashSet;

use contract_tests::{
    case, cases, postgres,
    replay::{Paths, Way, replay},
};

/// Cases of rate limits: each gateway counts the requests it gets by itself, so several gateways allow more of them.
const PER_GATEWAY: [&str; 4] = ["too_many_failures.json", "too_many.json", "guessing.json", "limited.json"];

async fn replay_all(adapter: &str, way: Way) {
    let mut cases = cases::of_adapter(&cases::adapter(adapter)).unwrap_or_else(|error| panic!("{error:#}"));
    if way.gateways > 1 {
        cases.retain(|case| !PER_GATEWAY.iter().any(|name| case.ends_with(name)));
    }
    replay(cases, way).await;
}

macro_rules! adapters {
    ($( $test:ident: $name:literal, )+) => {
        $(
            #[tokio::test]
            async fn $test() {
                replay_all($name, Way::default()).await;
            }
        )+

        /// Replays each case with the first slash of every path doubled. The replies have to be the same, and do not depend
        /// on the database.
        mod doubled_slashes {
            use super::{Paths, Way, postgres, replay_all};

            $(
                #[tokio::test]
                async fn $test() {
                    if postgres().is_none() {
                        replay_all($name, Way { paths: Paths::Doubled, ..Way::default() }).await;
                    }
                }
            )+
        }

        /// Replays each case on three gateways over one PostgreSQL, every request on another gateway. The replies have
        /// to be those of one gateway.
        mod hopping {
            use super::{Way, postgres, replay_all};

            $(
                #[tokio::test]
                async fn $test() {
                    if postgres().is_some() {
                        replay_all($name, Way { gateways: 3, ..Way::default() }).await;
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
    roomservice: "roomservice",
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
