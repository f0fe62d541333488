//! Proofs that a user controls a phone: one-time codes, and grants that an operator opens.

use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::registration;
use crate::{
    AccountId, Error, Purpose, ResetProof, Result, Seconds,
    limit::Limit,
    model::{
        random::{self, Random},
        session::TokenHash,
    },
    store::{Tx, conn::Conn},
    table::{accounts, verifications},
};

/// Time for which a code or grant is valid.
pub(super) const LIFETIME: Seconds = Seconds(600);
/// Wrong tries after which a code is invalid.
const TRIES: i16 = 5;
/// Shortest time between two codes for a phone.
const PAUSE: Seconds = Seconds(60);

/// The purpose of a grant, which has no code.
const GRANT: i16 = 3;

/// The number of a purpose in the table.
fn number(purpose: Purpose) -> i16 {
    match purpose {
        Purpose::Register => 1,
        Purpose::Reset => 2,
    }
}

/// Checks that a code for a phone could be used.
///
/// Errors: [`Error::PhoneExists`], [`Error::RegistrationClosed`] (register), [`Error::NoSuchAccount`] (reset).
pub(crate) fn useful(
    conn: &mut Conn,
    phone: &str,
    purpose: Purpose,
    registration_is_open: bool,
) -> Result<()> {
    match purpose {
        Purpose::Register if registration::used(conn, phone)? => Err(Error::PhoneExists),
        Purpose::Register if !registration_is_open => Err(Error::RegistrationClosed),
        Purpose::Reset if accounts::by_phone(conn, phone)?.is_none() => Err(Error::NoSuchAccount),
        Purpose::Register | Purpose::Reset => Ok(()),
    }
}

/// Makes a six-digit code for a phone, which replaces an older one.
///
/// Errors: those of [`useful`], [`Error::RateLimited`] less than [`PAUSE`] after the last code, or beyond a limit of codes.
pub(crate) fn issue_code(tx: &mut Tx<'_>, phone: &str, purpose: Purpose) -> Result<SecretString> {
    let registration_is_open = tx.config().accounts.open_registration;
    useful(tx.conn, phone, purpose, registration_is_open)?;
    let last = verifications::find(tx.conn, phone, number(purpose))?;
    // A code from the future was made by a clock that was wrong; how old the code is nobody knows.
    if last.is_some_and(|last| last.created_at <= tx.now && tx.now < last.created_at + PAUSE) {
        return Err(Error::RateLimited);
    }
    tx.spend(Limit::Codes)?;
    tx.spend(Limit::AllCodes)?;
    let random: &dyn Random = tx.random();
    let code = format!("{:06}", random::number(random) % 1_000_000);
    let valid_until = tx.now + LIFETIME;
    verifications::put(tx, phone, number(purpose), &code, valid_until)?;
    Ok(code.into())
}

/// Opens a grant: until it expires, the account with the phone may set a new password once.
///
/// Errors: [`Error::NoSuchAccount`].
pub(crate) fn grant_reset(tx: &mut Tx<'_>, phone: &str) -> Result<()> {
    accounts::by_phone(tx.conn, phone)?.ok_or(Error::NoSuchAccount)?;
    let valid_until = tx.now + LIFETIME;
    verifications::put(tx, phone, GRANT, "", valid_until)
}

/// Uses up the code for registering with a phone; returns whether the code was right.
///
/// Errors: [`Error::PhoneExists`] for a right code of a phone that was registered meanwhile.
pub(crate) fn use_registration_code(tx: &mut Tx<'_>, phone: &str, code: &SecretString) -> Result<bool> {
    let right = try_code(tx, phone, number(Purpose::Register), code.expose_secret())?;
    if right && accounts::by_phone(tx.conn, phone)?.is_some() {
        return Err(Error::PhoneExists);
    }
    Ok(right)
}

/// Checks the proof with a request for a new password of the account with the phone, and uses up its code or, if there is
/// neither a session of the account nor a code, the grant. Returns whether the proof is valid.
pub(crate) fn use_reset_proof(
    tx: &mut Tx<'_>,
    account: AccountId,
    phone: &str,
    proof: &ResetProof,
) -> Result<bool> {
    match proof {
        ResetProof::NotNeeded => Ok(true),
        ResetProof::Of { session: Some(session), .. } if session.account() == account => Ok(true),
        ResetProof::Of { code: Some(code), .. } => {
            try_code(tx, phone, number(Purpose::Reset), code.expose_secret())
        }
        ResetProof::Of { code: None, .. } => try_code(tx, phone, GRANT, ""),
    }
}

/// Uses up a right code, or counts a wrong try.
fn try_code(tx: &mut Tx<'_>, phone: &str, purpose: i16, code: &str) -> Result<bool> {
    let Some(known) = verifications::find(tx.conn, phone, purpose)? else { return Ok(false) };
    let right = known.tries < TRIES
        && tx.now < known.valid_until
        && bool::from(known.digest.ct_eq(TokenHash::of(code).bytes()));
    if right {
        verifications::delete(tx, phone, purpose)?;
    } else {
        verifications::count_try(tx, phone, purpose, TRIES)?;
    }
    Ok(right)
}
