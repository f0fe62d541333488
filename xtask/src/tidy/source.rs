//! Rules about Rust sources that need tokens: what may be called where, and what never stays.

use super::{Finding, Repository};
use crate::{
    rust::{Kind, Token, Tokens, is_test_file},
    tree::Tree,
};

/// A file of this many lines needs a reason.
const LONG: usize = 600;

/// Every Rust file that is Rust, with its tokens; what is not is rustc's to report.
fn sources(tree: &Tree) -> impl Iterator<Item = (&str, Tokens)> {
    tree.with_extension("rs").filter_map(|(path, text)| Tokens::of(text).map(|tokens| (path, tokens)))
}

/// Findings for every place, in files the filter takes, where one of the sequences starts.
fn forbid(
    repository: &Repository,
    takes: impl Fn(&str, &Token) -> bool,
    sequences: &[(&[&str], &str)],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, tokens) in sources(&repository.tree) {
        for (sequence, message) in sequences {
            let found = tokens.find(sequence).filter(|token| takes(path, token));
            findings.extend(found.map(|token| Finding::new(path, token.line, *message)));
        }
    }
    findings
}

/// No SQL and no database crate outside `crates/core`. (This tool quotes SQL to find it, and cannot run any.)
pub(super) fn sql_in_core(repository: &Repository) -> Vec<Finding> {
    let outside = |path: &str| !path.starts_with("crates/core/") && !path.starts_with("xtask/");
    let mut findings = forbid(
        repository,
        |path, token| outside(path) && token.kind == Kind::Word,
        &[(&["diesel"], "diesel outside the core"), (&["r2d2"], "r2d2 outside the core")],
    );
    for (path, tokens) in sources(&repository.tree).filter(|(path, _)| outside(path)) {
        let sql = tokens.iter().filter(|token| token.kind == Kind::Literal && is_sql(&token.text));
        findings.extend(sql.map(|token| Finding::new(path, token.line, "SQL outside the core")));
    }
    for (path, _) in repository.tree.with_extension("sql").filter(|(path, _)| outside(path)) {
        findings.push(Finding::new(path, 1, "SQL outside the core"));
    }
    findings
}

fn is_sql(literal: &str) -> bool {
    let text = literal.trim_start_matches(['r', '#', '"']).trim_start();
    ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "CREATE INDEX ", "ALTER TABLE ", "PRAGMA "]
        .iter()
        .any(|start| text.starts_with(start))
}

/// Only the gateway reads environment variables; tests may, to find a database.
pub(super) fn environment(repository: &Repository) -> Vec<Finding> {
    const MESSAGE: &str = "reads the environment";
    forbid(
        repository,
        |path, token| !path.starts_with("crates/gateway/") && !is_test_file(path) && !token.test_only,
        &[
            (&["env", ":", ":", "var"], MESSAGE),
            (&["env", ":", ":", "vars"], MESSAGE),
            (&["env", ":", ":", "var_os"], MESSAGE),
            (&["env", ":", ":", "vars_os"], MESSAGE),
        ],
    )
}

/// Requests leave from one file, which knows no address but the operator's.
pub(super) fn outgoing_requests(repository: &Repository) -> Vec<Finding> {
    const MESSAGE: &str = "sends requests";
    let server = |path: &str| path.starts_with("crates/") && path != "crates/gateway/src/code_delivery.rs";
    forbid(
        repository,
        |path, token| server(path) && !is_test_file(path) && !token.test_only,
        &[
            (&["ureq"], MESSAGE),
            (&["reqwest"], MESSAGE),
            (&["hyper", ":", ":", "client"], MESSAGE),
            (&["hyper_util", ":", ":", "client"], MESSAGE),
            (&["TcpSocket"], MESSAGE),
            (&["TcpStream", ":", ":", "connect"], MESSAGE),
        ],
    )
}

/// The wall clock is read in one file, the random source in another.
pub(super) fn clock_and_random(repository: &Repository) -> Vec<Finding> {
    const CLOCK: &str = "reads the wall clock";
    const RANDOM: &str = "draws random bytes";
    let mut findings = forbid(
        repository,
        |path, _| path != "crates/core/src/model/clock.rs",
        &[
            (&["SystemTime", ":", ":", "now"], CLOCK),
            (&["UNIX_EPOCH", ".", "elapsed"], CLOCK),
            (&["Timestamp", ":", ":", "now"], CLOCK),
            (&["Zoned", ":", ":", "now"], CLOCK),
            (&["Utc", ":", ":", "now"], CLOCK),
        ],
    );
    findings.extend(forbid(
        repository,
        |path, token| path != "crates/core/src/model/random.rs" && token.kind == Kind::Word,
        &[(&["getrandom"], RANDOM), (&["OsRng"], RANDOM), (&["Uuid", ":", ":", "new_v4"], RANDOM)],
    ));
    findings
}

/// Every package takes the workspace's lints.
pub(super) fn workspace_lints(repository: &Repository) -> Vec<Finding> {
    let manifests = repository.tree.with_extension("toml").filter(|(path, _)| path.ends_with("/Cargo.toml"));
    let without = manifests.filter(|(_, text)| !text.contains("[lints]\nworkspace = true\n"));
    without.map(|(path, _)| Finding::new(path, 1, "lacks `[lints] workspace = true`")).collect()
}

/// Every file starts with its documentation, and a crate's says more than its name.
pub(super) fn module_docs(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.tree.with_extension("rs") {
        if !text.starts_with("//! ") {
            findings.push(Finding::new(path, 1, "does not start with a `//!` line"));
        } else if path.ends_with("src/lib.rs") && has_code(text) {
            let lines = text.lines().take_while(|line| line.starts_with("//!"));
            if lines.filter(|line| line.len() > "//! ".len()).count() < 2 {
                findings.push(Finding::new(path, 1, "a crate needs more than one line of documentation"));
            }
        }
    }
    findings
}

/// Whether there is anything but comments; what is not Rust is rustc's to report.
fn has_code(text: &str) -> bool {
    Tokens::of(text).is_some_and(|tokens| tokens.iter().next().is_some())
}

/// No file is longer than a head can hold, unless it says why.
pub(super) fn file_length(repository: &Repository) -> Vec<Finding> {
    let excused = |text: &str| {
        let reason = text.lines().find_map(|line| line.trim_start().strip_prefix("// tidy: allow-long "));
        reason.is_some_and(|reason| !reason.trim().is_empty())
    };
    let files = repository.tree.with_extension("rs").map(|(path, text)| (path, text, text.lines().count()));
    let long = files.filter(|(_, text, lines)| *lines > LONG && !excused(text));
    long.map(|(path, _, lines)| {
        let message = format!("{lines} lines; split it, or give a reason: `// tidy: allow-long <reason>`");
        Finding::new(path, LONG, message)
    })
    .collect()
}

/// No placeholder, no switched-off test, no unexplained lint exception.
pub(super) fn finished_code(repository: &Repository) -> Vec<Finding> {
    forbid(
        repository,
        |_, _| true,
        &[
            (&["todo", "!"], "unfinished code"),
            (&["unimplemented", "!"], "unfinished code"),
            (&["#", "[", "ignore"], "a test that does not run"),
            (&["#", "[", "allow"], "`#[expect(lint, reason = …)]` says why and complains when it is stale"),
            (
                &["#", "!", "[", "allow"],
                "`#![expect(lint, reason = …)]` says why and complains when it is stale",
            ),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    type Check = fn(&Repository) -> Vec<Finding>;

    fn lines(check: Check, path: &str, text: &str) -> Vec<usize> {
        check(&Repository::from([(path, text)])).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn sql_belongs_to_the_core() {
        let text = "use diesel::prelude::*;\nlet a = \"SELECT 1\";\nlet b = r#\"INSERT INTO t\"#;\nlet c = \"diesel\";";
        assert_eq!(lines(sql_in_core, "crates/sxb/src/room.rs", text), [1, 2, 3]);
        assert_eq!(lines(sql_in_core, "crates/core/src/room.rs", text), NONE);
        assert_eq!(lines(sql_in_core, "crates/gateway/schema.sql", "SELECT 1;"), [1]);
        assert_eq!(lines(sql_in_core, "crates/core/migrations/0001/up.sql", "SELECT 1;"), NONE);
    }

    #[test]
    fn the_environment_belongs_to_the_gateway() {
        let text = "let a = std::env::var(\"A\");\nlet b = env::vars_os();\nlet c = env!(\"C\");";
        assert_eq!(lines(environment, "crates/core/src/config.rs", text), [1, 2]);
        assert_eq!(lines(environment, "crates/gateway/src/config.rs", text), NONE);
        assert_eq!(lines(environment, "tests/src/lib.rs", text), NONE);
        let tests = "#[cfg(test)]\nmod tests { fn a() { std::env::var(\"A\"); } }";
        assert_eq!(lines(environment, "crates/core/src/config.rs", tests), NONE);
    }

    #[test]
    fn requests_leave_from_one_file() {
        let text = "let a = ureq::get(url);\nlet b = TcpStream::connect(address);\nlet c = \"ureq\";";
        assert_eq!(lines(outgoing_requests, "crates/sxb/src/room.rs", text), [1, 2]);
        assert_eq!(lines(outgoing_requests, "crates/gateway/src/code_delivery.rs", text), NONE);
        assert_eq!(lines(outgoing_requests, "xtask/src/bench/server.rs", text), NONE);
        let tests = "#[cfg(test)]\nmod tests { fn a() { TcpStream::connect(a); } }";
        assert_eq!(lines(outgoing_requests, "crates/gateway/src/listener.rs", tests), NONE);
    }

    #[test]
    fn time_and_randomness_have_one_file_each() {
        let time = "let a = SystemTime::now();\nlet b = jiff::Timestamp::now();";
        assert_eq!(lines(clock_and_random, "crates/gateway/src/serve.rs", time), [1, 2]);
        assert_eq!(lines(clock_and_random, "crates/core/src/model/clock.rs", time), NONE);
        let random = "getrandom::fill(&mut bytes);\nlet a = Uuid::new_v4();";
        assert_eq!(lines(clock_and_random, "crates/core/src/account.rs", random), [1, 2]);
        assert_eq!(lines(clock_and_random, "crates/core/src/model/random.rs", random), NONE);
    }

    #[test]
    fn no_package_escapes_the_lints() {
        assert_eq!(lines(workspace_lints, "crates/load/Cargo.toml", "[package]\n"), [1]);
        assert_eq!(lines(workspace_lints, "crates/load/Cargo.toml", "[lints]\nworkspace = true\n"), NONE);
        assert_eq!(lines(workspace_lints, "Cargo.toml", "[workspace]\n"), NONE);
    }

    #[test]
    fn every_file_has_documentation() {
        assert_eq!(lines(module_docs, "crates/core/src/room.rs", "fn a() {}\n"), [1]);
        assert_eq!(lines(module_docs, "crates/core/src/room.rs", "//! Rooms.\n"), NONE);
        assert_eq!(lines(module_docs, "crates/core/src/lib.rs", "//! The core.\n//!\nmod a;"), [1]);
        assert_eq!(lines(module_docs, "crates/core/src/lib.rs", "//! The core.\n//!\n//! More.\n"), NONE);
    }

    #[test]
    fn long_files_need_a_reason() {
        let long = "//! Long.\n".repeat(LONG);
        assert_eq!(lines(file_length, "xtask/src/a.rs", &long), NONE);
        assert_eq!(lines(file_length, "xtask/src/a.rs", &format!("{long}\n")), [LONG]);
        assert_eq!(lines(file_length, "xtask/src/a.rs", &format!("{long}// tidy: allow-long \n")), [LONG]);
        assert_eq!(
            lines(file_length, "xtask/src/a.rs", &format!("{long}// tidy: allow-long one table\n")),
            NONE
        );
    }

    #[test]
    fn nothing_unfinished_stays() {
        let text = "fn a() { todo!() }\nfn b() { unimplemented!() }\n#[ignore]\n#[ignore = \"slow\"]\n#[allow(dead_code)]\n\
                    #![allow(unused)]\n// todo!()\n#[expect(dead_code, reason = \"r\")]\nfn c() {}";
        let mut found = lines(finished_code, "xtask/src/a.rs", text);
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3, 4, 5, 6]);
    }
}
