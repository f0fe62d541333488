//! What is on air, in order, by filter.

use std::collections::HashMap;

use super::ranked::{Ranked, merged_from};
use crate::{OnAirFilter, model::cursor::ListPosition};

#[derive(Debug, Default)]
struct ByKind {
    all: Ranked<ListPosition>,
    live: Ranked<ListPosition>,
}

impl ByKind {
    fn of(&self, filter: OnAirFilter) -> &Ranked<ListPosition> {
        if filter.live_kind { &self.live } else { &self.all }
    }

    fn insert(&mut self, place: ListPosition, live: bool) {
        self.all.insert(place);
        if live {
            self.live.insert(place);
        }
    }

    fn remove(&mut self, place: &ListPosition) {
        self.all.remove(place);
        self.live.remove(place);
    }
}

/// The orders of all filters.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    every: ByKind,
    by_app: HashMap<i64, ByKind>,
    no_app: ByKind,
}

impl Directory {
    pub(crate) fn insert(&mut self, place: ListPosition, app: Option<i64>, live_kind: bool) {
        self.every.insert(place, live_kind);
        match app {
            Some(app) => self.by_app.entry(app).or_default().insert(place, live_kind),
            None => self.no_app.insert(place, live_kind),
        }
    }

    pub(crate) fn remove(&mut self, place: &ListPosition, app: Option<i64>) {
        self.every.remove(place);
        match app {
            Some(app) => {
                if let Some(kinds) = self.by_app.get_mut(&app) {
                    kinds.remove(place);
                    if kinds.all.is_empty() {
                        self.by_app.remove(&app);
                    }
                }
            }
            None => self.no_app.remove(place),
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

    pub(crate) fn page(&self, filter: OnAirFilter, offset: usize, limit: usize) -> Vec<ListPosition> {
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

    /// What stands after a place in the list of everything; from the top without one.
    pub(crate) fn after(&self, place: Option<&ListPosition>, limit: usize) -> Vec<ListPosition> {
        let start = place.map_or(0, |place| {
            self.every.all.rank(place)
                + usize::from(self.every.all.get(self.every.all.rank(place)) == Some(*place))
        });
        self.every.all.from(start).take(limit).collect()
    }
}
