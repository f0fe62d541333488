//! The mount table: finds the adapter that owns a path, and replies to paths that no adapter owns.
//!
//! Knows prefixes and paths. Of the dialects it knows only the two replies to a path that no adapter owns.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use relive_wire::{Adapter, Endpoint, Reply};
use serde::Serialize;

/// An adapter and the path prefixes under which it is served.
#[derive(Clone)]
pub struct Mounted {
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// Path prefixes, `""` for the root.
    pub prefixes: Vec<String>,
}

impl Mounted {
    /// Mounts an adapter under each prefix.
    pub fn new(adapter: impl Adapter, prefixes: &[String]) -> Self {
        Self { adapter: Arc::new(adapter), prefixes: prefixes.to_vec() }
    }
}

impl std::fmt::Debug for Mounted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mounted")
            .field("adapter", &self.adapter.name())
            .field("prefixes", &self.prefixes)
            .finish()
    }
}

/// One row for each adapter and prefix, longest prefix first.
pub(crate) struct MountTable {
    rows: Vec<MountRow>,
}

struct MountRow {
    prefix: String,
    /// Index of the adapter in the list from which the table was built.
    index: usize,
    adapter: Arc<dyn Adapter>,
}

/// The adapter that owns a path.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) adapter: &'a dyn Adapter,
    /// Index of the adapter in the list from which the table was built.
    pub(crate) index: usize,
    /// Length of the mount prefix in bytes.
    pub(crate) mount_len: usize,
    pub(crate) endpoint: Endpoint,
}

impl MountTable {
    pub(crate) fn new(mounted: &[Mounted]) -> Self {
        let mut rows: Vec<_> = mounted
            .iter()
            .enumerate()
            .flat_map(|(index, Mounted { adapter, prefixes })| {
                let row = move |prefix: &String| MountRow {
                    prefix: prefix.clone(),
                    index,
                    adapter: Arc::clone(adapter),
                };
                prefixes.iter().map(row)
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.prefix.len()));
        Self { rows }
    }

    /// The adapter that owns this path.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Target<'_>> {
        self.rows.iter().find_map(|row| {
            let rest = below(path, &row.prefix)?;
            let endpoint = row.adapter.endpoint(method, rest)?;
            let (adapter, mount_len) = (&*row.adapter, row.prefix.len());
            Some(Target { adapter, index: row.index, mount_len, endpoint })
        })
    }

    /// The reply to a path that no adapter owns: qplus' parameter error below `/live/`, else minilvb-v2's error for an
    /// unknown API.
    pub(crate) fn unknown(&self, path: &str) -> Reply {
        let live = || {
            self.rows.iter().filter_map(|row| below(path, &row.prefix)).any(|rest| rest.starts_with("/live/"))
        };
        if path.starts_with("/live/") || live() { unknown_live(path) } else { unknown_name(path) }
    }
}

/// The path below a prefix, `/` if the path is the prefix.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    // An empty prefix is not compared: an empty string has a dangling address, and the wide load with which a
    // comparison begins takes hundreds of cycles there, although none of its bytes are used.
    let rest = if prefix.is_empty() { path } else { path.strip_prefix(prefix)? };
    match rest {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}

/// Characters of an unknown path that its reply repeats; any client can send a long one.
const REPEATED_CHARS: usize = 128;

fn truncated(name: &str) -> &str {
    name.char_indices().nth(REPEATED_CHARS).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// minilvb-v2's reply to an unknown API: contract minilvb-v2 §3, code 400.
fn unknown_name(path: &str) -> Reply {
    #[derive(Serialize)]
    struct Unknown {
        code: i32,
        message: String,
        data: Empty,
    }
    #[derive(Serialize)]
    struct Empty {}

    let name = truncated(path.strip_prefix('/').unwrap_or(path));
    let body = Unknown { code: 400, message: format!("Bad Request | {name}"), data: Empty {} };
    not_found(400, serde_json::to_vec(&body).unwrap_or_default())
}

/// qplus' reply to a wrong parameter: contract qplus.
fn unknown_live(path: &str) -> Reply {
    #[derive(Serialize)]
    struct Unknown<'a> {
        access: &'a str,
        status: i32,
        desc: &'static str,
    }

    let body = Unknown { access: truncated(path), status: 10_002, desc: "参数错误" };
    not_found(10_002, serde_json::to_vec(&body).unwrap_or_default())
}

fn not_found(code: i32, body: impl Into<Bytes>) -> Reply {
    Reply::json("unknown", code, body)
        .with_status(StatusCode::NOT_FOUND)
        .with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Echo;

    fn table(rows: &[(&'static str, &[&str], &'static [&'static str])]) -> MountTable {
        let mounted: Vec<_> = rows
            .iter()
            .map(|(name, prefixes, paths)| {
                let prefixes: Vec<_> = prefixes.iter().map(|prefix| (*prefix).to_owned()).collect();
                Mounted::new(Echo::at(name, paths), &prefixes)
            })
            .collect();
        MountTable::new(&mounted)
    }

    fn owner(table: &MountTable, path: &str) -> Option<(&'static str, usize)> {
        table.find(&Method::POST, path).map(|target| (target.adapter.name(), target.mount_len))
    }

    #[test]
    fn the_longest_prefix_wins_and_ends_at_a_slash() {
        let table = table(&[
            ("one", &[""], &["/a", "/"]),
            ("two", &["", "/lite"], &["/b", "/"]),
            ("three", &["/lite/x"], &["/a"]),
        ]);
        assert_eq!(owner(&table, "/a"), Some(("one", 0)));
        assert_eq!(owner(&table, "/b"), Some(("two", 0)));
        assert_eq!(owner(&table, "/lite/b"), Some(("two", 5)));
        assert_eq!(owner(&table, "/lite/x/a"), Some(("three", 7)));
        assert_eq!(owner(&table, "/lite"), Some(("two", 5)), "the prefix alone is the adapter's root path");
        assert_eq!(owner(&table, "/liteb"), None);
        assert_eq!(owner(&table, "/lite/a"), None);
        assert_eq!(owner(&table, ""), Some(("one", 0)));
    }

    fn body(reply: &Reply) -> &str {
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        std::str::from_utf8(&reply.body).unwrap()
    }

    #[test]
    fn an_unknown_path_gets_the_reply_to_an_unknown_api() {
        let table = table(&[]);
        assert_eq!(body(&table.unknown("/")), r#"{"code":400,"message":"Bad Request | ","data":{}}"#);
        assert_eq!(
            body(&table.unknown("/no/such")),
            r#"{"code":400,"message":"Bad Request | no/such","data":{}}"#
        );
        assert_eq!(body(&table.unknown("/a\"b")), r#"{"code":400,"message":"Bad Request | a\"b","data":{}}"#);
        let long = format!("/{}", "x".repeat(5_000));
        assert!(table.unknown(&long).body.len() < 200);
    }

    #[test]
    fn an_unknown_live_path_gets_qplus_reply_under_every_prefix() {
        let table = table(&[("qplus", &["/q"], &[])]);
        let expected = r#"{"access":"/live/Pay","status":10002,"desc":"参数错误"}"#;
        assert_eq!(body(&table.unknown("/live/Pay")), expected);
        assert_eq!(table.unknown("/q/live/Pay").code, 10_002);
        assert_eq!(table.unknown("/x/live/Pay").code, 400);
        assert_eq!(table.unknown("/live").code, 400);
    }
}
