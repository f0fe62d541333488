//! The audience of a live room (contract roomservice §4.11, §4.12). A viewer is there until it leaves or its session ends.

use super::lookup::find;
use crate::{
    AccountId, AnchorNames, Dialect, Error, GroupId, Result, State,
    domain::audience::entering,
    model::session::TokenHash,
    store::Tx,
    table::{
        accounts,
        audience::{self as members, MemberRow},
        sessions,
    },
};

/// A viewer that enters a live room.
#[derive(Debug, Clone)]
pub(crate) struct ViewerEntry {
    pub(crate) account: AccountId,
    /// The session, with which the viewer leaves.
    pub(crate) session: TokenHash,
    pub(crate) room: GroupId,
    /// The text that the viewer gives; `None`: none.
    pub(crate) info: Option<String>,
    /// The names in that text.
    pub(crate) names: AnchorNames,
}

/// Enters the audience of a live room on air, of any dialect. Entering again replaces the texts; a sub-anchor keeps its names.
/// Without effect for the host.
///
/// Errors: [`Error::NotOnAir`], [`Error::InvalidSession`].
pub(crate) fn enter(tx: &mut Tx<'_>, entry: &ViewerEntry) -> Result<()> {
    let room = find(tx, &entry.room)?.filter(|row| row.state == State::OnAir).ok_or(Error::NotOnAir)?;
    let host = room.account_id;
    if host == entry.account {
        return Ok(());
    }
    sessions::cache_session(tx, &entry.session)?.ok_or(Error::InvalidSession)?;
    let user = accounts::by_id(tx.conn, entry.account)?.ok_or(Error::InvalidSession)?;
    let row = entering(tx, host, user.id, Dialect::RoomService)?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (nickname, avatar) = if row.stream_code.is_some() {
        (row.nickname.clone(), row.avatar.clone())
    } else {
        (given(&entry.names.nickname), given(&entry.names.avatar))
    };
    let session = Some(entry.session.bytes().to_vec());
    let row = MemberRow { info: entry.info.clone(), nickname, avatar, session, ..row };
    members::put(tx, &row, &user.user_id)
}

/// Leaves the audience of a live room, also as a sub-anchor. Idempotent; without effect for the host and for an unknown room.
pub(crate) fn leave(tx: &mut Tx<'_>, account: AccountId, id: &GroupId) -> Result<()> {
    match find(tx, id)? {
        Some(row) if row.account_id != account => members::remove(tx, row.account_id, account).map(drop),
        _ => Ok(()),
    }
}
