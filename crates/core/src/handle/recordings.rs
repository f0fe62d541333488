//! Recordings: replays, in lists and one by one.

use std::{collections::HashMap, sync::Arc};

use super::core::Recordings;
use crate::{
    Counted, FileId, Page, Recording, RecordingFilter, RecordingId, RecordingOrder, Result, Step, UserId,
    Window,
    model::counter::Counter,
    read_model::{replay_lists::Formats, replays::Replay},
    table::{accounts, recordings},
};

impl Recordings<'_> {
    /// A page of a list, with the length of the list. Every page costs about the same: memory has the order of all lists, and the
    /// contents of the recordings that ended last; those of others are read from the table.
    pub async fn list(
        &self,
        filter: RecordingFilter,
        order: RecordingOrder,
        window: Window,
    ) -> Result<Page<Arc<Recording>>> {
        self.0.expire_due().await?;
        let formats = if filter.with_play_url { Formats::Files } else { Formats::All };
        let owner = match filter.owner {
            None => None,
            Some(user_id) => {
                let row = self.0.store().read(move |conn| accounts::by_user_id(conn, &user_id)).await?;
                let Some(owner) = row else { return Ok(Page::default()) };
                Some(owner.id)
            }
        };
        let page = self.0.memory().live().replays().page(formats, owner, order, window);
        let missing = page.items.iter().filter_map(|replay| match replay {
            Replay::InMemory(_) => None,
            Replay::InTable(id) => Some(*id),
        });
        let mut read = self.read(missing.collect()).await?;
        // A recording that has been deleted meanwhile leaves a gap.
        let items = page.items.into_iter().filter_map(|replay| match replay {
            Replay::InMemory(recording) => Some(recording),
            Replay::InTable(id) => read.remove(&id),
        });
        Ok(Page { total: page.total, items: items.collect() })
    }

    /// Reads recordings from the table.
    async fn read(&self, ids: Vec<RecordingId>) -> Result<HashMap<RecordingId, Arc<Recording>>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.0.store().snapshot(move |conn| recordings::by_id(conn, &ids)).await?;
        Ok(rows.into_iter().map(|row| (row.id, Arc::new(row))).collect())
    }

    /// The recording of an owner with a file id, listed or not.
    pub async fn find(&self, owner: &UserId, file_id: &FileId) -> Result<Option<Recording>> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.store().read(move |conn| recordings::find(conn, &owner, &file_id)).await
    }

    /// Adds a step to a counter of a recording; the counter stays within 0 to 2^31-1. Without effect if there is no such
    /// recording.
    pub async fn count(&self, owner: &UserId, file_id: &FileId, counted: Counted, step: Step) -> Result<()> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.count(Counter::Recording { owner, file_id, counted }, step).await
    }
}
