//! Reads one Rust file: what each of its modules declares, imports, defines and mentions, test code left out.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    File, Item, ItemUse, UseTree, Visibility,
    punctuated::Punctuated,
    spanned::Spanned as _,
    visit_mut::{self, VisitMut},
};

use super::mention::{Mention, add_mentions};

/// A module: the one of a file, or one written in braces inside a file.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub(super) name: String,
    /// Modules in braces.
    pub(super) inline: Vec<Self>,
    /// Children that have a file of their own.
    pub(super) declared: Vec<Declared>,
    pub(super) imports: Vec<Import>,
    pub(super) items: Vec<Definition>,
    pub(super) mentions: Vec<Mention>,
    /// Every type and trait, those inside functions included, with its line.
    pub(super) types: Vec<(String, usize)>,
}

impl Module {
    /// Whether the module holds nothing but `mod` and `use` lines.
    pub(super) fn is_map(&self) -> bool {
        self.items.is_empty() && self.mentions.is_empty()
    }
}

/// `mod name;`
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) test_only: bool,
}

/// A named item.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    /// A glob import of a trait brings its methods into scope without a mention of its name.
    pub(super) is_trait: bool,
    /// `#[macro_export]`: the name also stands at the root of the crate.
    pub(super) exported_macro: bool,
}

/// One leaf of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Import {
    /// Without a last `self`; a path into another crate may begin with an empty segment.
    pub(super) path: Vec<String>,
    pub(super) binds: Binds,
    /// `pub use`, `pub(crate) use` and so on.
    pub(super) reexport: bool,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The names that an import brings into scope.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Binds {
    /// One name, the new one of a renaming.
    Name(String),
    /// `as _`
    Nothing,
    /// `*`
    Everything,
}

/// The module of a file; `None` if the text is not Rust. A file under `#![cfg(test)]` is empty.
pub(super) fn read(text: &str) -> Option<Module> {
    let file: File = syn::parse_file(text).ok()?;
    let test_only = file.attrs.iter().any(|attribute| is_test(&attribute.meta.to_token_stream()));
    Some(if test_only { Module::default() } else { module(String::new(), file.items) })
}

fn module(name: String, items: Vec<Item>) -> Module {
    let mut module = Module { name, ..Module::default() };
    for mut item in items {
        let test_only = is_test_only(&item);
        match item {
            Item::Mod(child) => match child.content {
                None => module.declared.push(Declared { name: plain(&child.ident), test_only }),
                Some((_, items)) if !test_only => {
                    module.inline.push(self::module(plain(&child.ident), items));
                }
                Some(_) => {}
            },
            _ if test_only => {}
            Item::Use(import) => module.imports.extend(imports(&import)),
            _ => {
                let mut cleaner = Cleaner::default();
                cleaner.visit_item_mut(&mut item);
                module.types.extend(cleaner.types);
                module.items.extend(definition(&item));
                add_mentions(item.to_token_stream(), &mut module);
            }
        }
    }
    module
}

fn definition(item: &Item) -> Option<Definition> {
    let (name, is_trait) = match item {
        Item::Const(item) => (&item.ident, false),
        Item::Enum(item) => (&item.ident, false),
        Item::Fn(item) => (&item.sig.ident, false),
        Item::Macro(item) => (item.ident.as_ref()?, false),
        Item::Static(item) => (&item.ident, false),
        Item::Struct(item) => (&item.ident, false),
        Item::Trait(item) => (&item.ident, true),
        Item::TraitAlias(item) => (&item.ident, true),
        Item::Type(item) => (&item.ident, false),
        Item::Union(item) => (&item.ident, false),
        _ => return None,
    };
    let exported_macro = matches!(item, Item::Macro(item)
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")));
    Some(Definition { name: plain(name), is_trait, exported_macro })
}

/// Every leaf of a `use`.
pub(super) fn imports(item: &ItemUse) -> Vec<Import> {
    let mut leaves = Vec::new();
    let mut prefix = Vec::new();
    if item.leading_colon.is_some() {
        prefix.push(String::new());
    }
    add_leaves(&item.tree, &mut prefix, &mut leaves);
    let reexport = !matches!(item.vis, Visibility::Inherited);
    let import = |(path, binds, line)| Import { path, binds, reexport, line };
    leaves.into_iter().map(import).collect()
}

fn add_leaves(tree: &UseTree, prefix: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, Binds, usize)>) {
    let line = tree.span().start().line;
    let depth = prefix.len();
    match tree {
        UseTree::Path(path) => {
            prefix.push(plain(&path.ident));
            add_leaves(&path.tree, prefix, leaves);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                add_leaves(tree, prefix, leaves);
            }
        }
        UseTree::Glob(_) => leaves.push((prefix.clone(), Binds::Everything, line)),
        UseTree::Name(name) => {
            prefix.push(plain(&name.ident));
            drop_last_self(prefix);
            let binds = prefix.last().map_or(Binds::Nothing, |name| Binds::Name(name.clone()));
            leaves.push((prefix.clone(), binds, line));
        }
        UseTree::Rename(rename) => {
            prefix.push(plain(&rename.ident));
            drop_last_self(prefix);
            let name = plain(&rename.rename);
            let binds = if name == "_" { Binds::Nothing } else { Binds::Name(name) };
            leaves.push((prefix.clone(), binds, line));
        }
    }
    prefix.truncate(depth);
}

/// `a::{self}` is `a`.
fn drop_last_self(path: &mut Vec<String>) {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
}

/// A name without the `r#` of a raw one.
fn plain(name: &proc_macro2::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or_else(|| name.clone(), str::to_owned)
}

/// Whether one of the attributes in front of this piece of syntax makes it test code.
fn is_test_only(node: &impl ToTokens) -> bool {
    let mut trees = node.to_token_stream().into_iter();
    while let (Some(TokenTree::Punct(hash)), Some(TokenTree::Group(attribute))) = (trees.next(), trees.next())
    {
        if hash.as_char() != '#' {
            return false;
        }
        if is_test(&attribute.stream()) {
            return true;
        }
    }
    false
}

fn is_test(attribute: &TokenStream) -> bool {
    let text: String = attribute.to_string().split_whitespace().collect();
    text == "cfg(test)" || text.starts_with("cfg(all(test,") || text == "test"
}

/// Removes test code from the inside of an item, and notes the types and traits defined there.
#[derive(Debug, Default)]
struct Cleaner {
    types: Vec<(String, usize)>,
}

fn clean<T: ToTokens, P: Default>(list: &mut Punctuated<T, P>) {
    let pairs = std::mem::take(list).into_pairs();
    *list = pairs.filter(|pair| !is_test_only(pair.value())).collect();
}

impl VisitMut for Cleaner {
    fn visit_item_mut(&mut self, item: &mut Item) {
        let name = match item {
            Item::Enum(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Union(item) => Some(&item.ident),
            _ => None,
        };
        self.types.extend(name.map(|name| (plain(name), name.span().start().line)));
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|item| !is_test_only(item));
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_item_trait_mut(&mut self, item: &mut syn::ItemTrait) {
        item.items.retain(|item| !is_test_only(item));
        visit_mut::visit_item_trait_mut(self, item);
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        clean(&mut item.variants);
        visit_mut::visit_item_enum_mut(self, item);
    }

    fn visit_fields_named_mut(&mut self, fields: &mut syn::FieldsNamed) {
        clean(&mut fields.named);
        visit_mut::visit_fields_named_mut(self, fields);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.retain(|statement| !is_test_only(statement));
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_expr_match_mut(&mut self, expression: &mut syn::ExprMatch) {
        expression.arms.retain(|arm| !is_test_only(arm));
        visit_mut::visit_expr_match_mut(self, expression);
    }

    fn visit_expr_struct_mut(&mut self, expression: &mut syn::ExprStruct) {
        clean(&mut expression.fields);
        visit_mut::visit_expr_struct_mut(self, expression);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(text: &str) -> Vec<(String, Binds)> {
        let module = read(text).unwrap();
        module.imports.into_iter().map(|import| (import.path.join("::"), import.binds)).collect()
    }

    #[test]
    fn every_leaf_of_a_use_is_read() {
        let name = |name: &str| Binds::Name(name.to_owned());
        let text = "use crate::{a::{self, B as C, d::*}, r#type::E};\nuse {super::super::f, self::g as _};\nuse ::h::I;";
        let expected = [
            ("crate::a", name("a")),
            ("crate::a::B", name("C")),
            ("crate::a::d", Binds::Everything),
            ("crate::type::E", name("E")),
            ("super::super::f", name("f")),
            ("self::g", Binds::Nothing),
            ("::h::I", name("I")),
        ];
        assert_eq!(leaves(text), expected.map(|(path, binds)| (path.to_owned(), binds)));
    }

    #[test]
    fn re_exports_of_any_width_are_known_and_lines_kept() {
        let module =
            read("use a::B;\npub use a::C;\npub(crate) use a::D;\npub(super) use {\n a::E,\n};").unwrap();
        let found: Vec<_> = module.imports.iter().map(|import| (import.reexport, import.line)).collect();
        assert_eq!(found, [(false, 1), (true, 2), (true, 3), (true, 5)]);
    }

    #[test]
    fn test_code_is_left_out_at_every_depth() {
        let text = "
            #[cfg(test)] use crate::gone::A;
            #[cfg(test)] mod inline { fn a() { crate::gone::a(); } }
            #[cfg(all(test, unix))] fn b() { crate::gone::b(); }
            struct Kept { #[cfg(test)] a: crate::gone::C, b: crate::kept::A }
            enum Either { #[cfg(test)] A(crate::gone::D), B(crate::kept::B) }
            impl Kept { #[cfg(test)] fn a() { crate::gone::c(); } fn b() { crate::kept::c(); } }
            trait Able { #[cfg(test)] fn a(a: crate::gone::E); fn b(b: crate::kept::D); }
            fn c() {
                #[cfg(test)] crate::gone::d();
                match x { #[cfg(test)] crate::gone::F => {} _ => crate::kept::e() }
                let kept = Kept { #[cfg(test)] a: crate::gone::f(), b: crate::kept::f() };
            }";
        let module = read(text).unwrap();
        let paths = module.mentions.iter().map(|mention| mention.path.join("::"));
        let paths: Vec<_> = paths.filter(|path| path.contains("::")).collect();
        let expected = ["A", "B", "c", "D", "e", "f"].map(|name| format!("crate::kept::{name}"));
        assert_eq!(paths, expected);
        assert!(module.imports.is_empty() && module.inline.is_empty());
        assert!(read("#![cfg(test)]\nuse crate::a::B;").unwrap().imports.is_empty());
    }

    #[test]
    fn declared_modules_say_whether_they_are_tests() {
        let module = read("mod a;\n#[cfg(test)]\nmod b;\nmod c { mod d; }").unwrap();
        let declared: Vec<_> =
            module.declared.iter().map(|child| (child.name.as_str(), child.test_only)).collect();
        assert_eq!(declared, [("a", false), ("b", true)]);
        assert_eq!(module.inline[0].declared[0].name, "d");
    }

    #[test]
    fn types_inside_functions_are_noted() {
        let module =
            read("struct A;\nfn b() {\n enum C {}\n}\nimpl D { type E = u8; }\ntype F = u8;").unwrap();
        let expected = [("A", 1), ("C", 3), ("F", 6)].map(|(name, line)| (name.to_owned(), line));
        assert_eq!(module.types, expected);
    }

    #[test]
    fn a_map_holds_modules_and_imports_alone() {
        assert!(read("//! Docs.\nmod a;\npub use self::a::B;").unwrap().is_map());
        assert!(!read("mod a;\nfn b() {}").unwrap().is_map());
        assert!(!read("mod a;\nids! { A }").unwrap().is_map());
    }
}
