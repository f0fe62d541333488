//! Cursors, which record how far a session has read a list, and the order of the live list.

use super::id::{AccountId, BroadcastId};
use crate::UnixSeconds;

/// A position in the live list: newest start first; of equal starts the later opened first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListPosition {
    newest_first: (std::cmp::Reverse<UnixSeconds>, std::cmp::Reverse<i64>),
    pub(crate) host: AccountId,
}

impl ListPosition {
    pub(crate) fn new(started_at: UnixSeconds, id: BroadcastId, host: AccountId) -> Self {
        Self { newest_first: (std::cmp::Reverse(started_at), std::cmp::Reverse(id.0)), host }
    }
}

impl ListPosition {
    /// `started.id.host`.
    pub(crate) fn to_text(self) -> String {
        format!("{}.{}.{}", self.newest_first.0.0, self.newest_first.1.0, self.host)
    }

    /// From the three parts of [`ListPosition::to_text`].
    pub(crate) fn from_parts(
        started_at: Option<UnixSeconds>,
        id: Option<BroadcastId>,
        host: Option<AccountId>,
    ) -> Option<Self> {
        Some(Self::new(started_at?, id?, host?))
    }
}

/// How far a session has read one of its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cursor {
    /// The last broadcast on air that was read.
    pub(crate) on_air: Option<ListPosition>,
    /// The owner of the last room off air that was read.
    pub(crate) off_air: Option<AccountId>,
}

/// `all;followed`, each `started.id.host.owner` with empty parts where nothing was read.
pub(crate) fn format_cursors(cursors: [Cursor; 2]) -> String {
    if cursors == [Cursor::default(); 2] {
        return String::new();
    }
    cursors
        .map(|cursor| {
            let position = cursor.on_air.map_or_else(|| "..".to_owned(), ListPosition::to_text);
            format!("{position}.{}", cursor.off_air.map_or_else(String::new, |owner| owner.to_string()))
        })
        .join(";")
}

pub(crate) fn parse_cursors(text: &str) -> [Cursor; 2] {
    let cursor = |part: Option<&str>| {
        let mut numbers = part.unwrap_or_default().split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let (started, id, host) = (next().map(UnixSeconds), next().map(BroadcastId), next().map(AccountId));
        Cursor { on_air: ListPosition::from_parts(started, id, host), off_air: next().map(AccountId) }
    };
    let mut parts = text.split(';');
    [cursor(parts.next()), cursor(parts.next())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BroadcastId;

    #[test]
    fn parsing_formatted_cursors_returns_the_cursors() {
        let cursors = [
            Cursor {
                on_air: Some(ListPosition::new(UnixSeconds(1_700_000_000), BroadcastId(7), AccountId(3))),
                off_air: None,
            },
            Cursor { on_air: None, off_air: Some(AccountId(12)) },
        ];
        assert_eq!(parse_cursors(&format_cursors(cursors)), cursors);
        assert_eq!(parse_cursors(""), [Cursor::default(); 2]);
        assert_eq!(parse_cursors("x.y;;;."), [Cursor::default(); 2]);
    }
}
