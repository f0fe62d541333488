//! The generated part of a document: what stands between two markers. The rest is written by hand.

/// The markers of a part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part(pub(crate) &'static str);

impl Part {
    fn begin(self) -> String {
        format!("<!-- {}:begin -->", self.0)
    }

    fn end(self) -> String {
        format!("<!-- {}:end -->", self.0)
    }

    /// The text with another content between the markers; `None` where they are missing.
    pub(crate) fn replace(self, text: &str, content: &str) -> Option<String> {
        let (begin, end) = (self.begin(), self.end());
        let (before, rest) = text.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n\n{content}\n{end}{after}"))
    }

    /// What to say of a text without them.
    pub(crate) fn missing(self) -> String {
        format!("lacks the markers {} and {}", self.begin(), self.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_markers_changes() {
        let part = Part("table");
        let text = "# A\n\n<!-- table:begin -->\nold\n<!-- table:end -->\n\nWords.\n";
        let fresh = part.replace(text, "| new |\n").unwrap();
        assert_eq!(fresh, "# A\n\n<!-- table:begin -->\n\n| new |\n\n<!-- table:end -->\n\nWords.\n");
        assert_eq!(part.replace(&fresh, "| new |\n").unwrap(), fresh);
        assert_eq!(part.replace("# A\n", "| new |\n"), None);
    }
}
