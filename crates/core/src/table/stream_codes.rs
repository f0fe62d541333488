//! Table `stream_codes`: every stream code ever issued, with the account that it belongs to.

use diesel::prelude::*;

use crate::{
    AccountId, Result, StreamCode, UnixSeconds,
    store::{
        Tx,
        conn::{Conn, on},
        schema::stream_codes,
    },
};

/// A whole stream code.
pub(crate) const WHOLE: i16 = 0;
/// The part of a code after its last underscore, which identifies a stream whatever business id a publisher puts before it.
pub(crate) const TAIL: i16 = 1;

/// The stream of an account's own live.
const LIVE: i16 = 0;
/// A stream that an account pushes into the live of another host.
const LINK_MIC: i16 = 1;
/// A stream that an account pushes through RoomService, into its own room or into another one.
const ROOM_SERVICE: i16 = 2;

/// The owner of a code, and the purpose of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub(crate) struct CodeOwner {
    pub(crate) account: AccountId,
    purpose: i16,
}

impl CodeOwner {
    pub(crate) fn is_of_link_mic(self) -> bool {
        self.purpose == LINK_MIC
    }

    pub(crate) fn is_of_room_service(self) -> bool {
        self.purpose == ROOM_SERVICE
    }
}

/// The account that a code belongs to.
pub(crate) fn owner(conn: &mut Conn, kind: i16, code: &str) -> Result<Option<CodeOwner>> {
    Ok(on!(conn, |c| stream_codes::table
        .find((kind, code))
        .select((stream_codes::account_id, stream_codes::purpose))
        .first(c)
        .optional())?)
}

/// The codes of an account's own lives, those of RoomService included.
pub(crate) fn of_lives(conn: &mut Conn, account: AccountId) -> Result<Vec<StreamCode>> {
    Ok(on!(conn, |c| stream_codes::table
        .filter(
            stream_codes::account_id
                .eq(account)
                .and(stream_codes::kind.eq(WHOLE))
                .and(stream_codes::purpose.ne(LINK_MIC)),
        )
        .select(stream_codes::code)
        .load(c))?)
}

/// Stores a code of an account's live; returns `false` if the code belongs to another account or purpose.
pub(crate) fn keep(tx: &mut Tx<'_>, kind: i16, code: &str, account: AccountId) -> Result<bool> {
    put(tx, kind, code, CodeOwner { account, purpose: LIVE }, None)
}

/// Stores a code of an account's stream in RoomService; returns `false` if the code belongs to another account or purpose.
pub(crate) fn keep_room_service(tx: &mut Tx<'_>, code: &str, account: AccountId) -> Result<bool> {
    put(tx, WHOLE, code, CodeOwner { account, purpose: ROOM_SERVICE }, None)
}

/// Stores a code of a link-mic stream until a time; returns `false` if the code belongs to another account or purpose.
pub(crate) fn keep_link_mic(
    tx: &mut Tx<'_>,
    code: &str,
    account: AccountId,
    kept_until: UnixSeconds,
) -> Result<bool> {
    put(tx, WHOLE, code, CodeOwner { account, purpose: LINK_MIC }, Some(kept_until))
}

fn put(
    tx: &mut Tx<'_>,
    kind: i16,
    code: &str,
    wanted: CodeOwner,
    kept_until: Option<UnixSeconds>,
) -> Result<bool> {
    if let Some(owner) = owner(tx.conn, kind, code)? {
        return Ok(owner == wanted);
    }
    on!(tx.conn, |c| diesel::insert_into(stream_codes::table)
        .values((
            stream_codes::kind.eq(kind),
            stream_codes::code.eq(code),
            stream_codes::account_id.eq(wanted.account),
            stream_codes::purpose.eq(wanted.purpose),
            stream_codes::kept_until.eq(kept_until),
        ))
        .execute(c))?;
    Ok(true)
}

/// Makes a code that another account owns the code of an account's live.
pub(crate) fn give(tx: &mut Tx<'_>, kind: i16, code: &str, account: AccountId) -> Result<()> {
    on!(tx.conn, |c| diesel::update(stream_codes::table.find((kind, code)))
        .set((
            stream_codes::account_id.eq(account),
            stream_codes::purpose.eq(LIVE),
            stream_codes::kept_until.eq(None::<UnixSeconds>),
        ))
        .execute(c))?;
    Ok(())
}

/// Deletes the codes whose time is over.
pub(crate) fn delete_ended(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| diesel::delete(stream_codes::table.filter(stream_codes::kept_until.le(now)))
        .execute(c))?;
    Ok(())
}
