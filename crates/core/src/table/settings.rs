//! Table `settings`: values by name.

use diesel::prelude::*;

use crate::{
    Result,
    store::{Tx, conn::on, prepared::prepared, schema::settings},
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
