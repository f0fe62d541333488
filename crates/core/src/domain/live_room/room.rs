//! Creates live rooms, ends them, and forgets those that were never opened (contract roomservice §4.4, §4.10).

use super::{
    claim,
    lookup::{close, find, is_current},
};
use crate::{
    AccountId, Dialect, Error, GroupId, Result, RoomTexts, State,
    domain::{
        broadcast::open::{LastMembers, replace},
        room, stream_code,
    },
    store::Tx,
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, NewBroadcast},
        rooms::RoomRow,
    },
};

/// Creates the room of an account, which ends the account's broadcast, and returns the id of the room: the wanted one, or a new
/// one.
///
/// Errors: [`Error::InvalidRoomId`], [`Error::RoomTaken`].
pub(crate) fn create(
    tx: &mut Tx<'_>,
    account: AccountId,
    wanted: Option<&GroupId>,
    texts: &RoomTexts,
) -> Result<GroupId> {
    let creator = accounts::by_id(tx.conn, account)?.ok_or(Error::InvalidSession)?;
    let room = room::ensure(tx, &creator)?;
    let id = match wanted {
        Some(id) => {
            claim::claim(tx, &creator, &room, id)?;
            id.clone()
        }
        None => claim::unused(tx)?,
    };
    let code = stream_code::code_in_room_service(tx, &creator)?;
    let lease = tx.config().timeouts.idle_room;
    let new = NewBroadcast {
        lease: Some(lease),
        ..NewBroadcast::by(Dialect::RoomService, State::Prepared, &room, code, tx.now)
    };
    let new = with_texts(new, &room, &creator, &id, texts);
    replace(tx, &creator, new, LastMembers::Leave)?;
    Ok(id)
}

/// A broadcast with the id and the texts of its room. Missing texts come from the plan of the creator.
pub(super) fn with_texts(
    new: NewBroadcast,
    room: &RoomRow,
    creator: &AccountRow,
    id: &GroupId,
    texts: &RoomTexts,
) -> NewBroadcast {
    let given_or = |given: &str, planned: &str| {
        let planned = if room.planned_at.is_some() { planned } else { "" };
        if given.is_empty() { planned.to_owned() } else { given.to_owned() }
    };
    NewBroadcast {
        account_id: creator.id,
        title: given_or(&texts.title, &room.plan_title),
        cover: given_or(&texts.cover, &room.plan_cover),
        location: texts.location.clone(),
        group_id: Some(id.clone()),
        room_info: Some(texts.info.clone()),
        ..new
    }
}

/// Ends the room of its creator, on air or only created.
///
/// Errors: [`Error::RoomNotFound`], also for the room of another account.
pub(crate) fn destroy(tx: &mut Tx<'_>, account: AccountId, id: &GroupId) -> Result<()> {
    let own = find(tx, id)?.filter(|row| row.driver == Dialect::RoomService && row.account_id == account);
    close(tx, &own.ok_or(Error::RoomNotFound)?)
}

/// Ends some rooms that were created and not opened in time.
pub(crate) fn forget_unopened(tx: &mut Tx<'_>) -> Result<()> {
    let before = tx.now - tx.config().timeouts.idle_room;
    for row in broadcasts::prepared_before(tx.conn, before)? {
        if !is_current(tx, &row) {
            close(tx, &row)?;
        }
    }
    Ok(())
}
