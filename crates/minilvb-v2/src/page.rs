//! Requests and replies that the two lists share.

use relive_core::{Seconds, UnixSeconds, Window};
use relive_wire::Object;
use serde::Serialize;

use crate::{
    code::Code,
    config::{Config, IndexMode},
    fields,
    identity::Context,
};

/// Entries of a page if the request asks for 0.
const DEFAULT_COUNT: usize = 10;
/// Most entries of a page. Android always asks for that many.
const MAX_COUNT: usize = 200;

/// Request of a list: `index` and `count` (seed 001 §6, §9).
pub(crate) struct ListRequest {
    index: usize,
    count: usize,
}

impl TryFrom<&Object<'_>> for ListRequest {
    type Error = Code;

    fn try_from(object: &Object<'_>) -> Result<Self, Code> {
        let number = |name| -> Result<usize, Code> {
            usize::try_from(fields::required_integer(object, name)?).map_err(|_| Code::InvalidParameter(name))
        };
        Ok(Self { index: number("index")?, count: number("count")? })
    }
}

impl ListRequest {
    /// The requested part of the list.
    pub(crate) fn window(&self, config: &Config) -> Window {
        let limit = if self.count == 0 { DEFAULT_COUNT } else { self.count.min(MAX_COUNT) };
        let offset = match config.index_mode {
            IndexMode::Offset => self.index,
            IndexMode::Page => self.index.saturating_sub(1).saturating_mul(limit),
        };
        Window { offset, limit }
    }
}

/// The time up to which entries are too old to be listed; `None`: there is no limit.
pub(crate) fn too_old(cx: &Context<'_>) -> Option<UnixSeconds> {
    let window = cx.config.list_window;
    (window > Seconds(0)).then(|| cx.core.now() - window)
}

/// Reply of a list; `total` is the length of the whole list, which later clients read.
#[derive(Debug, Serialize)]
pub(crate) struct ListReply<T> {
    pub(crate) list: Vec<T>,
    pub(crate) total: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(index: usize, count: usize, index_mode: IndexMode) -> (usize, usize) {
        let config = Config { index_mode, ..Config::default() };
        let window = ListRequest { index, count }.window(&config);
        (window.offset, window.limit)
    }

    #[test]
    fn an_index_counts_entries_or_pages() {
        assert_eq!(window(0, 0, IndexMode::Offset), (0, 10));
        assert_eq!(window(7, 1, IndexMode::Offset), (7, 1));
        assert_eq!(window(7, 201, IndexMode::Offset), (7, 200));
        assert_eq!(window(0, 20, IndexMode::Page), (0, 20));
        assert_eq!(window(1, 20, IndexMode::Page), (0, 20));
        assert_eq!(window(3, 20, IndexMode::Page), (40, 20));
        assert_eq!(window(usize::MAX, 20, IndexMode::Page), (usize::MAX, 20));
    }
}
