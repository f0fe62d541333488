//! Recordings: replays, in lists and one by one.

use std::sync::Arc;

use super::core::Recordings;
use crate::{
    Counted, FileId, Page, Recording, RecordingFilter, RecordingOrder, Result, Step, UserId, Window,
    model::counter::Counter, table::recordings,
};

impl Recordings<'_> {
    /// A page of a list, with the length of the list. Lists in the order of the end are served from memory as far as its
    /// recordings reach.
    pub async fn list(
        &self,
        filter: RecordingFilter,
        order: RecordingOrder,
        window: Window,
    ) -> Result<Page<Arc<Recording>>> {
        self.0.expire_due().await?;
        if let Some(page) = self.0.memory().live().replays().page(&filter, order, window) {
            return Ok(page);
        }
        self.0.store().snapshot(move |conn| recordings::page(conn, &filter, order, window)).await
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
