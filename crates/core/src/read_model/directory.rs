//! The positions of all broadcasts on air, in list order, for each filter.

use std::collections::HashMap;

use super::ranked::{Ranked, merged_from};
use crate::{OnAirFilter, Window, model::cursor::ListPosition};

#[derive(Debug, Default)]
struct ByKind {
    all: Ranked<ListPosition>,
    live: Ranked<ListPosition>,
}

impl ByKind {
    fn of(&self, filter: OnAirFilter) -> &Ranked<ListPosition> {
        if filter.live_kind { &self.live } else { &self.all }
    }

    fn insert(&mut self, position: ListPosition, live: bool) {
        self.all.insert(position);
        if live {
            self.live.insert(position);
        }
    }

    fn remove(&mut self, position: &ListPosition) {
        self.all.remove(position);
        self.live.remove(position);
    }
}

/// The positions of all broadcasts on air, for each filter.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    every: ByKind,
    by_app: HashMap<i64, ByKind>,
    no_app: ByKind,
}

impl Directory {
    pub(crate) fn insert(&mut self, position: ListPosition, app: Option<i64>, live_kind: bool) {
        self.every.insert(position, live_kind);
        match app {
            Some(app) => self.by_app.entry(app).or_default().insert(position, live_kind),
            None => self.no_app.insert(position, live_kind),
        }
    }

    pub(crate) fn remove(&mut self, position: &ListPosition, app: Option<i64>) {
        self.every.remove(position);
        match app {
            Some(app) => {
                if let Some(kinds) = self.by_app.get_mut(&app) {
                    kinds.remove(position);
                    if kinds.all.is_empty() {
                        self.by_app.remove(&app);
                    }
                }
            }
            None => self.no_app.remove(position),
        }
    }

    pub(crate) fn total(&self, filter: OnAirFilter) -> usize {
        match filter.app {
            None => self.every.of(filter).len(),
            Some(app) => {
                self.no_app.of(filter).len() + self.by_app.get(&app).map_or(0, |kinds| kinds.of(filter).len())
            }
        }
    }

    pub(crate) fn page(&self, filter: OnAirFilter, window: Window) -> Vec<ListPosition> {
        let Window { offset, limit } = window;
        match filter.app {
            None => self.every.of(filter).from(offset).take(limit).collect(),
            Some(app) => match self.by_app.get(&app) {
                None => self.no_app.of(filter).from(offset).take(limit).collect(),
                Some(kinds) => {
                    merged_from(kinds.of(filter), self.no_app.of(filter), offset).take(limit).collect()
                }
            },
        }
    }

    /// Positions after a position in the unfiltered list; from the top without a position.
    pub(crate) fn after(&self, position: Option<&ListPosition>, limit: usize) -> Vec<ListPosition> {
        let start = position.map_or(0, |position| {
            self.every.all.rank(position)
                + usize::from(self.every.all.get(self.every.all.rank(position)) == Some(*position))
        });
        self.every.all.from(start).take(limit).collect()
    }
}
