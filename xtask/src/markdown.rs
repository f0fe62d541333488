//! Finds the headings and the links of a Markdown file.

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};

/// A link or an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The target as written, without the title.
    pub(crate) target: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// Every link and image of the text.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let events = Parser::new(text).into_offset_iter();
    let links = events.filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            let before = text.get(..range.start).unwrap_or_default();
            Some(Link { target: dest_url.into_string(), line: before.matches('\n').count() + 1 })
        }
        _ => None,
    });
    links.collect()
}

/// The text of every second-level heading.
pub(crate) fn sections(text: &str) -> Vec<String> {
    let (mut sections, mut open) = (Vec::new(), None);
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H2, .. }) => open = Some(String::new()),
            Event::End(TagEnd::Heading(HeadingLevel::H2)) => sections.extend(open.take()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut open {
                    heading.push_str(&part);
                }
            }
            _ => {}
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "# A\n\n[b](c.md#d) ![e](f.png)\n\n```\n[g](h)\n```\n\n`[i](j)` [k][l]\n\n[l]: m.md\n";
        let found: Vec<_> = links(text).into_iter().map(|link| (link.target, link.line)).collect();
        assert_eq!(found, [("c.md#d".into(), 3), ("f.png".into(), 3), ("m.md".into(), 9)]);
    }

    #[test]
    fn sections_are_the_second_level() {
        assert_eq!(sections("# A\n## Context\ntext\n## `B` c\n### D\n"), ["Context", "B c"]);
    }
}
