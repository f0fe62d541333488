//! Replays the contract data of every adapter.

use std::path::{Path, PathBuf};

use contract_tests::{case::replay, postgres};
use futures_util::{StreamExt as _, stream};

/// Cases replayed at a time.
const PARALLEL: usize = 8;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap_or_else(|error| panic!("{error}")).path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Cases about what an address or account may do in some time, of which every gateway gives a share.
const PER_GATEWAY: [&str; 4] = ["too_many_failures.json", "too_many.json", "guessing.json", "limited.json"];

async fn replay_all(adapter: &str, gateways: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts").join(adapter);
    let mut cases = Vec::new();
    files(&folder, &mut cases);
    cases.sort();
    if gateways > 1 {
        cases.retain(|case| !PER_GATEWAY.iter().any(|name| case.ends_with(name)));
    }
    assert!(!cases.is_empty(), "{adapter} has no contract data");
    let count = cases.len();
    let failures: Vec<String> = stream::iter(cases)
        .map(|file| async move {
            let name = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&file).display().to_string();
            replay(&file, gateways).await.err().map(|error| format!("{name}: {error:#}"))
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
                replay_all($name, 1).await;
            }
        )+

        /// Three gateways over one PostgreSQL are one server: whoever goes to another one with every request gets the
        /// same replies.
        mod hopping {
            use super::{postgres, replay_all};

            $(
                #[tokio::test]
                async fn $test() {
                    if postgres().is_some() {
                        replay_all($name, 3).await;
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
