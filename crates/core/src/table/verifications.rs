//! Table `verifications`: codes sent to phones, and grants opened by operators.

use diesel::prelude::*;

use crate::{
    Result, UnixSeconds,
    model::session::TokenHash,
    store::{
        Tx,
        conn::{Conn, on},
        schema::verifications,
    },
};

/// A row, without its key.
#[derive(Queryable)]
pub(crate) struct VerificationRow {
    /// SHA-256 of the code.
    pub(crate) digest: Vec<u8>,
    /// Wrong tries so far.
    pub(crate) tries: i16,
    pub(crate) created_at: UnixSeconds,
    pub(crate) valid_until: UnixSeconds,
}

/// The code of a phone for a purpose.
pub(crate) fn find(conn: &mut Conn, phone: &str, purpose: i16) -> Result<Option<VerificationRow>> {
    Ok(on!(conn, |c| verifications::table
        .find((phone, purpose))
        .select((
            verifications::digest,
            verifications::tries,
            verifications::created_at,
            verifications::valid_until
        ))
        .first(c)
        .optional())?)
}

/// Stores a code, which replaces an older one and has no tries yet.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    phone: &str,
    purpose: i16,
    code: &str,
    valid_until: UnixSeconds,
) -> Result<()> {
    let values = (
        verifications::digest.eq(TokenHash::of(code).bytes().to_vec()),
        verifications::tries.eq(0_i16),
        verifications::created_at.eq(tx.now),
        verifications::valid_until.eq(valid_until),
    );
    on!(tx.conn, |c| diesel::insert_into(verifications::table)
        .values((verifications::phone.eq(phone), verifications::purpose.eq(purpose), values.clone()))
        .on_conflict((verifications::phone, verifications::purpose))
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

/// Deletes the code of a phone for a purpose.
pub(crate) fn delete(tx: &mut Tx<'_>, phone: &str, purpose: i16) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(verifications::table.find((phone, purpose))).execute(c))?;
    Ok(())
}

/// Counts a wrong try, up to `most`: the column has 16 bits, and an overflow would make the code valid again.
pub(crate) fn count_try(tx: &mut Tx<'_>, phone: &str, purpose: i16, most: i16) -> Result<()> {
    let row = verifications::table.find((phone, purpose));
    on!(tx.conn, |c| diesel::update(row.filter(verifications::tries.lt(most)))
        .set(verifications::tries.eq(verifications::tries + 1))
        .execute(c))?;
    Ok(())
}

/// Deletes every code and grant of a phone.
pub(crate) fn delete_of_phone(tx: &mut Tx<'_>, phone: &str) -> Result<()> {
    on!(tx.conn, |c| diesel::delete(verifications::table.filter(verifications::phone.eq(phone))).execute(c))?;
    Ok(())
}

/// Counts codes and grants in the future as made at `now`, so that they are valid until `valid_until`.
pub(crate) fn bring_back(conn: &mut Conn, now: UnixSeconds, valid_until: UnixSeconds) -> Result<()> {
    let ahead = verifications::table.filter(verifications::created_at.gt(now));
    let values = (verifications::created_at.eq(now), verifications::valid_until.eq(valid_until));
    on!(conn, |c| diesel::update(ahead).set(values).execute(c))?;
    Ok(())
}

/// Deletes every expired code and grant. They need no owner to be made, so their number would grow without limit.
pub(crate) fn delete_ended(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now;
    on!(tx.conn, |c| diesel::delete(verifications::table.filter(verifications::valid_until.le(now)))
        .execute(c))?;
    Ok(())
}
