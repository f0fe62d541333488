//! Streams: their push URLs, and the notices of the media cloud.

use super::core::Streams;
use crate::{
    Actor, CallbackSource, LinkMicStream, Result, Seconds, StreamCode, StreamEvent, UnixSeconds,
    domain::{broadcast::stream, stream_code},
    sign::{
        Key,
        url::{self, UrlError},
    },
};

/// Why a publish is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The query does not sign the stream code.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The push URL was issued before its user lost the right to push: another one registered the name of a guest, the
    /// password was changed, the user was kicked, or the account deleted.
    #[error("revoked")]
    Revoked,
    /// It is not known what other gateways have revoked, because the database cannot be reached.
    #[error("unavailable")]
    Unavailable,
}

impl Streams<'_> {
    /// The push URL of a stream code at a time, as [`MediaConfig::push_url`](crate::MediaConfig::push_url) makes it. If earlier
    /// URLs of the code were revoked, its `txTime` is later than that of any of them.
    pub fn push_url(&self, code: &StreamCode, at: UnixSeconds) -> String {
        let media = &self.0.config().media;
        let revoked_until = self.0.memory().live().revocations().revoked_until(code);
        let first = revoked_until.map(|until| until + self.longest() - media.push_ttl + Seconds(1));
        media.push_url(code, first.map_or(at, |first| first.max(at)))
    }

    /// Decides whether a stream may be published: its query signs the code, is in time, and is not revoked. Returns the second
    /// at which the push URL expires. Answers from memory. `query` is that of the push URL, percent-encoded.
    ///
    /// Source: contract tencent-cloud §0.
    pub fn check_publish(&self, code: &StreamCode, query: &str) -> Result<UnixSeconds, PublishError> {
        let key = Key::from(&self.0.config().media.push_key);
        let longest = self.longest();
        let expires = url::verify(key, code, query, self.0.now(), longest)?;
        let memory = self.0.memory();
        if !memory.is_fresh() {
            return Err(PublishError::Unavailable);
        }
        let revoked_until = memory.live().revocations().revoked_until(code);
        if revoked_until.is_some_and(|until| expires - longest <= until) {
            return Err(PublishError::Revoked);
        }
        Ok(expires)
    }

    /// Makes the code of a stream that a viewer pushes into the live of another host. The code is stored with its user: notices
    /// of its stream change no broadcast and store no recording.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired), [`Error::InvalidSession`](crate::Error::InvalidSession).
    pub async fn link_mic(&self, actor: Actor) -> Result<LinkMicStream> {
        self.0.write(move |tx| stream_code::link_mic(tx, &actor)).await
    }

    /// Applies a notice of the media cloud, whose signature the caller has checked. Idempotent.
    ///
    /// Errors: [`Error::RoomNotFound`](crate::Error::RoomNotFound) for a recording of a stream without an owner. Other
    /// notices of such a stream are ignored.
    pub async fn event(&self, code: StreamCode, source: CallbackSource, event: StreamEvent) -> Result<()> {
        self.0.write(move |tx| stream::event(tx, &code, &source, &event)).await
    }

    fn longest(self) -> Seconds {
        self.0.inner.longest_push_ttl
    }
}
