//! Sessions: the sessions that a login opens and ends, by the policy of each dialect.
//!
//! sxb has one session per account, which ends when it is idle; minilvb-v2 has one of a fixed lifetime, with a refresh token;
//! qplus has several, which end when they are idle; RoomService has one, which ends when it is idle. A login never ends the sessions of another dialect; a new password does.

use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use super::stream_code;
use crate::{
    AccountId, Dialect, Error, IssuedSession, RefreshOffer, Result, Seconds, SessionConfig, UnixSeconds,
    UserId,
    model::{
        random::{self, hex},
        rule,
        session::TokenHash,
    },
    sign::{Key, digest},
    store::Tx,
    table::{
        audience,
        sessions::{self, SessionRow},
    },
};

/// Opens a session by the policy of the dialect.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    account: AccountId,
    user_id: &UserId,
    dialect: Dialect,
) -> Result<IssuedSession> {
    let policy = tx.config().sessions;
    match dialect {
        Dialect::Qplus => close_oldest(tx, account, policy.qplus_per_account)?,
        _ => {
            close_account(tx, account, Some(dialect))?;
        }
    }
    let token = random::token(tx.random());
    let refresh_token =
        if dialect == Dialect::MinilvbV2 { random::token(tx.random()) } else { String::new() };
    insert(tx, account, user_id, dialect, Tokens { token, refresh_token })
}

/// The tokens of a session in the clear; the refresh token is empty in a dialect without one.
struct Tokens {
    token: String,
    refresh_token: String,
}

/// Stores a session with these tokens.
fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    user_id: &UserId,
    dialect: Dialect,
    tokens: Tokens,
) -> Result<IssuedSession> {
    let Tokens { token, refresh_token } = &tokens;
    let policy = tx.config().sessions;
    let signed = dialect == Dialect::MinilvbV2;
    let row = SessionRow {
        digest: TokenHash::of(token).bytes().to_vec(),
        dialect,
        account_id: account,
        token: signed.then(|| token.clone()),
        refresh_digest: signed.then(|| TokenHash::of(refresh_token).bytes().to_vec()),
        refresh_until: signed.then_some(tx.now + policy.v2_refresh_ttl),
        opened_at: tx.now,
        used_at: tx.now,
        cursors: String::new(),
    };
    sessions::insert(tx, &row, user_id.clone())?;
    Ok(issued(account, user_id.clone(), dialect, tokens, policy))
}

fn issued(
    account: AccountId,
    user_id: UserId,
    dialect: Dialect,
    Tokens { token, refresh_token }: Tokens,
    policy: SessionConfig,
) -> IssuedSession {
    IssuedSession {
        account,
        user_id,
        token: token.into(),
        refresh_token: refresh_token.into(),
        expires_in: match dialect {
            Dialect::MinilvbV1 | Dialect::MinilvbV2 => policy.v2_token_ttl,
            Dialect::Sxb => policy.sxb_idle,
            Dialect::Qplus | Dialect::RoomService => rule::watching_idle(dialect, policy),
        },
    }
}

/// Ends the least recently used qplus sessions of an account, so that with one more there are `most` at most.
fn close_oldest(tx: &mut Tx<'_>, account: AccountId, most: usize) -> Result<()> {
    let oldest_first = sessions::oldest_first(tx.conn, account, Dialect::Qplus)?;
    let too_many = (oldest_first.len() + 1).saturating_sub(most.max(1));
    for digest in oldest_first.iter().take(too_many) {
        close(tx, digest)?;
    }
    Ok(())
}

/// Exchanges a refresh token for a new session (minilvb-v2). The old tokens are invalid at once.
///
/// Errors: [`Error::InvalidSession`] for an unknown user, a wrong, used or expired refresh token.
pub(crate) fn refresh(tx: &mut Tx<'_>, offer: &RefreshOffer) -> Result<IssuedSession> {
    let (row, user_id) = sessions::by_signer(tx.conn, &offer.user_id)?.ok_or(Error::InvalidSession)?;
    let offered = TokenHash::of(offer.token.expose_secret());
    if !is_refreshed_by(&row, &offered) || row.refresh_until.is_none_or(|until| until <= tx.now) {
        return Err(Error::InvalidSession);
    }
    close_account(tx, row.account_id, Some(Dialect::MinilvbV2))?;
    let token = random::token(tx.random());
    let refresh_token = successor(offer, &token);
    insert(tx, row.account_id, &user_id, Dialect::MinilvbV2, Tokens { token, refresh_token })
}

fn is_refreshed_by(row: &SessionRow, refresh_token: &TokenHash) -> bool {
    row.refresh_digest.as_deref().is_some_and(|known| bool::from(known.ct_eq(refresh_token.bytes())))
}

/// The refresh token that replaces another one. It can be computed again only from the replaced refresh token, the client's
/// address and the token of the new session, so that an answer that was lost can be repeated and none of it is stored.
fn successor(offer: &RefreshOffer, token: &str) -> String {
    let from = format!("{} {}", offer.token.expose_secret(), offer.client.to_canonical());
    let mut hex = hex(&digest::hmac_sha256(Key(token), &from));
    hex.truncate(32);
    hex
}

/// Seconds for which an answer to a refresh can be repeated.
const REPEATABLE: Seconds = Seconds(60);

/// The answer to a refresh that this offer has had within the last minute, from the same address: the answer may have been
/// lost on a phone's network. `None` for any other offer, and once the new session has been used (contract minilvb-v2 §0).
pub(crate) fn repeated(
    row: &SessionRow,
    user_id: UserId,
    offer: &RefreshOffer,
    now: UnixSeconds,
    policy: SessionConfig,
) -> Option<IssuedSession> {
    let is_unused = !rule::signed_session_is_used(row.opened_at, row.used_at);
    let token = row.token.clone().filter(|_| is_unused && now <= row.opened_at + REPEATABLE)?;
    let refresh_token = successor(offer, &token);
    is_refreshed_by(row, &TokenHash::of(&refresh_token))
        .then(|| issued(row.account_id, user_id, Dialect::MinilvbV2, Tokens { token, refresh_token }, policy))
}

/// Ends one session, and removes the member that watches through it from its audience. Returns whether there was a session.
pub(crate) fn close(tx: &mut Tx<'_>, digest: &TokenHash) -> Result<bool> {
    let closed = sessions::delete(tx, digest)?;
    if closed {
        audience::leave_with_session(tx, digest)?;
    }
    Ok(closed)
}

/// Ends the sessions of an account, in one dialect or in all. Returns the number of sessions ended.
pub(crate) fn close_account(tx: &mut Tx<'_>, account: AccountId, dialect: Option<Dialect>) -> Result<usize> {
    let mut closed = 0;
    for row in sessions::of_account(tx.conn, account)? {
        if dialect.is_none_or(|wanted| wanted == row.dialect)
            && let Some(digest) = TokenHash::from_bytes(&row.digest)
            && close(tx, &digest)?
        {
            closed += 1;
        }
    }
    Ok(closed)
}

/// Ends the sessions of an account in one dialect, and revokes its push URLs. Returns the number of sessions ended.
pub(crate) fn kick(tx: &mut Tx<'_>, account: AccountId, dialect: Dialect) -> Result<usize> {
    stream_code::revoke(tx, account)?;
    close_account(tx, account, Some(dialect))
}

/// Deletes some ended sessions, together with members that still watch through one of them.
pub(crate) fn close_ended(tx: &mut Tx<'_>) -> Result<()> {
    for digest in sessions::ended(tx.conn, tx.config().sessions, tx.now)? {
        close(tx, &digest)?;
    }
    Ok(())
}
