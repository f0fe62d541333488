//! Finds every path that code mentions: in types, expressions, patterns, attributes and the arguments of macros.

use proc_macro2::TokenStream;

use super::source::{Definition, Module, imports};
use crate::rust::{Kind, Token, Tokens, plain_string};

/// A path, or a single name, outside a `use`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    /// `path!(…)`
    pub(super) is_macro_call: bool,
    /// Counted from 1.
    pub(super) line: usize,
}

/// Keywords after which a name is defined, not mentioned.
const DEFINING: &[&str] = &["mod", "fn", "struct", "enum", "trait", "type", "union"];

/// Adds the mentions of an item, and the imports and macros inside its functions, to its module.
pub(super) fn add_mentions(item: TokenStream, module: &mut Module) {
    let tokens = Tokens::from(item);
    let tokens: Vec<_> = tokens.iter().collect();
    Reader { module, before: ["", ""], braces: Vec::new() }.read(&tokens);
}

/// Reads the tokens of an item in order.
struct Reader<'a, 'b> {
    module: &'b mut Module,
    /// The last two tokens.
    before: [&'a str; 2],
    /// For each open brace, whether it is that of a module, as macros and functions may hold them.
    braces: Vec<bool>,
}

impl<'a> Reader<'a, '_> {
    fn read(&mut self, tokens: &[&'a Token]) {
        let mut rest = tokens;
        // The next brace opens a module.
        let mut opens_module = false;
        while let [token, after @ ..] = rest {
            let used = self.read_one(token, after);
            let (read, unread) = rest.split_at_checked(used).unwrap_or((rest, &[]));
            for token in read {
                match token.text.as_str() {
                    "mod" => opens_module = true,
                    ";" => opens_module = false,
                    "{" => self.braces.push(std::mem::take(&mut opens_module)),
                    "}" => drop(self.braces.pop()),
                    _ => {}
                }
                self.before = [self.before[1], &token.text];
            }
            rest = unread;
        }
    }

    /// Reads what begins with `token`; returns the number of tokens read, at least one.
    fn read_one(&mut self, token: &Token, after: &[&Token]) -> usize {
        let text = |index: usize| after.get(index).map_or("", |token| token.text.as_str());
        match (token.kind, token.text.as_str()) {
            (Kind::Mark, _) => 1,
            (Kind::Literal, text) => {
                // `#[serde(with = "crate::seconds")]`
                if let Some(path) = plain_string(text).filter(|path| is_path(path)) {
                    let path = path.split("::").map(str::to_owned).collect();
                    self.add(path, false, token.line);
                }
                1
            }
            (_, "use") if text(0) != "<" => self.read_use(after, token.line).unwrap_or(1),
            (_, "pub") if text(0) == "(" && text(1) == "in" => {
                let end = after.iter().position(|token| token.text == ")");
                end.map_or(1, |end| end + 2)
            }
            (_, "macro_rules") if text(0) == "!" => {
                let name = text(1).to_owned();
                self.module.items.push(Definition { name, is_trait: false, exported_macro: false });
                3
            }
            (Kind::Word, _) => self.read_path(token, after),
        }
    }

    fn read_path(&mut self, token: &Token, after: &[&Token]) -> usize {
        let before = self.before;
        let field = before[1] == "." && before[0] != ".";
        let metavariable = before[1] == "$" && token.text != "crate";
        // `::std::fmt` or what follows the `>` of `<A as B>::c`.
        let continued = before == [":", ":"];
        if field || metavariable || continued || before[1] == "'" {
            return 1;
        }
        let mut path = vec![name(token)];
        let mut used = 1;
        while let Some([first, second, next]) = after.get(used - 1..used + 2)
            && first.text == ":"
            && second.text == ":"
            && next.kind == Kind::Word
        {
            path.push(name(next));
            used += 3;
        }
        let text = |index: usize| after.get(index).map_or("", |token| token.text.as_str());
        let (next, second) = (text(used - 1), text(used));
        if let [single] = path.as_slice() {
            // `field: value` and `parameter: Type`, but `Type: Bound`.
            let lower = single.starts_with(|letter: char| letter.is_lowercase());
            let named = next == ":" && second != ":" && lower;
            let keyword = ["crate", "self", "super", "Self"].contains(&single.as_str());
            if named || keyword || DEFINING.contains(&before[1]) {
                return used;
            }
        }
        let is_macro_call = next == "!" && ["(", "[", "{"].contains(&second);
        self.add(path, is_macro_call, token.line);
        used
    }

    /// Reads a `use` inside a function or a macro. Returns the number of tokens from `use` to `;`, or `None` if those
    /// are no import.
    fn read_use(&mut self, after: &[&Token], line: usize) -> Option<usize> {
        let end = after.iter().position(|token| token.text == ";")?;
        let texts: Vec<_> = after.get(..end)?.iter().map(|token| token.text.as_str()).collect();
        // A macro's variable is taken for a name, `$crate` for `crate`.
        let text = format!("use {};", texts.join(" ")).replace("$ ", "").replace(": :", "::");
        let item = syn::parse_str(&text).ok()?;
        for mut import in imports(&item) {
            import.line = line;
            import.path = self.outside(import.path);
            self.module.imports.push(import);
        }
        Some(end + 2)
    }

    fn add(&mut self, path: Vec<String>, is_macro_call: bool, line: usize) {
        let path = self.outside(path);
        self.module.mentions.push(Mention { path, is_macro_call, line });
    }

    /// A path as the file's module sees it: each open module takes one `super` away.
    fn outside(&self, mut path: Vec<String>) -> Vec<String> {
        let open = self.braces.iter().filter(|module| **module).count();
        let own = path.iter().take(open).take_while(|name| *name == "super").count();
        if own > 0 {
            path.splice(..own, ["self".to_owned()]);
        }
        path
    }
}

fn name(token: &Token) -> String {
    token.text.strip_prefix("r#").unwrap_or(&token.text).to_owned()
}

fn is_path(text: &str) -> bool {
    let inside = ["crate::", "self::", "super::"].iter().any(|start| text.starts_with(start));
    inside && text.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':')
}

#[cfg(test)]
mod tests {
    use crate::imports::source;

    /// Every mentioned path of two and more segments.
    fn paths(text: &str) -> Vec<String> {
        let module = source::read(text).unwrap();
        let paths = module.mentions.iter().map(|mention| mention.path.join("::"));
        paths.filter(|path| path.contains("::")).collect()
    }

    #[test]
    fn paths_are_found_wherever_code_can_hold_them() {
        for (text, expected) in [
            ("fn a(b: &'static crate::c::D) {}", "crate::c::D"),
            ("fn a(b: *const super::c::D) {}", "super::c::D"),
            ("fn a() -> Vec<crate::b::C<u8>> {}", "crate::b::C"),
            ("fn a() { let crate::b::C::D = e else { return }; }", "crate::b::C::D"),
            ("fn a() { for b in 0..super::c() {} }", "super::c"),
            ("fn a() { b.c::<crate::d::E>(); }", "crate::d::E"),
            ("impl crate::a::B for C {}", "crate::a::B"),
            ("fn a() { <C as crate::a::B>::d(); }", "crate::a::B"),
            ("fn a() { debug!(\"{}\", crate::b::C); }", "crate::b::C"),
            ("macro_rules! a { () => { $crate::b::C } }", "crate::b::C"),
            ("#[diesel(table_name = crate::a::b)] struct C;", "crate::a::b"),
            ("#[serde(with = \"crate::a::b\")] struct C;", "crate::a::b"),
            ("interfaces! { A: \"a\" => room::list::<7>, \"seed\"; }", "room::list"),
            ("type A = r#type::B;", "type::B"),
            ("fn a() where crate::b::C: Sized {}", "crate::b::C"),
        ] {
            assert_eq!(paths(text), [expected], "{text}");
        }
    }

    #[test]
    fn other_crates_and_associated_items_are_no_paths_of_this_crate() {
        assert_eq!(paths("fn a() { ::std::mem::drop(b); }"), <[String; 0]>::default());
        assert_eq!(paths("fn a() -> <B as C>::D {}"), <[String; 0]>::default());
        assert_eq!(paths("pub(in crate::a) fn b() {}"), <[String; 0]>::default());
        assert_eq!(paths("macro_rules! a { ($b:ident) => { $b::c() } }"), <[String; 0]>::default());
    }

    #[test]
    fn modules_inside_functions_and_macros_take_a_super_away() {
        let text = "macro_rules! a { () => { mod $b { use super::*; use super::super::c::D; fn e() { super::f(); } } } }\n\
                    fn g() { super::h(); }";
        let module = source::read(text).unwrap();
        let imports: Vec<_> = module.imports.iter().map(|import| import.path.join("::")).collect();
        assert_eq!(imports, ["self", "self::super::c::D"]);
        assert_eq!(paths(text), ["self::f", "super::h"]);
    }

    #[test]
    fn single_names_are_mentions_unless_they_name_a_field_or_define() {
        let module = source::read("fn a(b: C) { d.e; f(); g!(); let h = I { j: k, l }; }").unwrap();
        let names: Vec<_> = module.mentions.iter().map(|mention| mention.path.join("")).collect();
        for absent in ["a", "b", "e", "j"] {
            assert!(!names.contains(&absent.to_owned()), "{absent}");
        }
        for present in ["C", "d", "f", "g", "I", "k", "l"] {
            assert!(names.contains(&present.to_owned()), "{present}");
        }
        let calls: Vec<_> = module.mentions.iter().filter(|mention| mention.is_macro_call).collect();
        assert_eq!(calls.len(), 1);
    }

    #[test]
    fn imports_inside_functions_and_macros_are_imports() {
        let text = "fn a() {\n use crate::{b, c::D as E};\n}\nmacro_rules! f { () => { use $crate::g::H; } }\n\
                    macro_rules! i { () => { use crate::{j, $k}; } }\nfn l() -> impl M + use<> {}";
        let module = source::read(text).unwrap();
        let found: Vec<_> =
            module.imports.iter().map(|import| (import.path.join("::"), import.line)).collect();
        let expected =
            [("crate::b", 2), ("crate::c::D", 2), ("crate::g::H", 4), ("crate::j", 5), ("crate::k", 5)];
        assert_eq!(found, expected.map(|(path, line)| (path.to_owned(), line)));
    }
}
