//! Short videos: clips that users have uploaded.

use super::actor;
use crate::{Actor, NewShortVideo, Result, limit::Limit, store::Tx, table::short_videos};

/// Stores a clip of the actor. A clip with a known file id replaces the old one and moves to the top of the list.
///
/// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired), [`Error::RateLimited`](crate::Error::RateLimited).
pub(crate) fn upload(tx: &mut Tx<'_>, actor: &Actor, video: &NewShortVideo) -> Result<()> {
    let owner = actor::acting(tx, actor)?.id;
    tx.spend(Limit::Uploads)?;
    short_videos::replace(tx, owner, video)
}
