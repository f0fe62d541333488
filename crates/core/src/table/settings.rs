//! Table `settings`: values by name.

use diesel::prelude::*;

use crate::{
    Result,
    store::{
        Tx,
        conn::{Conn, on},
        prepared::prepared,
        schema::settings,
    },
};

/// Writes the current time, which proves that the database accepts writes.
pub(crate) fn probe(tx: &mut Tx<'_>) -> Result<()> {
    let now = tx.now.to_string();
    on!(tx.conn, |c| prepared!(
        diesel::insert_into(settings::table)
            .values((settings::name.eq("probe"), settings::value.eq(&now)))
            .on_conflict(settings::name)
            .do_update()
            .set(settings::value.eq(&now))
    )
    .run(c))?;
    Ok(())
}

/// The value of a name.
pub(crate) fn value(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    Ok(on!(conn, |c| settings::table.find(name).select(settings::value).first(c).optional())?)
}

/// Sets the value of a name.
pub(crate) fn set(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    on!(conn, |c| diesel::insert_into(settings::table)
        .values((settings::name.eq(name), settings::value.eq(value)))
        .on_conflict(settings::name)
        .do_update()
        .set(settings::value.eq(value))
        .execute(c))?;
    Ok(())
}
