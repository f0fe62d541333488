//! Which request of an interface's contract data is attacked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use contract_tests::{case, cases};
use serde_json::Value;

use crate::world::Wire;

/// A step of a case that succeeds, and the fields to spoil.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) file: PathBuf,
    /// How many steps come before it, those of the givens included.
    pub(crate) before: usize,
    /// The way to each field, through nested objects.
    pub(crate) fields: BTreeSet<Vec<String>>,
}

/// One folder per interface.
pub(crate) fn interfaces(wire: Wire) -> Vec<PathBuf> {
    let folder = cases::adapter(wire.folder());
    let mut found = cases::entries(&folder).expect("a folder can be read");
    found.retain(|path| path.is_dir() && !path.ends_with("story") && !path.ends_with("transport"));
    assert!(!found.is_empty(), "{} has no contract data", folder.display());
    found
}

/// A successful step, before it is known whether it is attacked.
struct Candidate {
    target: Target,
    /// Its file is the one that shows the ordinary success.
    ordinary: bool,
}

/// The most steps of one interface that are attacked.
const MOST: usize = 3;

impl Target {
    /// The successful steps to attack: one of the ordinary success, then those that know further fields. The first gets
    /// all fields the interface is known to have, the others what they add.
    pub(crate) fn of(wire: Wire, interface: &Path) -> Vec<Self> {
        let name = interface.file_name().and_then(|name| name.to_str()).expect("a name");
        let mut known = BTreeSet::new();
        let mut candidates = Vec::new();
        for file in cases::entries(interface).expect("a folder can be read") {
            for (before, step) in case::steps(&file).expect("a case").iter().enumerate() {
                let request = &step["request"];
                let body = match &request["raw"] {
                    Value::String(raw) => serde_json::from_str(raw).unwrap_or_default(),
                    _ => request["body"].clone(),
                };
                if !addresses(wire, name, request["path"].as_str().expect("a path"), &body) {
                    continue;
                }
                let mut fields = BTreeSet::new();
                ways(&body, &mut Vec::new(), &mut fields);
                known.extend(fields.clone());
                // What is answered with bytes has no code.
                let reply = &step["reply"];
                if wire.succeeds(&reply["body"]) || reply["base64"].is_string() {
                    let ordinary = file.ends_with("success.json");
                    candidates
                        .push(Candidate { target: Self { file: file.clone(), before, fields }, ordinary });
                }
            }
        }
        let mut covered = BTreeSet::new();
        let mut targets: Vec<Self> = Vec::new();
        while targets.len() < MOST {
            let news = |candidate: &Candidate| candidate.target.fields.difference(&covered).count();
            // The earliest of those that know most.
            let best = candidates.iter().rev().max_by_key(|candidate| {
                (
                    targets.is_empty() && candidate.ordinary,
                    news(candidate),
                    usize::MAX - candidate.target.before,
                )
            });
            let Some(best) = best.filter(|best| targets.is_empty() || news(best) > 0) else { break };
            let mut target = best.target.clone();
            target.fields.retain(|way| !covered.contains(way));
            covered.extend(target.fields.clone());
            targets.push(target);
        }
        targets.first_mut().unwrap_or_else(|| panic!("{} has no success", interface.display())).fields =
            known;
        targets
    }
}

/// Whether a request is one of that interface.
fn addresses(wire: Wire, interface: &str, path: &str, body: &Value) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match wire {
        Wire::V1 => body["Action"] == interface,
        Wire::V2 | Wire::Qplus => last == interface,
        Wire::Sxb => interface
            .split_once('.')
            .is_some_and(|(service, command)| query == format!("svc={service}&cmd={command}")),
        Wire::Callback => path.contains("callback") && body["stream_id"].is_string(),
    }
}

fn ways(value: &Value, way: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        way.push(name.clone());
        found.insert(way.clone());
        ways(member, way, found);
        way.pop();
    }
}
