//! Rows that were read again because another gateway has changed them.

use std::collections::HashMap;

use crate::{
    AccountId, BroadcastId, Session,
    model::{
        account::OwnerProfile, audience::MemberState, broadcast::BroadcastState, change::Change,
        counter::Counters, session::TokenHash, stream::Revocation,
    },
};

/// Rows that were read again because another gateway has changed them. `None`: the row has been deleted.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    pub(crate) sessions: HashMap<TokenHash, Option<Session>>,
    pub(crate) broadcasts: HashMap<AccountId, Option<Box<BroadcastState>>>,
    /// Counters of broadcasts, on air or not.
    pub(crate) counters: Vec<(AccountId, BroadcastId, Counters)>,
    /// Hosts whose audience is complete in `members`.
    pub(crate) audiences: Vec<AccountId>,
    pub(crate) members: HashMap<(AccountId, AccountId), Option<MemberState>>,
    /// Owners whose rooms are removed from the room cache.
    pub(crate) rooms: Vec<AccountId>,
    /// Accounts whose follows are removed from the room cache.
    pub(crate) follows: Vec<AccountId>,
    /// New, changed and deleted recordings, members of recordings and short videos. A deleted recording is not among them: it is
    /// deleted with its owner.
    pub(crate) lists: Vec<Change>,
    pub(crate) revocations: Vec<Revocation>,
    pub(crate) owners: HashMap<AccountId, Option<Box<OwnerProfile>>>,
}
