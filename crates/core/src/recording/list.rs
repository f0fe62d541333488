//! Lists of recordings, one recording by name.

use std::sync::Arc;

use diesel::{
    prelude::*,
    sql_types::{Integer, Text},
};

use super::{Recording, RecordingRow, Recordings};
use crate::{
    Page, Result, UnixSeconds, Window,
    store::{
        conn::{Conn, on},
        schema::{accounts, recordings},
    },
};

/// Which recordings a list shows. Those without any URL are in no list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Only those with a URL of a file.
    pub with_play_url: bool,
    /// Only those that ended later than this.
    pub ended_after: Option<UnixSeconds>,
    /// Only those of this user.
    pub owner: Option<String>,
    /// Only those whose file name begins so.
    pub file_name_prefix: Option<String>,
}

/// How a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingOrder {
    /// Latest end first, equal ends: the later stored first.
    Ended,
    /// The later stored first.
    Stored,
}

impl Recordings<'_> {
    /// A page of a list, and how long the list is. The lists of what ended last come from memory, as far as that
    /// reaches.
    pub async fn list(
        &self,
        filter: RecordingFilter,
        order: RecordingOrder,
        window: Window,
    ) -> Result<Page<Arc<Recording>>> {
        self.0.expire_due().await?;
        if let Some(page) = self.0.memory().live().replays().page(&filter, order, window) {
            return Ok(page);
        }
        self.0.store().snapshot(move |conn| page(conn, &filter, order, window)).await
    }

    /// The recording of an owner with that file id, listed or not.
    pub async fn find(&self, owner: &str, file_id: &str) -> Result<Option<Recording>> {
        let (owner, file_id) = (owner.to_owned(), file_id.to_owned());
        let row = self
            .0
            .store()
            .read(move |conn| {
                Ok(on!(conn, |c| recordings::table
                    .inner_join(accounts::table)
                    .filter(accounts::user_id.eq(owner).and(recordings::file_id.eq(file_id)))
                    .select((
                        recordings::all_columns,
                        accounts::user_id,
                        accounts::nickname,
                        accounts::avatar
                    ))
                    .first(c)
                    .optional())?)
            })
            .await?;
        Ok(row.map(RecordingRow::into_recording))
    }
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// `length` characters of a text, from the first (1) on.
    fn substr(text: Text, from: Integer, length: Integer) -> Text;
}

/// The recordings a filter lets through, with their owners: a query to go on with.
macro_rules! filtered {
    ($filter:expr) => {{
        let filter: &RecordingFilter = $filter;
        let mut query = recordings::table.inner_join(accounts::table).into_boxed();
        query = if filter.with_play_url {
            query.filter(recordings::play_url.ne(""))
        } else {
            query.filter(recordings::play_url.ne("").or(recordings::hls_url.ne("")))
        };
        if let Some(after) = filter.ended_after {
            query = query.filter(recordings::end_at.gt(after));
        }
        if let Some(owner) = &filter.owner {
            query = query.filter(accounts::user_id.eq(owner));
        }
        if let Some(prefix) = &filter.file_name_prefix {
            // Not LIKE: SQLite's ignores case, PostgreSQL's does not.
            let length = i32::try_from(prefix.chars().count()).unwrap_or(i32::MAX);
            query = query.filter(substr(recordings::file_name, 1, length).eq(prefix));
        }
        query
    }};
}

fn page(
    conn: &mut Conn,
    filter: &RecordingFilter,
    order: RecordingOrder,
    window: Window,
) -> Result<Page<Arc<Recording>>> {
    let rows: Vec<_> = on!(conn, |c| {
        let query = match order {
            RecordingOrder::Ended => {
                filtered!(filter).order((recordings::end_at.desc(), recordings::id.desc()))
            }
            RecordingOrder::Stored => filtered!(filter).order(recordings::id.desc()),
        };
        query
            .select((recordings::all_columns, accounts::user_id, accounts::nickname, accounts::avatar))
            .limit(window.sql_limit())
            .offset(window.sql_offset())
            .load(c)
    })?;
    Page::read(
        window,
        rows.into_iter().map(|row| Arc::new(RecordingRow::into_recording(row))).collect(),
        || Ok(on!(conn, |c| filtered!(filter).count().get_result(c))?),
    )
}
