//! Windows onto lists.

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

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { total: 0, items: Vec::new() }
    }
}
