//! Reports of users about hosts. They are kept for the operator and do nothing by themselves.

use diesel::prelude::*;

use crate::{
    Accounts, Result,
    account::{self, Actor},
    store::{conn::on, schema::reports},
};

impl Accounts<'_> {
    /// Keeps a report about a host. Without effect for a host nobody knows.
    ///
    /// Errors: [`Error::ProofRequired`](crate::Error::ProofRequired).
    pub async fn report(&self, reporter: Actor, host: &str) -> Result<()> {
        let host = host.to_owned();
        self.0
            .store()
            .write(move |tx| {
                let reporter = account::acting(tx, &reporter)?.id;
                let Some(host) = account::by_user_id(tx.conn, &host)? else { return Ok(()) };
                on!(tx.conn, |c| diesel::insert_into(reports::table)
                    .values((
                        reports::reporter_id.eq(reporter),
                        reports::host_id.eq(host.id),
                        reports::reported_at.eq(tx.now),
                    ))
                    .execute(c))?;
                Ok(())
            })
            .await
    }
}
