//! Pages of lists.

use crate::Result;

/// The requested part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Elements to skip.
    pub offset: usize,
    /// Largest number of elements to return.
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

/// A part of a list, and the length of the whole list, from one state of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Number of elements of the whole list.
    pub total: usize,
    /// The elements of the window.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// Makes a page of the items read through a window. Counting reads the whole list, so `count` is called only if the items
    /// do not show where the list ends.
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
    fn a_list_is_counted_only_if_the_page_does_not_show_its_end() {
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
