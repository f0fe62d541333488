//! Chooses the requests to spoil from the contract data of an interface.

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
    /// How many steps come before the step, those of the givens included.
    pub(crate) before: usize,
    /// The path of member names to each field.
    pub(crate) fields: BTreeSet<Vec<String>>,
}

/// Lists the folders of the interfaces.
pub(crate) fn interfaces(wire: Wire) -> Vec<PathBuf> {
    let folder = cases::adapter(wire.folder());
    let mut found = cases::entries(&folder).expect("a folder can be read");
    found.retain(|path| path.is_dir() && !path.ends_with("story") && !path.ends_with("transport"));
    assert!(!found.is_empty(), "{} has no contract data", folder.display());
    found
}

/// A successful step that may become a target.
struct Candidate {
    target: Target,
    /// Whether the step is in the file `success.json`.
    ordinary: bool,
}

/// How many steps of one interface become targets at most.
const MAX_TARGETS: usize = 3;

impl Target {
    /// Chooses the successful steps to spoil: first one of `success.json`, then those with further fields. The first
    /// target gets all known fields of the interface, each other target only the fields it adds.
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
                if !calls(wire, name, request["path"].as_str().expect("a path"), &body) {
                    continue;
                }
                let mut fields = BTreeSet::new();
                field_paths(&body, &mut Vec::new(), &mut fields);
                known.extend(fields.clone());
                // A reply of bytes has no code.
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
        while targets.len() < MAX_TARGETS {
            let news = |candidate: &Candidate| candidate.target.fields.difference(&covered).count();
            // The candidate with the most new fields; of several the earliest step.
            let best = candidates.iter().rev().max_by_key(|candidate| {
                (
                    targets.is_empty() && candidate.ordinary,
                    news(candidate),
                    usize::MAX - candidate.target.before,
                )
            });
            let Some(best) = best.filter(|best| targets.is_empty() || news(best) > 0) else { break };
            let mut target = best.target.clone();
            target.fields.retain(|path| !covered.contains(path));
            covered.extend(target.fields.clone());
            targets.push(target);
        }
        targets.first_mut().unwrap_or_else(|| panic!("{} has no success", interface.display())).fields =
            known;
        targets
    }
}

/// Tells whether a request calls that interface.
fn calls(wire: Wire, interface: &str, path: &str, body: &Value) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match wire {
        Wire::V1 => body["Action"] == interface,
        Wire::V2 | Wire::Qplus | Wire::RoomService => last == interface,
        Wire::Sxb => interface
            .split_once('.')
            .is_some_and(|(service, command)| query == format!("svc={service}&cmd={command}")),
        Wire::Callback => path.contains("callback") && body["stream_id"].is_string(),
    }
}

fn field_paths(value: &Value, path: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        path.push(name.clone());
        found.insert(path.clone());
        field_paths(member, path, found);
        path.pop();
    }
}
