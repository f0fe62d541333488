//! Every vector of `vectors.json` holds, and every algorithm has vectors.

use std::collections::BTreeMap;

use relive_core::sign::vectors::{Mismatch, algorithms, check};
use serde_json::{Value, json};

/// Algorithms that relive does not have: the older key-pair ticket, and the hooks of media servers.
const NOT_SUPPORTED: [&str; 4] = ["usersig_v1_verify", "nginx_rtmp_form", "srs_hook", "mediamtx_auth"];

fn vectors() -> impl Iterator<Item = Value> {
    let list: Value = serde_json::from_str(include_str!("vectors.json")).unwrap_or_default();
    list.as_array().cloned().unwrap_or_default().into_iter()
}

/// The vectors of the algorithms that [`check`] knows.
fn supported() -> impl Iterator<Item = Value> {
    vectors().filter(|vector| !NOT_SUPPORTED.iter().any(|name| vector["algorithm"] == *name))
}

#[test]
fn all_vectors_hold() {
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in vectors() {
        let algorithm = vector["algorithm"].as_str().expect("has an algorithm").to_owned();
        match check(&vector) {
            Ok(()) => *held.entry(algorithm).or_default() += 1,
            Err(Mismatch::UnknownAlgorithm) if NOT_SUPPORTED.contains(&algorithm.as_str()) => {}
            Err(mismatch) => wrong.push(format!("{}: {mismatch}", vector["name"])),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for algorithm in algorithms() {
        assert!(held.get(algorithm).is_some_and(|count| *count > 0), "{algorithm} has no vector");
    }
    assert_eq!(held.len(), algorithms().count());
}

/// A check that cannot fail proves nothing.
#[test]
fn every_vector_fails_when_its_result_is_changed() {
    for vector in supported() {
        let members: Vec<String> = vector["expected"]
            .as_object()
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default();
        let mut changed = vector.clone();
        changed["expected"] = json!("another result");
        assert!(matches!(check(&changed), Err(Mismatch::Differs { .. })), "{}", vector["name"]);
        for member in members {
            let mut changed = vector.clone();
            changed["expected"][&member] = json!("another result");
            assert!(matches!(check(&changed), Err(Mismatch::Differs { .. })), "{} {member}", vector["name"]);
        }
    }
}

#[test]
fn a_vector_without_an_input_is_malformed() {
    for vector in supported() {
        let mut changed = vector.clone();
        changed["inputs"] = json!({});
        assert!(matches!(check(&changed), Err(Mismatch::Malformed(_))), "{}", vector["name"]);
    }
    assert_eq!(check(&json!({})), Err(Mismatch::Malformed("algorithm".to_owned())));
    assert_eq!(check(&json!([])), Err(Mismatch::Malformed("algorithm".to_owned())));
    assert_eq!(check(&json!({ "algorithm": "tls_base64" })), Err(Mismatch::Malformed("expected".to_owned())));
}
