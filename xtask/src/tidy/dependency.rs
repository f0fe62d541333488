//! Which package may depend on which.
//!
//! Only direct dependencies count: an adapter reaches storage through the core's operations, never by name. Tests may
//! use a runtime, but nothing else that is closed to their package.

use super::{Finding, Repository};
use crate::package::{Dependency, Package};

const HTTP: &[&str] = &["http", "http-body", "http-body-util"];
const SERVER: &[&str] = &["hyper", "hyper-util"];
const RUNTIME: &[&str] = &["tokio", "tokio-util"];
const STORAGE: &[&str] = &["diesel", "diesel_migrations", "libsqlite3-sys", "pq-sys", "r2d2", "rusqlite"];

const ADAPTERS: &[&str] =
    &["relive-minilvb-v1", "relive-minilvb-v2", "relive-qplus", "relive-roomservice", "relive-sxb"];

/// A package's place in the order of layers.
struct Layer {
    /// Packages of this workspace below it.
    below: &'static [&'static [&'static str]],
    /// Outside packages it never names.
    never: &'static [&'static [&'static str]],
}

/// `None` = nobody has decided yet where that package belongs.
fn layer(package: &str) -> Option<Layer> {
    const SHARED: &[&str] = &["relive-core", "relive-wire"];
    Some(match package {
        "relive-core" => Layer { below: &[], never: &[HTTP, SERVER] },
        "relive-wire" => Layer { below: &[], never: &[SERVER, RUNTIME, STORAGE] },
        adapter if ADAPTERS.contains(&adapter) => {
            Layer { below: &[SHARED], never: &[SERVER, RUNTIME, STORAGE] }
        }
        "relive-gateway" => Layer { below: &[SHARED, ADAPTERS], never: &[STORAGE] },
        "contract-tests" => Layer { below: &[SHARED, ADAPTERS, &["relive-gateway"]], never: &[STORAGE] },
        // It waits for Ctrl-C with a runtime, and attacks with a client of hyper.
        "xtask" => Layer { below: &[], never: &[STORAGE] },
        _ => return None,
    })
}

/// Every dependency goes down the layers, none sideways or up.
pub(super) fn layers(repository: &Repository) -> Vec<Finding> {
    let workspace: Vec<_> = repository.packages.iter().map(|package| package.name.as_str()).collect();
    let problems = repository.packages.iter().flat_map(|package| problems(package, &workspace));
    problems.map(|message| Finding::new("Cargo.toml", 1, message)).collect()
}

fn problems(package: &Package, workspace: &[&str]) -> Vec<String> {
    let name = &package.name;
    let Some(layer) = layer(name) else {
        return vec![format!("package {name} has no layer yet: give it one in xtask/src/tidy/dependency.rs")];
    };
    let closed = |dependency: &&Dependency| {
        let other = dependency.name.as_str();
        let among = |lists: &[&[&str]]| lists.iter().any(|list| list.contains(&other));
        let test_runtime = dependency.is_dev() && RUNTIME.contains(&other);
        if workspace.contains(&other) { !among(layer.below) } else { among(layer.never) && !test_runtime }
    };
    let found = package.dependencies.iter().filter(closed);
    found.map(|dependency| format!("{name} must not depend on {}", dependency.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::packages;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency { name: (*name).to_owned(), kind: kind.map(str::to_owned) });
        Package { name: name.to_owned(), dependencies: dependencies.collect() }
    }

    fn check(packages: Vec<Package>) -> Vec<String> {
        let repository = Repository { packages, ..Repository::default() };
        layers(&repository).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn every_forbidden_direction_is_found() {
        for (from, to) in [
            ("relive-sxb", "relive-qplus"),
            ("relive-minilvb-v1", "relive-minilvb-v2"),
            ("relive-sxb", "relive-gateway"),
            ("relive-sxb", "diesel"),
            ("relive-sxb", "hyper"),
            ("relive-sxb", "tokio"),
            ("relive-wire", "relive-core"),
            ("relive-wire", "hyper"),
            ("relive-core", "relive-wire"),
            ("relive-core", "relive-sxb"),
            ("relive-core", "http"),
            ("relive-core", "hyper-util"),
            ("relive-gateway", "r2d2"),
            ("xtask", "relive-core"),
        ] {
            let packages = vec![package(from, &[(to, None)]), package(to, &[])];
            let expected = format!("{from} must not depend on {to}");
            assert!(check(packages).contains(&expected), "{expected}");
        }
    }

    #[test]
    fn tests_may_use_a_runtime_and_nothing_else() {
        assert!(check(vec![package("relive-sxb", &[("tokio", Some("dev"))])]).is_empty());
        assert_eq!(
            check(vec![package("relive-sxb", &[("hyper", Some("dev"))])]),
            ["relive-sxb must not depend on hyper"]
        );
        assert_eq!(
            check(vec![package("relive-sxb", &[("tokio", Some("build"))])]),
            ["relive-sxb must not depend on tokio"]
        );
    }

    #[test]
    fn a_new_package_needs_a_layer() {
        assert_eq!(check(vec![package("load", &[])]).len(), 1);
    }

    #[test]
    fn this_workspace_keeps_its_layers() {
        assert_eq!(check(packages().unwrap()), <[String; 0]>::default());
    }
}
