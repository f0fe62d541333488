//! `cargo xtask tidy`: the rules of this project that no compiler knows.
//!
//! A rule is a name, a reason and a function from the repository's contents to findings; it reads nothing else, so its
//! tests hand it a repository of three lines and watch it fail.

mod dependency;
mod document;
mod interface;
mod layers;
mod source;
mod text;
mod types;
mod vocabulary;
mod where_is;

use anyhow::{Result, ensure};

use crate::{
    command::root,
    docs,
    package::{Package, packages},
    tree::Tree,
};

/// What the rules look at.
#[derive(Debug, Default)]
struct Repository {
    tree: Tree,
    packages: Vec<Package>,
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

/// One rule.
struct Rule {
    name: &'static str,
    reason: &'static str,
    check: fn(&Repository) -> Vec<Finding>,
}

/// Every rule, in the order in which they are checked.
const RULES: &[Rule] = &[
    Rule {
        name: "packages",
        reason: "gateway → adapters → {wire, core}: a dialect can be added or dropped without touching the others",
        check: dependency::layers,
    },
    Rule {
        name: "layers",
        reason: "imports go down: a reader needs to know the layers below a file, and none above",
        check: layers::layers,
    },
    Rule {
        name: "one-name-one-type",
        reason: "a name that means two types makes the reader check the imports of every file it meets",
        check: types::one_name_one_type,
    },
    Rule {
        name: "domain-words",
        reason: "the core serves five dialects alike, so it knows the field names and error numbers of none",
        check: vocabulary::domain_words,
    },
    Rule {
        name: "sql-in-core",
        reason: "one crate owns the schema; everybody else asks for domain operations",
        check: source::sql_in_core,
    },
    Rule {
        name: "environment",
        reason: "configuration has one way in, the gateway, where every value has a known origin",
        check: source::environment,
    },
    Rule {
        name: "outgoing-requests",
        reason: "an address that a client names is shown to others, never fetched: the server is nobody's proxy",
        check: source::outgoing_requests,
    },
    Rule {
        name: "clock-and-random",
        reason: "time and randomness are injected, so that tests move the clock and repeat the dice",
        check: source::clock_and_random,
    },
    Rule {
        name: "workspace-lints",
        reason: "a lint that skips one package is a lint that nobody can rely on",
        check: source::workspace_lints,
    },
    Rule {
        name: "module-docs",
        reason: "a reader opens any file and learns first what it owns and what it refuses to know",
        check: source::module_docs,
    },
    Rule {
        name: "file-length",
        reason: "a file that fits the head can be changed safely",
        check: source::file_length,
    },
    Rule {
        name: "finished-code",
        reason: "what is merged is done, its tests run, and a lint is silenced only with a reason that expires",
        check: source::finished_code,
    },
    Rule {
        name: "no-leftovers",
        reason: "open ends belong to the issue tracker, and nobody else has the paths of this machine",
        check: text::no_leftovers,
    },
    Rule {
        name: "text-format",
        reason: "UTF-8, Unix line ends and no trailing space keep diffs about content",
        check: text::text_format,
    },
    Rule {
        name: "interface-tables",
        reason: "what is published works, has contract data that proves it, and says where it is specified",
        check: interface::tables,
    },
    Rule {
        name: "decision-records",
        reason: "a decision without context or consequences cannot be judged later",
        check: document::decision_records,
    },
    Rule { name: "links", reason: "a link that leads nowhere is worse than none", check: document::links },
    Rule {
        name: "where-is",
        reason: "a newcomer follows the paths of the architecture, so each of them leads somewhere",
        check: where_is::where_is,
    },
    Rule {
        name: "generated-docs",
        reason: "the documented interfaces and layers are those of the code: `cargo xtask docs` rewrites them",
        check: generated_docs,
    },
];

/// Checks every rule; findings are printed, and any of them is an error.
pub(crate) fn run() -> Result<()> {
    let repository = Repository { tree: Tree::read(&root()?)?, packages: packages()? };
    for note in interface::not_built_yet(&repository) {
        println!("note: {note}");
    }
    let mut broken = Vec::new();
    for rule in RULES {
        let findings = (rule.check)(&repository);
        if findings.is_empty() {
            continue;
        }
        println!("{}: {}", rule.name, rule.reason);
        for Finding { path, line, message } in findings {
            println!("  {path}:{line}: {message}");
        }
        broken.push(rule.name);
    }
    ensure!(broken.is_empty(), "rules broken: {}", broken.join(", "));
    println!("{} rules hold", RULES.len());
    Ok(())
}

/// Prints every rule with its reason.
pub(crate) fn list() {
    for rule in RULES {
        println!("{:17} {}", rule.name, rule.reason);
    }
}

fn generated_docs(repository: &Repository) -> Vec<Finding> {
    docs::problems(&repository.tree)
        .into_iter()
        .map(|(path, message)| Finding::new(&path, 1, message))
        .collect()
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Repository {
    fn from(files: [(&str, &str); N]) -> Self {
        Self { tree: Tree::from(files), packages: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_distinct_names_and_a_reason() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| rule.reason.len() > 20));
    }

    #[test]
    fn an_empty_repository_breaks_no_rule() {
        for rule in RULES {
            assert_eq!((rule.check)(&Repository::default()), [], "{}", rule.name);
        }
    }
}
