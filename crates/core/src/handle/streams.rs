//! Streams: notices of the media cloud.

use super::core::Streams;
use crate::{CallbackSource, Result, StreamCode, StreamEvent, domain::broadcast::stream};

impl Streams<'_> {
    /// Applies a notice of the media cloud, whose signature the caller has checked. Idempotent.
    ///
    /// Errors: [`Error::RoomNotFound`](crate::Error::RoomNotFound) for a recording of a stream without an owner. Other
    /// notices of such a stream are ignored.
    pub async fn event(&self, code: StreamCode, source: CallbackSource, event: StreamEvent) -> Result<()> {
        self.0.store().write(move |tx| stream::event(tx, &code, &source, &event)).await
    }
}
