//! Splits Rust source into a flat list of tokens without comments. Each token has its line and whether it is in a test.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

/// Kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a name.
    Word,
    /// A number, string, byte string or character, as written.
    Literal,
    /// A punctuation character or one half of a pair of brackets.
    Mark,
}

/// One token.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The token as written; a string has its quotes.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Whether the token is inside an item under `#[cfg(test)]`.
    pub(crate) test_only: bool,
}

/// The tokens of a file, without comments and doc comments.
#[derive(Debug)]
pub(crate) struct Tokens(Vec<Token>);

impl Tokens {
    /// The tokens of a text; `None` if the text is not Rust.
    pub(crate) fn of(text: &str) -> Option<Self> {
        TokenStream::from_str(text).ok().map(Self::from)
    }

    /// All tokens in order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Token> {
        self.0.iter()
    }

    /// The first token of every sequence of tokens with these texts.
    pub(crate) fn find<'a>(&'a self, texts: &'a [&str]) -> impl Iterator<Item = &'a Token> {
        self.0.windows(texts.len()).filter_map(move |window| {
            let equal = window.iter().zip(texts).all(|(token, text)| token.text == *text);
            if equal { window.first() } else { None }
        })
    }

    fn add_stream(&mut self, stream: TokenStream, test_only: bool) {
        let mut trees = stream.into_iter().peekable();
        // Set by `#[cfg(test)]`, and cleared at the end of the item that follows: at its `;` or its last `}`.
        let mut test_item = false;
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Punct(hash) if hash.as_char() == '#' => {
                    let inner = matches!(trees.peek(), Some(TokenTree::Punct(bang)) if bang.as_char() == '!');
                    let bang = if inner { trees.next() } else { None };
                    match trees.next_if(|tree| matches!(tree, TokenTree::Group(_))) {
                        Some(TokenTree::Group(attribute)) if is_doc(&attribute) => {}
                        Some(TokenTree::Group(attribute)) => {
                            test_item |= compact(&attribute) == "cfg(test)";
                            self.add(Kind::Mark, "#".to_owned(), hash.span(), test_only);
                            if let Some(bang) = bang {
                                self.add(Kind::Mark, "!".to_owned(), bang.span(), test_only);
                            }
                            self.add_group(&attribute, test_only);
                        }
                        _ => self.add(Kind::Mark, "#".to_owned(), hash.span(), test_only),
                    }
                }
                TokenTree::Group(group) => {
                    self.add_group(&group, test_only || test_item);
                    test_item &= group.delimiter() != Delimiter::Brace;
                }
                TokenTree::Punct(mark) => {
                    self.add(Kind::Mark, mark.as_char().to_string(), mark.span(), test_only || test_item);
                    test_item &= mark.as_char() != ';';
                }
                TokenTree::Ident(word) => {
                    self.add(Kind::Word, word.to_string(), word.span(), test_only || test_item);
                }
                TokenTree::Literal(literal) => {
                    self.add(Kind::Literal, literal.to_string(), literal.span(), test_only || test_item);
                }
            }
        }
    }

    fn add_group(&mut self, group: &Group, test_only: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.add(Kind::Mark, open.to_owned(), group.span_open(), test_only);
        self.add_stream(group.stream(), test_only);
        self.add(Kind::Mark, close.to_owned(), group.span_close(), test_only);
    }

    fn add(&mut self, kind: Kind, text: String, span: Span, test_only: bool) {
        self.0.push(Token { kind, text, line: span.start().line, test_only });
    }
}

impl From<TokenStream> for Tokens {
    fn from(stream: TokenStream) -> Self {
        let mut tokens = Self(Vec::new());
        tokens.add_stream(stream, false);
        tokens
    }
}

/// Whether the whole file is test code, by its path.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path == "tests.rs"
}

fn is_doc(attribute: &Group) -> bool {
    matches!(attribute.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

fn compact(group: &Group) -> String {
    group.stream().to_string().split_whitespace().collect()
}

/// The content of a string literal without escapes; `None` for every other literal.
pub(crate) fn plain_string(literal: &str) -> Option<&str> {
    let content = literal.strip_prefix('"')?.strip_suffix('"')?;
    (!content.contains('\\')).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_lines_kept() {
        let tokens = Tokens::of("//! a\n/// b\nfn c() { /* d */ \"e // f\"; }\n// g\n").unwrap();
        let texts: Vec<_> = tokens.iter().map(|token| (token.text.as_str(), token.line)).collect();
        let line = |text| (text, 3);
        assert_eq!(texts, ["fn", "c", "(", ")", "{", "\"e // f\"", ";", "}"].map(line));
    }

    #[test]
    fn test_items_are_marked_to_their_end() {
        let source = "fn a() {}\n#[cfg(test)]\nmod b { fn c() {} }\n#[cfg(test)]\nuse d;\nfn e() {}";
        let tokens = Tokens::of(source).unwrap();
        let test = |text: &str| tokens.iter().find(|token| token.text == text).unwrap().test_only;
        assert!(test("b") && test("c") && test("d"));
        assert!(!test("a") && !test("e"));
    }

    #[test]
    fn sequences_are_found_where_they_start() {
        let tokens = Tokens::of("a::b;\n\na::c; a :: b").unwrap();
        let lines: Vec<_> = tokens.find(&["a", ":", ":", "b"]).map(|token| token.line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn text_that_is_not_rust_has_no_tokens() {
        assert!(Tokens::of("fn a( {").is_none());
    }

    #[test]
    fn only_unescaped_strings_are_plain() {
        assert_eq!(plain_string("\"live/create\""), Some("live/create"));
        assert_eq!(plain_string("\"a\\n\""), None);
        assert_eq!(plain_string("7"), None);
    }
}
