//! Streams: notices of the media cloud.

use super::core::Streams;
use crate::{CallbackSource, Result, StreamEvent, domain::broadcast::stream};

impl Streams<'_> {
    /// Takes a notice of the media cloud. Taking it again changes nothing. The caller has checked its signature.
    ///
    /// Errors: [`Error::RoomNotFound`] for a recording of a stream nobody has; events of such streams are fine.
    pub async fn event(&self, code: String, source: CallbackSource, event: StreamEvent) -> Result<()> {
        self.0.store().write(move |tx| stream::event(tx, &code, &source, &event)).await
    }
}
