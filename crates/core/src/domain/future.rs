//! Stored times in the future, which a clock that was wrong has made, count as now.

use crate::{
    Result, Seconds,
    domain::verification,
    store::{Tx, conn::Conn},
    table::{audience, broadcasts, pushes, sessions, verifications},
};

/// Moves beats back with the time, by a negative length or none, and counts those in the future as now. With PostgreSQL only the
/// latter, because every gateway does it.
pub(crate) fn set_beats_back(tx: &mut Tx<'_>, by: Seconds) -> Result<()> {
    if by < Seconds(0)
        && let Conn::Sqlite(_) = tx.conn
    {
        audience::shift_beats(tx.conn, by)?;
        broadcasts::shift_beats(tx.conn, by)?;
    }
    audience::bring_beats_back(tx.conn, tx.now)?;
    broadcasts::bring_beats_back(tx.conn, tx.now)
}

/// Counts the other stored times in the future as now. The clock must be trusted: a clock that is wrong, such as that of a
/// machine that boots without one, would take all times for times in the future.
pub(crate) fn bring_back(tx: &mut Tx<'_>) -> Result<()> {
    let refresh_until = tx.now + tx.config().sessions.v2_refresh_ttl;
    sessions::bring_back(tx.conn, tx.now, refresh_until)?;
    verifications::bring_back(tx.conn, tx.now, tx.now + verification::LIFETIME)?;
    // Revocations stay: a URL that one of them refuses must not be valid again because a clock went back and forth.
    pushes::bring_back(tx.conn, tx.now)
}
