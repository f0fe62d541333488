//! Stream codes, and what the media cloud says about streams.
//!
//! Every stream name ever handed out is kept with the account it belongs to, so that a late notice finds its room.

use diesel::prelude::*;

use crate::{
    AccountId, Core, Error, Result, RoomNumber,
    account::{self, AccountRow},
    broadcast,
    recording::{self, NewRecording},
    room::{self, RoomRow},
    sign::{
        digest::md5_hex,
        stream::{Picture, bypass_digest, live_code},
    },
    store::{
        Tx,
        conn::{Conn, on},
        schema::stream_codes,
    },
};

/// A whole stream code.
const WHOLE: i16 = 0;
/// What stands behind the last underscore of one: recognized whatever business id a publisher puts before it.
const TAIL: i16 = 1;

/// Codes tried for a host at most; only malice needs more than two.
const TRIES: u32 = 64;

/// Which way a notice came, because the ways differ in what they may do and in how a stream names its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackSource {
    /// The callback paths of both minilvb generations: events move lives, recordings of one broadcast are joined, the
    /// user id may stand in the stream code.
    Shared,
    /// sxb's own: only recordings count, each file on its own; the room number may stand in the push URL.
    Sxb {
        /// The room number of the push URL's parameters.
        room: Option<RoomNumber>,
    },
}

/// What happened to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// Publishing started.
    Started {
        /// Identifies this push; its end carries the same.
        sequence: Option<String>,
    },
    /// Publishing stopped.
    Stopped {
        /// Identifies the push that ended.
        sequence: Option<String>,
    },
    /// A file of it is ready.
    Recorded(NewRecording),
}

/// Streams. From [`Core::streams`].
#[derive(Debug, Clone, Copy)]
pub struct Streams<'a>(pub(crate) &'a Core);

impl Streams<'_> {
    /// Takes a notice of the media cloud. Taking it again changes nothing. The caller has checked its signature.
    ///
    /// Errors: [`Error::RoomNotFound`] for a recording of a stream nobody has; events of such streams are fine.
    pub async fn event(&self, code: String, route: CallbackSource, event: StreamEvent) -> Result<()> {
        self.0
            .store()
            .write(move |tx| {
                let owner = match whose(tx.conn, &code, &route)? {
                    Some(owner) if room::of_account(tx.conn, owner.account)?.is_some() => Some(owner),
                    _ => None,
                };
                match (&event, owner) {
                    (StreamEvent::Recorded(_), None) => Err(Error::RoomNotFound),
                    (StreamEvent::Recorded(new), Some(owner)) => {
                        recording::store(tx, owner.account, &code, route == CallbackSource::Shared, new)
                    }
                    (_, Some(owner)) if route == CallbackSource::Shared && !owner.by_tail => {
                        moved(tx, &owner, &code, &event)
                    }
                    _ => Ok(()),
                }
            })
            .await
    }
}

fn moved(tx: &mut Tx<'_>, owner: &StreamOwner, code: &str, event: &StreamEvent) -> Result<()> {
    let Some(host) = account::by_id(tx.conn, owner.account)? else { return Ok(()) };
    match event {
        StreamEvent::Started { sequence } => broadcast::stream_started(tx, &host, code, sequence.as_deref()),
        StreamEvent::Stopped { sequence } => broadcast::stream_stopped(tx, &host, code, sequence.as_deref()),
        StreamEvent::Recorded(_) => Ok(()),
    }
}

/// Whose stream it is.
struct StreamOwner {
    account: AccountId,
    /// Found as an sxb stream: such a code never moves a live.
    by_tail: bool,
}

/// A stored code, exactly; else its tail as one of sxb's; else what the route says.
fn whose(conn: &mut Conn, code: &str, route: &CallbackSource) -> Result<Option<StreamOwner>> {
    let tail = code.rsplit_once('_').map_or(code, |(_, tail)| tail);
    let by_tail = stored(conn, TAIL, tail)?;
    if let Some(account) = stored(conn, WHOLE, code)? {
        return Ok(Some(StreamOwner { account, by_tail: by_tail == Some(account) }));
    }
    if let Some(account) = by_tail {
        return Ok(Some(StreamOwner { account, by_tail: true }));
    }
    let account = match route {
        CallbackSource::Sxb { room: Some(room) } => room::owner(conn, *room)?,
        CallbackSource::Sxb { room: None } => None,
        CallbackSource::Shared => user_inside(conn, code)?,
    };
    Ok(account.map(|account| StreamOwner { account, by_tail: false }))
}

/// The user id inside a code whose maker this server never met: behind the business id, the longest that has a room.
fn user_inside(conn: &mut Conn, code: &str) -> Result<Option<AccountId>> {
    let mut rest = code.split_once('_').map_or("", |(_, rest)| rest);
    while !rest.is_empty() {
        if let Some(user) = account::by_user_id(conn, rest)?
            && room::of_account(conn, user.id)?.is_some()
        {
            return Ok(Some(user.id));
        }
        rest = rest.rsplit_once('_').map_or("", |(shorter, _)| shorter);
    }
    Ok(None)
}

fn stored(conn: &mut Conn, kind: i16, code: &str) -> Result<Option<AccountId>> {
    Ok(on!(conn, |c| stream_codes::table
        .find((kind, code))
        .select(stream_codes::account_id)
        .first(c)
        .optional())?)
}

/// Keeps a code; `false` if it is somebody else's.
fn keep(tx: &mut Tx<'_>, kind: i16, code: &str, account: AccountId) -> Result<bool> {
    if let Some(owner) = stored(tx.conn, kind, code)? {
        return Ok(owner == account);
    }
    on!(tx.conn, |c| diesel::insert_into(stream_codes::table)
        .values((
            stream_codes::kind.eq(kind),
            stream_codes::code.eq(code),
            stream_codes::account_id.eq(account),
        ))
        .execute(c))?;
    Ok(true)
}

/// The stream code of a host in the dialects that make it of the user id (contract minilvb-v1 §6.1). Ids that differ
/// only in characters a code cannot have get different codes.
pub(crate) fn code_of_host(tx: &mut Tx<'_>, host: &AccountRow) -> Result<String> {
    let bizid = &tx.config().media.bizid;
    let plain = live_code(bizid, &host.user_id, None);
    if keep(tx, WHOLE, &plain, host.id)? {
        return Ok(plain);
    }
    // Somebody may have taken the next one too, by choosing the id it is made of.
    for attempt in 0..TRIES {
        let text = if attempt == 0 { host.user_id.clone() } else { format!("{}#{attempt}", host.user_id) };
        let digest: String = md5_hex(text).chars().take(8).collect();
        let marked = live_code(bizid, &host.user_id, Some(&digest));
        if keep(tx, WHOLE, &marked, host.id)? {
            return Ok(marked);
        }
    }
    Err(Error::Busy)
}

/// The stream code of a room in the dialect that makes it of the room number (contract sxb §7).
pub(crate) fn code_of_room(
    tx: &mut Tx<'_>,
    room: &RoomRow,
    host: &AccountRow,
    screen: bool,
) -> Result<String> {
    let picture = if screen { Picture::Screen } else { Picture::Camera };
    let tail = bypass_digest(room.number.0, &host.user_id, picture);
    let code = format!("{}_{tail}", tx.config().media.bizid);
    keep(tx, TAIL, &tail, host.id)?;
    keep(tx, WHOLE, &code, host.id)?;
    Ok(code)
}
