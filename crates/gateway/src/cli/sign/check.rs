//! Checks the signature functions against a file of test vectors.

use std::{fs, io::Write, path::Path};

use anyhow::Context;
use relive_core::sign::vectors::{self, Mismatch};
use serde_json::Value;

use crate::cli::Reported;

pub(super) fn run(file: &Path, skip: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let list: Vec<Value> = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not a JSON list of vectors", file.display()))?;
    let (mut passed, mut failed, mut skipped) = (0_usize, 0_usize, 0_usize);
    for (index, vector) in list.iter().enumerate() {
        let member = |name: &str| vector.get(name).and_then(Value::as_str);
        let skips = |name: &str| member(name).is_some_and(|text| skip.iter().any(|skipped| skipped == text));
        if skips("name") || skips("algorithm") {
            skipped += 1;
            continue;
        }
        match vectors::check(vector) {
            Ok(()) => passed += 1,
            Err(mismatch) => {
                failed += 1;
                let name = member("name")
                    .map_or_else(|| format!("vector {}", index + 1), |name| name.escape_debug().to_string());
                writeln!(out, "{name}: {}", explained(&mismatch, member("algorithm")))?;
            }
        }
    }
    if skipped > 0 {
        writeln!(out, "{skipped} skipped")?;
    }
    writeln!(out, "{passed} passed, {failed} failed")?;
    if failed > 0 { Err(Reported.into()) } else { Ok(()) }
}

/// Explains a mismatch in one line; of objects, only the members that differ.
fn explained(mismatch: &Mismatch, algorithm: Option<&str>) -> String {
    match mismatch {
        Mismatch::UnknownAlgorithm => format!("unknown algorithm {:?}", algorithm.unwrap_or_default()),
        Mismatch::Differs { expected: Value::Object(expected), got: Value::Object(got) } => {
            let mut members: Vec<_> = expected.keys().chain(got.keys()).collect();
            members.sort_unstable();
            members.dedup();
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            let differences =
                members.into_iter().filter(|name| expected.get(*name) != got.get(*name)).map(|name| {
                    let (expected, got) = (shown(expected.get(name)), shown(got.get(name)));
                    format!("{}: expected {expected}, got {got}", name.escape_debug())
                });
            differences.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}
