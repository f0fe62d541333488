//! Follows the paths of a crate's files to the files that define the items.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::source::{self, Binds, Module};
use crate::{rust::is_test_file, tree::Tree};

/// The files of a crate and the arrows between them.
#[derive(Debug, Default)]
pub(crate) struct CrateFiles {
    /// Every file that is compiled outside tests, in order, relative to the crate's `src`.
    pub(crate) files: Vec<String>,
    /// Files that no `mod` line declares, so that nothing is known of their imports.
    pub(crate) undeclared: Vec<String>,
    /// At most one for each pair of files, in order; none from a file to itself.
    pub(crate) arrows: Vec<Arrow>,
    /// Every struct, enum, union, trait and type alias outside tests.
    pub(crate) types: Vec<TypeName>,
}

/// A file uses an item of another file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    /// The file that uses the item, relative to the crate's `src`.
    pub(crate) from: String,
    /// The file that defines the item.
    pub(crate) to: String,
    /// Where `from` uses it first, counted from 1.
    pub(crate) line: usize,
    /// The paths of the items as written, in the order of their first lines. A name that an earlier `use` binds is left
    /// out.
    pub(crate) paths: Vec<String>,
}

/// A type or trait and its place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TypeName {
    pub(crate) name: String,
    /// Relative to the crate's `src`.
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl CrateFiles {
    /// Reads the crate whose sources are in `folder`, such as `crates/core/src`. Without a `lib.rs` nothing is found.
    pub(crate) fn read(tree: &Tree, folder: &str) -> Self {
        let mut modules = Modules::default();
        let mut test_files = BTreeSet::new();
        modules.add_file(tree, folder, "lib.rs", None, &mut test_files);
        let read: BTreeSet<_> = modules.0.iter().map(|module| module.file.clone()).collect();
        if read.is_empty() {
            return Self::default();
        }
        let prefix = format!("{folder}/");
        let rust = tree.with_extension("rs").filter_map(|(path, _)| path.strip_prefix(&prefix));
        let known = |file: &str| read.contains(file) || test_files.iter().any(|test| is_below(file, test));
        let undeclared = rust.filter(|file| !known(file) && !is_test_file(file)).map(str::to_owned).collect();
        let types = modules.0.iter().flat_map(|node| {
            let found = |(name, line): &(String, usize)| TypeName {
                name: name.clone(),
                file: node.file.clone(),
                line: *line,
            };
            node.module.types.iter().map(found)
        });
        Self {
            undeclared,
            arrows: modules.arrows(),
            types: types.collect(),
            files: read.into_iter().collect(),
        }
    }
}

/// Whether a file is that of a module, given without `.rs`, or of one of its children.
fn is_below(file: &str, module: &str) -> bool {
    file.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The arrow of all uses of one file by another.
fn arrow(from: &str, to: String, uses: &BTreeSet<(usize, String)>) -> Arrow {
    let line = uses.first().map_or(1, |(line, _)| *line);
    let full = |path: &&String| ["crate::", "self::", "super::"].iter().any(|start| path.starts_with(start));
    let mut paths = Vec::new();
    for path in uses.iter().map(|(_, path)| path).filter(full) {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    if paths.is_empty() {
        // Bound by a re-export, or relative to the module.
        paths.extend(uses.first().map(|(_, path)| path.clone()));
    }
    Arrow { from: from.to_owned(), to, line, paths }
}

/// Where a path leads: a module, or an item of a file. A path into another crate leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    Module(usize),
    Item(&'a str),
}

/// A module in its place.
#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    /// By name.
    children: HashMap<String, usize>,
    /// Relative to the crate's `src`.
    file: String,
    module: Module,
}

/// All modules, the crate's root first.
#[derive(Debug, Default)]
struct Modules(Vec<Node>);

/// The look-ups under way: module and name. A cycle of re-exports ends where one would begin again.
type UnderWay<'a> = Vec<(usize, &'a str)>;

impl Modules {
    /// Adds a file's module and everything below it. Files declared for tests only go to `test_files`, without `.rs`.
    fn add_file(
        &mut self,
        tree: &Tree,
        folder: &str,
        file: &str,
        parent: Option<usize>,
        test_files: &mut BTreeSet<String>,
    ) -> Option<usize> {
        let module = source::read(tree.text(&format!("{folder}/{file}"))?)?;
        let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let children = match (directory, stem) {
            ("", "lib") => String::new(),
            (directory, "mod") => format!("{directory}/"),
            ("", stem) => format!("{stem}/"),
            (directory, stem) => format!("{directory}/{stem}/"),
        };
        Some(self.add_module(tree, folder, (file, &children), parent, module, test_files))
    }

    /// Adds a module of a file, whose children have their files in the second half of `place`.
    fn add_module(
        &mut self,
        tree: &Tree,
        folder: &str,
        place: (&str, &str),
        parent: Option<usize>,
        mut module: Module,
        test_files: &mut BTreeSet<String>,
    ) -> usize {
        let (file, below) = place;
        let (inline, declared) = (std::mem::take(&mut module.inline), std::mem::take(&mut module.declared));
        let index = self.0.len();
        self.0.push(Node { parent, children: HashMap::new(), file: file.to_owned(), module });
        let mut children = HashMap::new();
        for child in inline {
            let (name, below) = (child.name.clone(), format!("{below}{}/", child.name));
            let added = self.add_module(tree, folder, (file, &below), Some(index), child, test_files);
            children.insert(name, added);
        }
        for child in declared {
            let stem = format!("{below}{}", child.name);
            if child.test_only {
                test_files.insert(stem);
                continue;
            }
            let files = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
            let mut added =
                files.iter().filter_map(|file| self.add_file(tree, folder, file, Some(index), test_files));
            if let Some(added) = added.next() {
                children.insert(child.name, added);
            }
        }
        if let Some(node) = self.0.get_mut(index) {
            node.children = children;
        }
        index
    }

    fn arrows(&self) -> Vec<Arrow> {
        let mut found = BTreeMap::new();
        for (index, node) in self.0.iter().enumerate() {
            let from = node.file.as_str();
            let mut add = |to: &str, line: usize, path: &[String]| {
                if from != to {
                    let uses: &mut BTreeSet<_> = found.entry((from, to.to_owned())).or_default();
                    uses.insert((line, path.join("::")));
                }
            };
            for import in &node.module.imports {
                for target in self.walk(index, &import.path, &mut Vec::new()) {
                    let glob = import.binds == Binds::Everything;
                    let traits = match target {
                        Target::Module(module) if glob => self.traits(module),
                        _ => BTreeSet::new(),
                    };
                    let used = self.end(target).into_iter().chain(traits);
                    for to in used.filter(|to| !(import.reexport && self.is_inside(to, from))) {
                        add(to, import.line, &import.path);
                    }
                }
            }
            for mention in &node.module.mentions {
                let targets = self.walk(index, &mention.path, &mut Vec::new());
                let single = mention.path.len() == 1;
                for target in &targets {
                    if let Some(to) = self.end(*target)
                        && !(single && matches!(target, Target::Module(_)))
                    {
                        add(to, mention.line, &mention.path);
                    }
                }
                if let ([name], true, true) =
                    (mention.path.as_slice(), mention.is_macro_call, targets.is_empty())
                {
                    for to in self.macros(name, from) {
                        add(to, mention.line, &mention.path);
                    }
                }
            }
        }
        let arrow = |((from, to), uses)| arrow(from, to, &uses);
        found.into_iter().map(arrow).collect()
    }

    /// The file at an arrow's end; none if a path names a module that only re-exports: the arrows come from its uses.
    fn end<'a>(&'a self, target: Target<'a>) -> Option<&'a str> {
        match target {
            Target::Item(file) => Some(file),
            Target::Module(module) => {
                let node = self.0.get(module)?;
                (!node.module.is_map()).then_some(node.file.as_str())
            }
        }
    }

    /// Whether a file belongs to a module below the one of the other file.
    fn is_inside(&self, file: &str, other: &str) -> bool {
        let module = self.0.iter().position(|node| node.file == file);
        let mut above = module.and_then(|module| self.0.get(module)?.parent);
        while let Some(node) = above.and_then(|module| self.0.get(module)) {
            if node.file == other {
                return true;
            }
            above = node.parent;
        }
        false
    }

    /// The files of the traits that a glob import of this module brings into scope.
    fn traits(&self, module: usize) -> BTreeSet<&str> {
        let Some(node) = self.0.get(module) else { return BTreeSet::new() };
        let defined = node.module.items.iter().map(|item| item.name.as_str());
        let imported = node.module.imports.iter().filter_map(|import| match &import.binds {
            Binds::Name(name) if import.reexport => Some(name.as_str()),
            _ => None,
        });
        let names: BTreeSet<_> = defined.chain(imported).collect();
        let files = names.into_iter().flat_map(|name| {
            let targets = self.find(module, name, &mut Vec::new()).into_iter();
            targets.filter_map(move |target| match target {
                Target::Item(file) if self.defines_trait(file, name) => Some(file),
                _ => None,
            })
        });
        files.collect()
    }

    fn defines_trait(&self, file: &str, name: &str) -> bool {
        let modules = self.0.iter().filter(|node| node.file == file);
        modules.flat_map(|node| &node.module.items).any(|item| item.is_trait && item.name == name)
    }

    /// The files that define a macro which is seen without a path, by its place in the text, unless `from` is one.
    fn macros(&self, name: &str, from: &str) -> Vec<&str> {
        let defines = |node: &&Node| node.module.items.iter().any(|item| item.name == name);
        let files: Vec<_> = self.0.iter().filter(defines).map(|node| node.file.as_str()).collect();
        if files.contains(&from) { Vec::new() } else { files }
    }

    /// Follows a path from a module. Several targets: a name may be a module, a function and a macro at once.
    fn walk<'a>(
        &'a self,
        module: usize,
        path: &'a [String],
        under_way: &mut UnderWay<'a>,
    ) -> Vec<Target<'a>> {
        let [first, rest @ ..] = path else { return Vec::new() };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(module)],
            "super" => self.parent(module),
            name => self.child(module, name, !rest.is_empty(), under_way),
        };
        for (index, name) in rest.iter().enumerate() {
            let inside = index + 1 < rest.len();
            let next = targets.iter().flat_map(|target| match *target {
                Target::Module(module) if name == "super" => self.parent(module),
                Target::Module(module) => {
                    let found = self.child(module, name, inside, under_way);
                    // A macro of the module makes the item.
                    let made = self.0.get(module).filter(|_| found.is_empty());
                    found.into_iter().chain(made.map(|node| Target::Item(&node.file))).collect()
                }
                // A variant or an associated item.
                Target::Item(_) => vec![*target],
            });
            targets = next.collect();
        }
        targets
    }

    fn parent(&self, module: usize) -> Vec<Target<'_>> {
        self.0.get(module).and_then(|node| node.parent).map(Target::Module).into_iter().collect()
    }

    /// What a segment of a path means in a module. Inside a path, where more segments follow, a child module hides a
    /// function of the same name.
    fn child<'a>(
        &'a self,
        module: usize,
        name: &'a str,
        inside: bool,
        under_way: &mut UnderWay<'a>,
    ) -> Vec<Target<'a>> {
        let child = self.0.get(module).filter(|_| inside).and_then(|node| node.children.get(name));
        child.map_or_else(|| self.find(module, name, under_way), |child| vec![Target::Module(*child)])
    }

    /// What a name means in a module. An import from another crate counts as an item of the importing file.
    fn find<'a>(&'a self, module: usize, name: &'a str, under_way: &mut UnderWay<'a>) -> Vec<Target<'a>> {
        let Some(node) = self.0.get(module).filter(|_| !under_way.contains(&(module, name))) else {
            return Vec::new();
        };
        under_way.push((module, name));
        let mut targets: Vec<_> =
            node.children.get(name).map(|child| Target::Module(*child)).into_iter().collect();
        let mut add = |target| {
            if !targets.contains(&target) {
                targets.push(target);
            }
        };
        if node.module.items.iter().any(|item| item.name == name) {
            add(Target::Item(&node.file));
        }
        for import in &node.module.imports {
            if matches!(&import.binds, Binds::Name(bound) if bound == name) {
                let found = self.walk(module, &import.path, under_way);
                if found.is_empty() {
                    add(Target::Item(&node.file));
                }
                found.into_iter().for_each(&mut add);
            }
        }
        if module == 0 {
            let exported =
                |node: &&Node| node.module.items.iter().any(|item| item.exported_macro && item.name == name);
            self.0.iter().filter(exported).for_each(|node| add(Target::Item(&node.file)));
        }
        if targets.is_empty() {
            let globs = node.module.imports.iter().filter(|import| import.binds == Binds::Everything);
            for glob in globs {
                for target in self.walk(module, &glob.path, under_way) {
                    if let Target::Module(inner) = target {
                        targets.extend(self.find(inner, name, under_way));
                    }
                }
            }
        }
        under_way.pop();
        targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The arrows of a crate as `from → to`.
    fn arrows<const N: usize>(files: [(&str, &str); N]) -> Vec<String> {
        let files = files.map(|(path, text)| (format!("crates/core/src/{path}"), text));
        let tree = Tree::from(files.each_ref().map(|(path, text)| (path.as_str(), *text)));
        let read = CrateFiles::read(&tree, "crates/core/src");
        read.arrows.iter().map(|arrow| format!("{} → {}", arrow.from, arrow.to)).collect()
    }

    const NONE: [&str; 0] = [];

    /// The arrows of `user.rs`, beside a folder that re-exports, a file with items and a root that re-exports.
    fn uses(text: &str) -> Vec<String> {
        arrows([
            ("lib.rs", "mod folder; mod plain; mod user; pub use self::folder::{Deep as Renamed, *};"),
            ("folder/mod.rs", "mod deep; mod way; pub(crate) use self::{deep::{Deep, act, mac}, way::Way};"),
            (
                "folder/deep.rs",
                "pub struct Deep; pub fn act() {} macro_rules! mac { () => {} } pub(crate) use mac;",
            ),
            ("folder/way.rs", "pub trait Way {}"),
            ("plain.rs", "pub enum Plain { A } ids! { Made }"),
            ("user.rs", text),
        ])
    }

    #[test]
    fn every_form_of_a_use_leads_to_the_defining_file() {
        for (text, to) in [
            ("use crate::plain::Plain;", "plain.rs"),
            ("use super::plain::Plain::{self, A};", "plain.rs"),
            ("use crate::plain::Made;", "plain.rs"),
            ("use crate::{folder::{self, Deep}};", "folder/deep.rs"),
            ("use crate::folder::deep::Deep as Other;", "folder/deep.rs"),
            ("use crate::Renamed;", "folder/deep.rs"),
            ("use super::act;", "folder/deep.rs"),
            ("use crate::folder::mac;", "folder/deep.rs"),
            ("use crate::plain;", "plain.rs"),
            ("pub(crate) use crate::plain::Plain;", "plain.rs"),
            ("fn a() { use crate::plain::Plain; }", "plain.rs"),
            ("fn a() { crate::folder::act(); }", "folder/deep.rs"),
            ("use crate::folder; fn a() { folder::act(); }", "folder/deep.rs"),
            ("use crate::folder as f; fn a() { f::deep::act(); }", "folder/deep.rs"),
            ("fn a() { crate::folder::mac!(); }", "folder/deep.rs"),
            ("fn a() { mac!(); }", "folder/deep.rs"),
            ("mod inner { use super::super::plain::Plain; }", "plain.rs"),
        ] {
            assert_eq!(uses(text), [format!("user.rs → {to}")], "{text}");
        }
    }

    #[test]
    fn globs_are_followed_by_name_and_by_trait() {
        assert_eq!(
            uses("use crate::folder::*; fn a(b: Deep) {}"),
            ["user.rs → folder/deep.rs", "user.rs → folder/way.rs"]
        );
        assert_eq!(uses("use crate::plain::Plain::*;"), ["user.rs → plain.rs"]);
        assert_eq!(uses("use crate::*; fn a(b: Renamed) {}"), ["user.rs → folder/deep.rs"]);
    }

    #[test]
    fn other_crates_and_own_items_are_no_arrows() {
        for text in [
            "use std::fmt; fn a() -> fmt::Result {}",
            "use self::own::A; mod own { pub struct A; }",
            "struct A; fn a() -> self::A {} fn b(folder: u8) { folder.plain; }",
            "fn a() { ::plain::b(); }",
            "#[cfg(test)] mod tests { use crate::plain::Plain; }",
        ] {
            assert_eq!(uses(text), NONE, "{text}");
        }
    }

    #[test]
    fn a_re_export_of_a_child_is_no_arrow_but_its_use_is() {
        let child = "use super::own; pub struct Child;";
        let check =
            |parent: &str| arrows([("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/child.rs", child)]);
        let own = "fn own() {}";
        assert_eq!(
            check(&format!("mod child; pub use self::child::Child; {own}")),
            ["a/child.rs → a/mod.rs"]
        );
        let both = ["a/child.rs → a/mod.rs", "a/mod.rs → a/child.rs"];
        assert_eq!(check(&format!("mod child; use self::child::Child; {own}")), both);
        assert_eq!(check(&format!("mod child; pub use self::child::Child; fn b(c: Child) {{}} {own}")), both);
        assert_eq!(check(&format!("mod child; fn b(c: child::Child) {{}} {own}")), both);
    }

    #[test]
    fn files_are_found_in_both_places_and_below_inline_modules() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c { mod d; }"),
            ("a.rs", "mod e;"),
            ("a/e.rs", "use super::super::b::F;"),
            ("b/mod.rs", "pub struct F;"),
            ("c/d.rs", "use crate::b::F;"),
        ];
        assert_eq!(arrows(files), ["a/e.rs → b/mod.rs", "c/d.rs → b/mod.rs"]);
    }

    #[test]
    fn files_that_nothing_declares_are_reported_unless_they_are_tests() {
        let tree = Tree::from([
            ("crates/core/src/lib.rs", "#[cfg(test)] mod kit;"),
            ("crates/core/src/kit/mod.rs", ""),
            ("crates/core/src/kit/inner.rs", ""),
            ("crates/core/src/tests.rs", ""),
            ("crates/core/src/lost.rs", ""),
        ]);
        let read = CrateFiles::read(&tree, "crates/core/src");
        assert_eq!((read.files, read.undeclared), (vec!["lib.rs".to_owned()], vec!["lost.rs".to_owned()]));
    }

    #[test]
    fn a_module_and_a_function_may_share_a_name() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod put; pub(crate) use self::put::{put, Kind}; struct Own;"),
            ("a/put.rs", "pub fn put() {} pub struct Kind;"),
            ("b.rs", "use crate::a::put::Kind;"),
        ];
        assert_eq!(arrows(files), ["b.rs → a/put.rs"]);
    }

    #[test]
    fn a_cycle_of_re_exports_ends() {
        let files =
            [("lib.rs", "mod a; mod b;"), ("a.rs", "pub use crate::b::X;"), ("b.rs", "pub use crate::a::X;")];
        assert_eq!(arrows(files), ["a.rs → b.rs", "b.rs → a.rs"]);
    }

    #[test]
    fn an_arrow_names_its_first_line_and_all_its_items() {
        let tree = Tree::from([
            ("a/lib.rs", "mod b;\nmod c;"),
            ("a/b.rs", "\nuse crate::c::E;\nuse crate::c::D;\nfn f(e: E) -> super::c::D {}"),
            ("a/c.rs", "pub struct D; pub struct E;"),
        ]);
        let paths = ["crate::c::E", "crate::c::D", "super::c::D"].map(str::to_owned).to_vec();
        let arrow = Arrow { from: "b.rs".to_owned(), to: "c.rs".to_owned(), line: 2, paths };
        assert_eq!(CrateFiles::read(&tree, "a").arrows, [arrow]);
    }
}
