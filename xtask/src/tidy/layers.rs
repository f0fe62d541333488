//! Checks the layers inside the core and inside each adapter.

use super::{Finding, Repository};
use crate::{
    imports::CrateFiles,
    layers::{orders, problems},
};

/// No file uses an item of a layer above its own or beside it, and no files use each other in a cycle.
pub(super) fn layers(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for order in orders() {
        let files = CrateFiles::read(&repository.tree, &order.folder());
        let found = problems(&order, &files).into_iter();
        let finding = |(file, line, message): (String, usize, String)| {
            Finding::new(&format!("{}/{file}", order.folder()), line, message)
        };
        findings.extend(found.map(finding));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in a core of these files beside a `lib.rs` that declares them and re-exports some.
    fn core(files: &[(&str, &str)]) -> Vec<String> {
        const BASE: &[(&str, &str)] = &[
            (
                "lib.rs",
                "mod error; mod model; mod store; mod domain; mod read_model; pub use self::domain::Room;",
            ),
            ("error.rs", "pub struct Error;"),
            ("model/mod.rs", "pub(crate) mod id;"),
            ("model/id.rs", "pub struct Id;"),
            ("store/mod.rs", "mod tx; pub(crate) use self::tx::Tx;"),
            ("store/tx.rs", "pub struct Tx;"),
            ("domain/mod.rs", "mod room; pub use self::room::Room;"),
            ("domain/room.rs", "use crate::{error::Error, model::id::Id, store::Tx}; pub struct Room;"),
            ("read_model/mod.rs", "pub(crate) mod list;"),
            ("read_model/list.rs", "use crate::model::id; pub struct List;"),
        ];
        check("core", &[BASE, files].concat())
    }

    fn check(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = crate::tree::Tree::default();
        for (path, text) in files {
            tree.insert(&format!("crates/{name}/src/{path}"), text);
        }
        let findings = layers(&Repository { tree, ..Repository::default() }).into_iter();
        let strip = format!("crates/{name}/src/");
        findings
            .map(|finding| format!("{}: {}", finding.path.trim_start_matches(&strip), finding.message))
            .collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn imports_downwards_are_fine() {
        assert_eq!(core(&[]), NONE);
    }

    #[test]
    fn an_arrow_against_the_order_is_found_in_every_form() {
        for (text, path) in [
            ("use crate::domain::room::Room; pub struct Id;", "crate::domain::room::Room"),
            ("use super::super::domain::room::Room; pub struct Id;", "super::super::domain::room::Room"),
            // Re-exported by `lib.rs`.
            ("use crate::Room; pub struct Id;", "crate::Room"),
            // Re-exported by `domain/mod.rs`.
            ("use crate::domain::{self, Room as Other}; pub struct Id;", "crate::domain::Room"),
            ("pub struct Id; fn a() -> crate::Room {}", "crate::Room"),
            ("pub struct Id(super::super::domain::Room);", "super::super::domain::Room"),
        ] {
            let order = format!(
                "model/id.rs: uses `{path}` of domain/room.rs: layer model must not use layer domain"
            );
            let cycle = "domain/room.rs: import cycle: domain/room.rs → model/id.rs → domain/room.rs";
            assert_eq!(core(&[("model/id.rs", text)]), [order.as_str(), cycle], "{text}");
        }
    }

    #[test]
    fn siblings_do_not_see_each_other() {
        for (file, text, message) in [
            (
                "read_model/list.rs",
                "use crate::Room; pub struct List;",
                "read_model/list.rs: uses `crate::Room` of domain/room.rs: layer read_model must not use layer domain",
            ),
            (
                "domain/room.rs",
                "use crate::read_model::list::List; pub struct Room;",
                "domain/room.rs: uses `crate::read_model::list::List` of read_model/list.rs: layer domain must not use layer read_model",
            ),
            (
                "error.rs",
                "mod a { use crate::config::Config; } pub struct Error;",
                "error.rs: uses `crate::config::Config` of config.rs: layer error must not use layer config",
            ),
        ] {
            let lib = "mod error; mod config; mod model; mod store; mod domain; mod read_model; pub use self::domain::Room;";
            let config = ("config.rs", "pub struct Config;");
            assert_eq!(core(&[("lib.rs", lib), config, (file, text)]), [message]);
        }
    }

    #[test]
    fn nothing_uses_the_root() {
        let lib = "mod model; const DEPTH: u8 = 1;";
        let found = core(&[("lib.rs", lib), ("model/id.rs", "use crate::DEPTH;")]);
        let expected = "model/id.rs: uses `crate::DEPTH` of lib.rs: layer model must not use layer lib";
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }

    #[test]
    fn a_cycle_is_found_and_told_in_its_shortest_form() {
        let two =
            [("model/mod.rs", "mod id; mod page;"), ("model/id.rs", "use super::page::Page; pub struct Id;")];
        let page = ("model/page.rs", "use crate::model::id::Id; pub struct Page;");
        assert!(
            core(&[two[0], two[1], page])
                .contains(&"model/id.rs: import cycle: model/id.rs → model/page.rs → model/id.rs".to_owned())
        );
        let three = [
            ("lib.rs", "mod model;"),
            ("model/mod.rs", "mod a; mod b; mod c; mod d; pub(crate) use self::{a::A, b::B, c::C};"),
            ("model/a.rs", "use super::B; pub struct A;"),
            ("model/b.rs", "use super::C; pub struct B;"),
            ("model/c.rs", "pub struct C(super::A);"),
            ("model/d.rs", "use super::A;"),
        ];
        let message = "model/a.rs: import cycle: model/a.rs → model/b.rs → model/c.rs → model/a.rs";
        assert_eq!(check("core", &three), [message]);
        let mut more = three;
        more[5].1 = "use super::A; pub struct D;";
        more[4].1 = "use super::d::D; pub struct C(super::A);";
        let message = format!(
            "{message}; one of the cycles among 4 files: model/a.rs, model/b.rs, model/c.rs, model/d.rs"
        );
        assert_eq!(check("core", &more), [message]);
    }

    #[test]
    fn a_child_and_its_parent_make_a_cycle_unless_the_parent_is_a_map() {
        let files = |parent| {
            [
                ("lib.rs", "mod model;"),
                ("model/mod.rs", parent),
                ("model/id.rs", "use super::own; pub struct Id;"),
            ]
        };
        let own = "mod id; pub(crate) use self::id::Id; fn own() {}";
        assert_eq!(check("core", &files(own)), NONE);
        let cycle = "model/id.rs: import cycle: model/id.rs → model/mod.rs → model/id.rs";
        assert_eq!(check("core", &files("mod id; fn own(id: id::Id) {}")), [cycle]);
        assert_eq!(check("core", &files("mod id; pub(crate) use self::id::Id; fn own(id: Id) {}")), [cycle]);
    }

    #[test]
    fn tests_may_use_everything() {
        let test = "#[cfg(test)] mod tests { use crate::Room; }";
        assert_eq!(core(&[("model/id.rs", &format!("pub struct Id; {test}"))]), NONE);
        let model = [
            ("model/mod.rs", "pub(crate) mod id; #[cfg(test)] mod tests;"),
            ("model/tests.rs", "use crate::Room;"),
        ];
        assert_eq!(core(&model), NONE);
    }

    #[test]
    fn a_file_of_no_layer_is_found() {
        let files = [("lib.rs", "mod util;"), ("util/mod.rs", "mod text;"), ("util/text.rs", "")];
        let message = "no layer yet: give the file one in xtask/src/layers/order.rs";
        assert_eq!(
            check("core", &files),
            ["util/mod.rs", "util/text.rs"].map(|file| format!("{file}: {message}"))
        );
        let lost = [("lib.rs", ""), ("model/id.rs", "")];
        assert_eq!(check("core", &lost), ["model/id.rs: no `mod` line declares this file"]);
    }

    #[test]
    fn adapters_have_an_order_of_their_own() {
        let lib = "mod interface; mod room; mod list; mod fields; struct Sxb;";
        let table = "use crate::{fields::Fields, room}; interfaces! { A: \"a\" => room::enter, \"seed\"; }";
        let sxb = |file: &str, text: &str| {
            let files = [
                ("lib.rs", lib),
                ("interface.rs", table),
                ("room.rs", "use crate::{fields, list}; pub fn enter() {}"),
            ];
            let rest = [
                ("list.rs", "use crate::fields::Fields; pub struct A;"),
                ("fields.rs", "pub struct Fields;"),
                (file, text),
            ];
            check("sxb", &[files, [rest[0], rest[1], rest[2]]].concat())
        };
        assert_eq!(sxb("fields.rs", "pub struct Fields;"), NONE);
        for (file, text, message) in [
            ("fields.rs", "use crate::list::A;", "list.rs: layer shared must not use layer handlers"),
            (
                "list.rs",
                "use crate::interface::Api;",
                "interface.rs: layer handlers must not use layer interface",
            ),
            ("interface.rs", "use crate::Sxb;", "lib.rs: layer interface must not use layer lib"),
        ] {
            let found = sxb(file, text);
            assert!(
                found.iter().any(|found| found.starts_with(file) && found.ends_with(message)),
                "{found:?}"
            );
        }
        let cycle = "list.rs: import cycle: list.rs → room.rs → list.rs";
        assert_eq!(sxb("list.rs", "use crate::room::enter; pub struct A;"), [cycle]);
    }

    #[test]
    fn an_adapter_inside_an_adapter_has_the_same_order() {
        let v1 = |file: &str, text: &str| {
            let files = [
                (
                    "lib.rs",
                    "mod callback; mod fields; const DEPTH: u8 = 1; pub use self::callback::Callbacks;",
                ),
                ("fields.rs", "pub struct Fields;"),
                (
                    "callback/mod.rs",
                    "mod interface; mod event; mod code; use self::interface::Api; pub struct Callbacks;",
                ),
                (
                    "callback/interface.rs",
                    "use super::event; interfaces! { A: \"a\" => event::stopped, \"seed\"; }",
                ),
                (
                    "callback/event.rs",
                    "use super::code::Code; use crate::fields::Fields; pub fn stopped() {}",
                ),
                ("callback/code.rs", "pub enum Code {}"),
            ];
            check("minilvb-v1", &[&files[..], &[(file, text)]].concat())
        };
        assert_eq!(v1("callback/code.rs", "pub enum Code {}"), NONE);
        for (file, text, message) in [
            ("callback/mod.rs", "use crate::DEPTH;", "layer entry must not use layer lib"),
            ("callback/code.rs", "use super::event::stopped;", "layer shared must not use layer handlers"),
            (
                "callback/event.rs",
                "use super::interface::Api;",
                "layer handlers must not use layer interface",
            ),
        ] {
            let found = v1(file, text);
            assert!(
                found.iter().any(|found| found.starts_with(file) && found.ends_with(message)),
                "{found:?}"
            );
        }
    }
}
