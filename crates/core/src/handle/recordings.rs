//! Recordings: replays, in lists and one by one.

use std::sync::Arc;

use super::core::Recordings;
use crate::{
    Counted, Page, Recording, RecordingFilter, RecordingOrder, Result, Step, Window, model::counter::Counter,
    table::recordings,
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
    pub async fn find(&self, owner: &str, file_id: &str) -> Result<Option<Recording>> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0.store().read(move |conn| recordings::find(conn, &owner, &file_id)).await
    }

    /// Adds a step to a counter of a recording; the counter stays within 0 to 2^31-1. Without effect if there is no such
    /// recording.
    pub async fn count(&self, owner: &str, file_id: &str, counted: Counted, step: Step) -> Result<()> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        self.0.count(Counter::Recording { owner, file_id, counted }, step).await
    }
}
