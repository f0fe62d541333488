//! The generated part of a document, between two markers. The rest is written by hand.

/// A generated part, by the name in its markers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part(pub(crate) &'static str);

impl Part {
    fn begin(self) -> String {
        format!("<!-- {}:begin -->", self.0)
    }

    fn end(self) -> String {
        format!("<!-- {}:end -->", self.0)
    }

    /// Replaces the text between the markers; `None` if the text has no markers.
    pub(crate) fn replace(self, text: &str, content: &str) -> Option<String> {
        let (begin, end) = (self.begin(), self.end());
        let (before, rest) = text.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n\n{content}\n{end}{after}"))
    }

    /// Describes the problem of a text without markers.
    pub(crate) fn missing(self) -> String {
        format!("lacks the markers {} and {}", self.begin(), self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_markers_changes() {
        let part = Part("table");
        let text = "# A\n\n<!-- table:begin -->\nold\n<!-- table:end -->\n\nWords.\n";
        let fresh = part.replace(text, "| new |\n").unwrap();
        assert_eq!(fresh, "# A\n\n<!-- table:begin -->\n\n| new |\n\n<!-- table:end -->\n\nWords.\n");
        assert_eq!(part.replace(&fresh, "| new |\n").unwrap(), fresh);
        assert_eq!(part.replace("# A\n", "| new |\n"), None);
    }
}
