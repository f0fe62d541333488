//! Stored times in the future, which a clock that was wrong has made, count as now.

use crate::{
    Result, UnixSeconds,
    domain::verification,
    store::{Tx, conn::Conn},
    table::{audience, broadcasts, pushes, revoked_codes, sessions, verifications},
};

/// Counts beats in the future as now. A client that beat then has the grace that begins now.
pub(crate) fn bring_beats_back(conn: &mut Conn, now: UnixSeconds) -> Result<()> {
    audience::bring_beats_back(conn, now)?;
    broadcasts::bring_beats_back(conn, now)
}

/// Counts the other stored times in the future as now. The clock must be trusted: a clock that is wrong, such as that of a
/// machine that boots without one, would take all times for times in the future.
pub(crate) fn bring_back(tx: &mut Tx<'_>) -> Result<()> {
    let refresh_until = tx.now + tx.config().sessions.v2_refresh_ttl;
    sessions::bring_back(tx.conn, tx.now, refresh_until)?;
    verifications::bring_back(tx.conn, tx.now, tx.now + verification::LIFETIME)?;
    pushes::bring_back(tx.conn, tx.now)?;
    revoked_codes::bring_back(tx.conn, tx.now)
}
