//! Short videos: uploads and lists.

use std::collections::HashMap;

use super::core::ShortVideos;
use crate::{
    Actor, FileId, NewShortVideo, Page, Result, ShortVideo, ShortVideoId, UnixSeconds, UserId, Window,
    domain::short_video, table::short_videos,
};

impl ShortVideos<'_> {
    /// Stores a clip of the actor. A clip with a known file id replaces the old one and moves to the top of the list.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn upload(&self, actor: Actor, video: NewShortVideo) -> Result<()> {
        self.0.write(move |tx| short_video::upload(tx, &actor, &video)).await
    }

    /// A page of the clips uploaded later than `after`, latest first, with the number of all of them. Every page costs about the
    /// same: memory has the order of the list.
    pub async fn list(&self, after: Option<UnixSeconds>, window: Window) -> Result<Page<ShortVideo>> {
        self.0.expire_due().await?;
        let page = self.0.memory().live().clips().page(after.unwrap_or(UnixSeconds::MIN), window);
        let ids = page.items;
        if ids.is_empty() {
            return Ok(Page { total: page.total, items: Vec::new() });
        }
        self.0
            .store()
            .snapshot(move |conn| {
                let rows = short_videos::by_id(conn, &ids)?;
                let mut clips: HashMap<ShortVideoId, ShortVideo> =
                    rows.into_iter().map(|clip| (clip.id, clip)).collect();
                // A clip that has been replaced or deleted meanwhile leaves a gap.
                let items = ids.iter().filter_map(|id| clips.remove(id)).collect();
                Ok(Page { total: page.total, items })
            })
            .await
    }

    /// The clip of an owner with a file id.
    pub async fn find(&self, owner: &UserId, file_id: &FileId) -> Result<Option<ShortVideo>> {
        let (owner, file_id) = (owner.clone(), file_id.clone());
        self.0.store().read(move |conn| short_videos::find(conn, &owner, &file_id)).await
    }
}
