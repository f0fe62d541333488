//! Stream codes: the code of a host's or room's stream, and the account that a code belongs to.
//!
//! Every code ever issued is stored with its account, so that a late notice finds its room.

use crate::{
    AccountId, Actor, CallbackSource, Error, LinkMicStream, Result, Seconds, StreamCode,
    domain::actor,
    model::stream::live_of_link_mic,
    sign::{
        digest::md5_hex,
        stream::{VideoSource, bypass_digest, link_mic_code, live_code},
    },
    store::{Tx, conn::Conn},
    table::{
        accounts::{self, AccountRow},
        pushes, revoked_codes,
        rooms::{self, RoomRow},
        stream_codes::{self, TAIL, WHOLE, keep, keep_link_mic},
    },
};

/// Largest number of codes tried for a host; more than two are needed only against deliberate collisions.
const TRIES: u32 = 64;

/// Time after the end of its push URL for which a link-mic code is kept, because notices of its stream may be late.
const LINK_MIC_KEPT_FOR: Seconds = Seconds(7 * 24 * 3_600);

/// The effect of a stream's notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamKind {
    /// Puts a minilvb live on and off the air, and is recorded.
    Live,
    /// The stream of an sxb room, whose notices never change a broadcast; it is recorded.
    Bypass,
    /// Pushed into the live of another host: changes no broadcast, and is not recorded.
    LinkMic,
    /// The stream of a user of RoomService: changes no broadcast, and is recorded while its own room is on air.
    RoomService,
}

/// The owner of a stream.
pub(crate) struct StreamOwner {
    pub(crate) account: AccountId,
    pub(crate) kind: StreamKind,
}

/// Finds the owner of a stream by its stored code, else by the tail of an sxb code, else by the path of the notice. A code
/// whose account was deleted has no owner while a push URL of it may be valid.
pub(crate) fn owner(
    conn: &mut Conn,
    code: &StreamCode,
    source: &CallbackSource,
) -> Result<Option<StreamOwner>> {
    let tail = code.rsplit_once('_').map_or(code.as_str(), |(_, tail)| tail);
    let by_tail = stream_codes::owner(conn, TAIL, tail)?.map(|owner| owner.account);
    if let Some(found) = stream_codes::owner(conn, WHOLE, code)? {
        let account = found.account;
        let kind = match by_tail == Some(account) {
            _ if found.is_of_link_mic() => StreamKind::LinkMic,
            _ if found.is_of_room_service() => StreamKind::RoomService,
            true => StreamKind::Bypass,
            false => StreamKind::Live,
        };
        return Ok(Some(StreamOwner { account, kind }));
    }
    if let Some(account) = by_tail {
        return Ok(Some(StreamOwner { account, kind: StreamKind::Bypass }));
    }
    // A link-mic push may have run on after its own code was pruned. A user id may end like such a code.
    if let Some(live) = live_of_link_mic(code)
        && let Some(found) = stream_codes::owner(conn, WHOLE, live)?
        && accounts::by_user_id(conn, id_inside(code))?.is_none()
    {
        return Ok(Some(StreamOwner { account: found.account, kind: StreamKind::LinkMic }));
    }
    let live = live_of_link_mic(code).unwrap_or(code);
    if revoked_codes::contains_any(conn, &[code, live])? {
        return Ok(None);
    }
    let account = match source {
        CallbackSource::Sxb { room: Some(room) } => rooms::owner(conn, *room)?,
        CallbackSource::Sxb { room: None } => None,
        CallbackSource::Shared => user_inside(conn, code)?,
    };
    Ok(account.map(|account| StreamOwner { account, kind: StreamKind::Live }))
}

/// The part of a code behind the business id.
fn id_inside(code: &str) -> &str {
    code.split_once('_').map_or("", |(_, rest)| rest)
}

/// Finds the user id inside a code that this server has not issued: the longest after the business id whose account has a
/// room, else all of it, because a host may push before its first `/upload_room`.
fn user_inside(conn: &mut Conn, code: &StreamCode) -> Result<Option<AccountId>> {
    let whole = id_inside(code);
    let mut rest = whole;
    while !rest.is_empty() {
        if let Some(user) = accounts::by_user_id(conn, rest)?
            && rooms::of_account(conn, user.id)?.is_some()
        {
            return Ok(Some(user.id));
        }
        rest = rest.rsplit_once('_').map_or("", |(shorter, _)| shorter);
    }
    Ok(accounts::by_user_id(conn, whole)?.map(|user| user.id))
}

/// The stream code of a host in the dialects that make it from the user id (contract minilvb-v1 §6.1). User ids that differ
/// only in characters that a code cannot have get different codes, and no user id gets a code of the form that another kind
/// of stream uses. A code that was issued before stays.
///
/// Errors: [`Error::Busy`] if every code that was tried belongs to another account.
pub(crate) fn code_of_host(tx: &mut Tx<'_>, host: &AccountRow) -> Result<StreamCode> {
    let bizid = &tx.config().media.bizid;
    let plain = live_code(bizid, &host.user_id, None);
    if stream_codes::owner(tx.conn, WHOLE, &plain)?.is_some_and(|owner| owner.account == host.id) {
        return Ok(plain);
    }
    if !is_reserved(&plain) && !names_another(tx.conn, &plain, host)? && keep(tx, WHOLE, &plain, host.id)? {
        return Ok(plain);
    }
    // Another account may own the next code too, by choosing the id the code is made of.
    for attempt in 0..TRIES {
        let marked = live_code(bizid, &host.user_id, Some(&mark(host, attempt)));
        if keep(tx, WHOLE, &marked, host.id)? {
            return Ok(marked);
        }
    }
    Err(Error::Busy)
}

/// Whether a code names the user id of another account. Codes lack the characters that a code cannot have, so `mi.a0` would get
/// the code of `mi_a0`, who may not have asked for a code yet: the clients of minilvb-v2 never do.
fn names_another(conn: &mut Conn, code: &StreamCode, host: &AccountRow) -> Result<bool> {
    let named = id_inside(code);
    Ok(named != host.user_id.as_str() && accounts::by_user_id(conn, named)?.is_some())
}

/// The stream code of a user in RoomService, the same for its own room and for those of others: the code of [`code_of_host`]
/// with `_r` behind it (contract roomservice §4.3).
///
/// Errors: [`Error::Busy`] if every code that was tried belongs to another account.
pub(crate) fn code_in_room_service(tx: &mut Tx<'_>, user: &AccountRow) -> Result<StreamCode> {
    let bizid = &tx.config().media.bizid;
    let plain = StreamCode::new(format!("{}_r", live_code(bizid, &user.user_id, None)));
    let is_own = stream_codes::owner(tx.conn, WHOLE, &plain)?.is_some_and(|owner| owner.account == user.id);
    if (is_own || !names_another(tx.conn, &plain, user)?)
        && stream_codes::keep_room_service(tx, &plain, user.id)?
    {
        return Ok(plain);
    }
    for attempt in 0..TRIES {
        let marked = live_code(bizid, &user.user_id, Some(&format!("{}_r", mark(user, attempt))));
        if stream_codes::keep_room_service(tx, &marked, user.id)? {
            return Ok(marked);
        }
    }
    Err(Error::Busy)
}

/// The digits that tell the code of a user from that of another user.
fn mark(user: &AccountRow, attempt: u32) -> String {
    let attempt = if attempt == 0 { String::new() } else { format!("#{attempt}") };
    md5_hex(format!("{}{attempt}", user.user_id)).chars().take(8).collect()
}

/// Checks that a code was issued to an account.
///
/// Errors: [`Error::ForeignStream`].
pub(crate) fn check_owner(conn: &mut Conn, code: &StreamCode, account: AccountId) -> Result<()> {
    let owner = stream_codes::owner(conn, WHOLE, code)?;
    owner.filter(|owner| owner.account == account).map(drop).ok_or(Error::ForeignStream)
}

/// Whether a code made from a user id alone has the form of another kind of stream: 32 hex digits at the end (sxb rooms), `_`
/// and 8 hex digits (codes with a digest, link-mic codes), or `_r` (room service).
fn is_reserved(plain: &str) -> bool {
    let hex_at_end = plain.bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    let tail = plain.rsplit_once('_').map_or(plain, |(_, tail)| tail);
    hex_at_end >= 32 || (tail.len() == 8 && hex_at_end >= 8) || tail == "r"
}

/// The stream code of a room in the dialect that makes it from the room number (contract sxb §7). The code always belongs to
/// the room: another account that was given the code before loses it, and gets another one at its next live.
///
/// Errors: [`Error::Busy`] if the digest belongs to another room.
pub(crate) fn code_of_room(
    tx: &mut Tx<'_>,
    room: &RoomRow,
    host: &AccountRow,
    source: VideoSource,
) -> Result<StreamCode> {
    let tail = bypass_digest(room.number, &host.user_id, source);
    let code = StreamCode::new(format!("{}_{tail}", tx.config().media.bizid));
    if !keep(tx, TAIL, &tail, host.id)? {
        return Err(Error::Busy);
    }
    if !keep(tx, WHOLE, &code, host.id)? {
        revoked_codes::put(tx, host.id, vec![code.clone()])?;
        stream_codes::give(tx, WHOLE, &code, host.id)?;
    }
    Ok(code)
}

/// Makes the code of a stream that an actor pushes into the live of another host: the code of the actor's own live and the
/// time at which a push URL made now expires (contract minilvb-v1 §7).
///
/// Errors: [`Error::ProofRequired`], [`Error::InvalidSession`], [`Error::Busy`] if every code that was tried is in use.
pub(crate) fn link_mic(tx: &mut Tx<'_>, actor: &Actor) -> Result<LinkMicStream> {
    let viewer = actor::hosting(tx, actor)?;
    let live = code_of_host(tx, &viewer)?;
    let expires = tx.now + tx.config().media.push_ttl;
    for later in 0..TRIES {
        // Another account may have chosen an id whose code looks like a link-mic code of this second.
        let code = link_mic_code(&live, expires + Seconds(i64::from(later)));
        if keep_link_mic(tx, &code, viewer.id, expires + LINK_MIC_KEPT_FOR)? {
            return Ok(LinkMicStream { code, made_at: tx.now });
        }
    }
    Err(Error::Busy)
}

/// Revokes every push URL that an account has got so far, those of its link-mic streams included. The URLs that it gets from
/// the next second on are valid.
pub(crate) fn revoke(tx: &mut Tx<'_>, account: AccountId) -> Result<()> {
    let codes = stream_codes::of_lives(tx.conn, account)?;
    pushes::delete_of(tx, account)?;
    revoked_codes::put(tx, account, codes)
}
