//! Rows that were read again because they have changed.

use std::{collections::HashMap, sync::Arc};

use crate::{
    AccountId, BroadcastId, Recording, RecordingId, Session,
    model::{
        account::OwnerProfile, audience::MemberState, broadcast::BroadcastState, counter::Counters,
        session::TokenHash,
    },
};

/// Rows that were read again because they changed. `None`: the row is gone.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    pub(crate) sessions: HashMap<TokenHash, Option<Session>>,
    pub(crate) broadcasts: HashMap<AccountId, Option<Box<BroadcastState>>>,
    /// Counters of broadcasts, on air or not.
    pub(crate) counters: Vec<(AccountId, BroadcastId, Counters)>,
    /// Audiences that are in `members` from the first to the last.
    pub(crate) audiences: Vec<AccountId>,
    pub(crate) members: HashMap<(AccountId, AccountId), Option<MemberState>>,
    /// Rooms to forget: they are read when asked for.
    pub(crate) rooms: Vec<AccountId>,
    /// Whose follows to forget.
    pub(crate) follows: Vec<AccountId>,
    pub(crate) recordings: HashMap<RecordingId, Option<Arc<Recording>>>,
    pub(crate) owners: HashMap<AccountId, Option<Box<OwnerProfile>>>,
}
