//! Custom fields of live rooms (contract roomservice §4.13).

use super::{anchor::is_anchor, lookup::find};
use crate::{
    AccountId, Error, FieldChange, GroupId, Result, State,
    limit::Limit,
    store::Tx,
    table::{accounts, broadcasts},
};

/// Changes a custom field of a live room on air, of any dialect.
///
/// Errors: [`Error::NotOnAir`]; [`Error::NotAnAnchor`] if a viewer sets a value; [`Error::FieldRefused`]; [`Error::RateLimited`].
pub(crate) fn change(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: &GroupId,
    name: &str,
    change: &FieldChange,
) -> Result<()> {
    let room = find(tx, id)?.filter(|row| row.state == State::OnAir).ok_or(Error::NotOnAir)?;
    let is_anchor = is_anchor(tx, &room, account)?;
    if matches!(change, FieldChange::Set(_)) && !is_anchor {
        return Err(Error::NotAnAnchor);
    }
    tx.spend(Limit::Counts)?;
    let mut fields = room.fields();
    fields.apply(name, change.clone(), is_anchor)?;
    let host = accounts::by_id(tx.conn, room.account_id)?.ok_or(Error::NotOnAir)?;
    broadcasts::set_fields(tx, &room, &host, &fields)
}
