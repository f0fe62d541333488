//! Finds what breaks the layers of a crate: arrows against the order, and import cycles.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
};

use super::order::Order;
use crate::imports::{Arrow, CrateFiles};

/// Everything that breaks the layers: file relative to the crate's `src`, line, message.
pub(crate) fn problems(order: &Order, files: &CrateFiles) -> Vec<(String, usize, String)> {
    let mut problems = Vec::new();
    for file in &files.undeclared {
        problems.push((file.clone(), 1, "no `mod` line declares this file".to_owned()));
    }
    for file in files.files.iter().filter(|file| order.layer(file).is_none()) {
        let message = "no layer yet: give the file one in xtask/src/layers/order.rs".to_owned();
        problems.push((file.clone(), 1, message));
    }
    problems.extend(files.arrows.iter().filter_map(|arrow| against(order, arrow)));
    problems.extend(cycles(&files.arrows));
    problems
}

fn against(order: &Order, arrow: &Arrow) -> Option<(String, usize, String)> {
    let (from, to) = (order.layer(&arrow.from)?, order.layer(&arrow.to)?);
    let message = || {
        let paths = arrow.paths.join("`, `");
        format!("uses `{paths}` of {}: layer {from} must not use layer {to}", arrow.to)
    };
    (!order.allows(from, to)).then(|| (arrow.from.clone(), arrow.line, message()))
}

/// One finding for each group of files that all reach each other: the shortest cycle among them.
fn cycles(arrows: &[Arrow]) -> Vec<(String, usize, String)> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().push(&arrow.to);
    }
    let mut done = BTreeSet::new();
    let mut found = Vec::new();
    for start in next.keys().copied() {
        if done.contains(start) || cycle(start, &next).is_none() {
            continue;
        }
        let reached = reach(start, &next);
        let group: Vec<_> = reached.into_iter().filter(|file| reach(file, &next).contains(start)).collect();
        done.extend(group.iter().copied());
        let shortest = group.iter().filter_map(|file| cycle(file, &next)).min_by_key(Vec::len);
        let Some(shortest) = shortest else { continue };
        let mut message = format!("import cycle: {}", shortest.join(" → "));
        if group.len() + 1 > shortest.len() {
            let _ = write!(message, "; one of the cycles among {} files: {}", group.len(), group.join(", "));
        }
        let first = arrows.iter().find(|arrow| {
            Some(arrow.from.as_str()) == shortest.first().copied()
                && Some(arrow.to.as_str()) == shortest.get(1).copied()
        });
        found.extend(first.map(|arrow| (arrow.from.clone(), arrow.line, message)));
    }
    found
}

/// Every file that a file uses, directly or through others.
fn reach<'a>(start: &str, next: &BTreeMap<&str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        for to in next.get(file).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}

/// The shortest way from a file back to itself, both ends included.
fn cycle<'a>(start: &'a str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> Option<Vec<&'a str>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(file) = open.pop_front() {
        for &to in next.get(file).into_iter().flatten() {
            if to == start {
                let mut way = vec![start, file];
                let mut at = file;
                while let Some(&before) = came_from.get(at) {
                    way.push(before);
                    at = before;
                }
                if file == start {
                    way.pop();
                }
                way.reverse();
                return Some(way);
            }
            if !came_from.contains_key(to) {
                came_from.insert(to, file);
                open.push_back(to);
            }
        }
    }
    None
}
