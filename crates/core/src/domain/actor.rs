//! Actors: the account of a request, which carries a credential or only a user id, and the creation of guests.

use crate::{
    Actor, Client, Error, Result, Seconds, State, UnixSeconds, UserId,
    limit::Limit,
    store::{Tx, conn::Conn},
    table::{
        accounts::{self, AccountRow},
        broadcasts::{self, BroadcastRow},
        sessions,
    },
};

/// The account with a user id; creates a guest if there is none.
///
/// Errors: [`Error::RateLimited`].
pub(crate) fn ensure(tx: &mut Tx<'_>, user_id: &UserId) -> Result<AccountRow> {
    match accounts::by_user_id(tx.conn, user_id)? {
        Some(row) => Ok(row),
        None => create(tx, user_id),
    }
}

/// Creates a guest.
///
/// Errors: [`Error::RateLimited`].
fn create(tx: &mut Tx<'_>, user_id: &UserId) -> Result<AccountRow> {
    tx.spend(Limit::Guests)?;
    accounts::insert(tx, user_id, None)
}

/// The account of an actor; creates a guest for an unknown user id.
///
/// Errors: [`Error::ProofRequired`] for a user id without proof that is registered, or that differs from a registered
/// one in ASCII case only, and for that of a guest with a session of RoomService (contract roomservice §7.1); for
/// [`Actor::Trusted`] see there.
pub(crate) fn acting(tx: &mut Tx<'_>, actor: &Actor) -> Result<AccountRow> {
    match (known(tx, actor)?, actor) {
        (Some(row), _) => Ok(row),
        (None, Actor::Unproven(user_id) | Actor::Trusted { user_id, .. }) => create(tx, user_id),
        (None, Actor::Proven(_)) => Err(Error::InvalidSession),
    }
}

/// The account of an actor whose action changes nothing unless there is one; `None` for an unknown user id.
///
/// Errors: those of [`acting`].
pub(crate) fn known(tx: &mut Tx<'_>, actor: &Actor) -> Result<Option<AccountRow>> {
    let used_after = tx.now - tx.config().sessions.room_service_idle;
    find(tx.conn, actor, used_after)
}

/// Time for which a guest's live that is announced or was taken off the air stays bound to the address that began it: long enough
/// to go on air, and short, because a stranger can announce a live under any guest's name.
const BOUND_OFF_AIR: Seconds = Seconds(60);

/// The account of an actor that begins, renews or ends a live. If the operator binds guests, the live of a guest belongs to the
/// address that began it.
///
/// Errors: those of [`acting`]; [`Error::ProofRequired`] for a guest that has a live from another address.
pub(crate) fn hosting(tx: &mut Tx<'_>, actor: &Actor) -> Result<AccountRow> {
    let host = acting(tx, actor)?;
    if !tx.config().accounts.bind_guests || host.is_registered() {
        return Ok(host);
    }
    let is_bound = |row: &BroadcastRow| match row.state {
        State::OnAir => true,
        State::Prepared => {
            let off_air_at = row.ended_at.unwrap_or(row.started_at);
            off_air_at <= tx.now && tx.now < off_air_at + BOUND_OFF_AIR
        }
        State::Ended => false,
    };
    let live = broadcasts::latest(tx.conn, host.id)?.filter(is_bound);
    let opened_from = live.and_then(|row| row.opened_from);
    let here = tx.client().map(Client::origin);
    if opened_from.is_some() && opened_from != here { Err(Error::ProofRequired) } else { Ok(host) }
}

/// Checks that an actor may act, without creating a guest. A session of RoomService last used at `used_after` has ended.
///
/// Errors: [`Error::ProofRequired`], [`Error::InvalidSession`] if the account has been deleted.
pub(crate) fn may_act(conn: &mut Conn, actor: &Actor, used_after: UnixSeconds) -> Result<()> {
    find(conn, actor, used_after).map(drop)
}

/// The account of an actor; `None`: no account has the user id.
fn find(conn: &mut Conn, actor: &Actor, used_after: UnixSeconds) -> Result<Option<AccountRow>> {
    match actor {
        Actor::Proven(id) => accounts::by_id(conn, *id)?.map(Some).ok_or(Error::InvalidSession),
        Actor::Unproven(user_id) => unclaimed(conn, user_id, used_after),
        Actor::Trusted { user_id, guests } => match trusted(conn, user_id, *guests)? {
            Some(imported) => Ok(Some(imported)),
            None => accounts::by_user_id(conn, user_id),
        },
    }
}

/// The guest with a user id that is nobody's own; `None`: no account has it.
fn unclaimed(conn: &mut Conn, user_id: &UserId, used_after: UnixSeconds) -> Result<Option<AccountRow>> {
    if accounts::registered_like(conn, user_id)?.is_some() {
        return Err(Error::ProofRequired);
    }
    match accounts::by_user_id(conn, user_id)? {
        Some(guest) if sessions::has_room_service(conn, guest.id, used_after)? => Err(Error::ProofRequired),
        guest => Ok(guest),
    }
}

/// The imported account with a user id; `None` for the user id of a guest, if guests are admitted.
fn trusted(conn: &mut Conn, user_id: &UserId, guests: bool) -> Result<Option<AccountRow>> {
    match accounts::registered_like(conn, user_id)? {
        None if guests => Ok(None),
        Some(row) if row.imported && row.user_id == *user_id => Ok(Some(row)),
        _ => Err(Error::ProofRequired),
    }
}
