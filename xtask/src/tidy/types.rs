//! Checks the names of the core's types: none stands for two.

use std::collections::BTreeMap;

use super::{Finding, Repository};
use crate::imports::{CrateFiles, TypeName};

const FOLDER: &str = "crates/core/src";

/// No two types or traits of the core have the same name, private ones and those inside functions included.
pub(super) fn one_name_one_type(repository: &Repository) -> Vec<Finding> {
    let files = CrateFiles::read(&repository.tree, FOLDER);
    let mut first: BTreeMap<&str, &TypeName> = BTreeMap::new();
    let mut findings = Vec::new();
    for found in &files.types {
        if let Some(other) = first.get(found.name.as_str()) {
            let message = format!("{FOLDER}/{}:{} defines a `{}`, too", other.file, other.line, found.name);
            findings.push(Finding::new(&format!("{FOLDER}/{}", found.file), found.line, message));
        } else {
            first.insert(&found.name, found);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &str, second: &str) -> Vec<Finding> {
        let files = [
            ("crates/core/src/lib.rs", "mod a; mod b; #[cfg(test)] mod kit;"),
            ("crates/core/src/a.rs", first),
            ("crates/core/src/b.rs", second),
            ("crates/core/src/kit.rs", "struct Place;"),
        ];
        one_name_one_type(&Repository::from(files))
    }

    #[test]
    fn a_name_stands_for_one_type() {
        let message = "crates/core/src/a.rs:1 defines a `Place`, too";
        let expected = [Finding::new("crates/core/src/b.rs", 2, message)];
        for second in [
            "struct Place;",
            "enum Place {}",
            "type Place = u8;",
            "trait Place {}",
            "fn b() { struct Place; }",
        ] {
            assert_eq!(check("pub struct Place;", &format!("\n{second}")), expected, "{second}");
        }
        assert_eq!(check("struct Place; mod c { struct Place; }", "").len(), 1);
    }

    #[test]
    fn tests_associated_types_and_values_are_free() {
        for second in [
            "#[cfg(test)] mod tests { struct Place; }",
            "impl B for C { type Place = u8; }",
            "const Place: u8 = 1;",
        ] {
            assert_eq!(check("struct Place;", second), [], "{second}");
        }
    }
}
