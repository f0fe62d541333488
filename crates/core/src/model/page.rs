//! Windows onto lists.

use crate::Result;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Elements to skip.
    pub offset: usize,
    /// Elements to return at most.
    pub limit: usize,
}

impl Window {
    pub(crate) fn sql_limit(self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX)
    }

    pub(crate) fn sql_offset(self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }
}

/// A part of a list, and how long the whole is; both from one state of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Elements of the whole list.
    pub total: usize,
    /// The elements of the window.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// What was read through a window. Counting reads the whole list, so `count` is asked only if the window does not
    /// show the list's end anyway.
    pub(crate) fn read(window: Window, items: Vec<T>, count: impl FnOnce() -> Result<i64>) -> Result<Self> {
        let shows_end = items.len() < window.limit && (window.offset == 0 || !items.is_empty());
        let total = if shows_end {
            window.offset.saturating_add(items.len())
        } else {
            usize::try_from(count()?).unwrap_or(0)
        };
        Ok(Self { total, items })
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { total: 0, items: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_counted_only_where_its_end_is_not_seen() {
        let total = |offset, limit, items: usize| {
            let page = Page::read(Window { offset, limit }, vec![(); items], || Ok(99)).unwrap();
            page.total
        };
        assert_eq!(total(0, 10, 0), 0);
        assert_eq!(total(0, 10, 9), 9);
        assert_eq!(total(20, 10, 1), 21);
        assert_eq!(total(0, 10, 10), 99, "there may be more");
        assert_eq!(total(20, 10, 0), 99, "the end may be far before");
        assert_eq!(total(0, 0, 0), 99);
    }
}
