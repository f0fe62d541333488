//! Short videos: uploads and lists.

use super::core::ShortVideos;
use crate::{
    Actor, FileId, NewShortVideo, Page, Result, ShortVideo, UnixSeconds, UserId, Window, domain::short_video,
    table::short_videos,
};

impl ShortVideos<'_> {
    /// Stores a clip of the actor. A clip with a known file id replaces the old one and moves to the top of the list.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn upload(&self, actor: Actor, video: NewShortVideo) -> Result<()> {
        self.0.write(move |tx| short_video::upload(tx, &actor, &video)).await
    }

    /// A page of the clips uploaded later than `after`, latest first, with the number of all of them.
    pub async fn list(&self, after: Option<UnixSeconds>, window: Window) -> Result<Page<ShortVideo>> {
        let after = after.unwrap_or(UnixSeconds::MIN);
        self.0.store().snapshot(move |conn| short_videos::page(conn, after, window)).await
    }

    /// The clip of an owner with a file id.
    pub async fn find(&self, owner: &UserId, file_id: &FileId) -> Result<Option<ShortVideo>> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.store().read(move |conn| short_videos::find(conn, &owner, &file_id)).await
    }
}
