//! Pages of lists.

/// The requested part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Elements to skip.
    pub offset: usize,
    /// Largest number of elements to return.
    pub limit: usize,
}

/// A part of a list, and the length of the whole list, from one state of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Number of elements of the whole list.
    pub total: usize,
    /// The elements of the window.
    pub items: Vec<T>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { total: 0, items: Vec::new() }
    }
}
