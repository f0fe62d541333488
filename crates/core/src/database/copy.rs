//! Copies a SQLite database into PostgreSQL.

use diesel::{
    connection::DefaultLoadingMode,
    dsl::sql,
    pg::PgConnection,
    prelude::*,
    sql_types::{BigInt, Bool, Text},
    sqlite::SqliteConnection,
};

use crate::{
    DatabaseConfig, Error, Result, StartError,
    database::secret_name,
    replica::load::last_position,
    store::{
        conn::Conn,
        lock::{ExclusiveLock, exclude},
        migrate::migrate,
        schema,
    },
};

/// Rows per `INSERT`: PostgreSQL accepts 65,535 parameters in one statement.
const CHUNK_ROWS: usize = 1_000;

/// The databases of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// The SQLite database that is read.
    pub from: &'a DatabaseConfig,
    /// The PostgreSQL database that is written.
    pub to: &'a DatabaseConfig,
}

/// Whether a command may run beside a server that uses the same database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Only without one: what a server writes meanwhile would be lost.
    Nobody,
    /// Also beside one, at the operator's risk.
    Servers,
}

/// Progress of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The table that is being copied.
    pub table: &'static str,
    /// Rows copied so far, of all tables.
    pub done: i64,
    /// Rows to copy, of all tables.
    pub total: i64,
}

/// Copies all rows of a SQLite database, and the generated secrets that are kept in files beside it (by key), into an
/// empty PostgreSQL database, and compares the number of rows of each table. Migrates both databases first. Rows that are
/// written to the source meanwhile are not copied. Returns the number of rows copied; after a failure the target is as empty
/// as before.
///
/// Errors: [`StartError::NotACopy`] if the databases are of other kinds, or if the target is not empty,
/// [`StartError::InUse`] if a server uses one of them and `beside` is [`Beside::Nobody`].
pub fn copy(
    databases: Transfer<'_>,
    secrets: &[(&str, String)],
    beside: Beside,
    mut progress: impl FnMut(Progress),
) -> std::result::Result<i64, StartError> {
    let (mut source, mut target) = (Conn::open(databases.from)?, Conn::open(databases.to)?);
    if !matches!((&source, &target), (Conn::Sqlite(_), Conn::Postgres(_))) {
        return Err(StartError::NotACopy("only from sqlite:// to postgres://"));
    }
    let _lock = match beside {
        Beside::Nobody => {
            exclude(&mut target, databases.to)?;
            Some(ExclusiveLock::take(databases.from)?)
        }
        Beside::Servers => None,
    };
    migrate(&mut source)?;
    migrate(&mut target)?;
    source.begin_snapshot().map_err(StartError::Load)?;
    let position = last_position(&mut source).map_err(StartError::Load)?;
    let (Conn::Sqlite(source), Conn::Postgres(target)) = (&mut source, &mut target) else {
        return Err(StartError::NotACopy("only from sqlite:// to postgres://"));
    };
    let mut empty = true;
    let copied = target.transaction(|target| {
        empty = is_empty(target)?;
        if !empty {
            return Ok(0);
        }
        let rows = copy_tables(source, target, position, &mut progress)?;
        for (key, text) in secrets {
            let row = (schema::settings::name.eq(secret_name(key)), schema::settings::value.eq(text));
            diesel::insert_into(schema::settings::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(target)?;
        }
        Ok(rows)
    });
    if empty {
        copied.map_err(StartError::Load)
    } else {
        Err(StartError::NotACopy("the target is not empty"))
    }
}

fn is_empty(target: &mut PgConnection) -> Result<bool> {
    Ok(diesel::select(sql::<Bool>(
        "NOT EXISTS (SELECT FROM accounts) AND NOT EXISTS (SELECT FROM verifications) \
         AND NOT EXISTS (SELECT FROM settings)",
    ))
    .get_result(target)?)
}

/// Defines a module per table, with its row and its `copy` function, and `copy_tables`, which calls all of them.
macro_rules! tables {
    ($( $table:ident { $( $column:ident: $type:ty ),+ } )+) => {
        $( mod $table {
            use super::*;
            use crate::store::schema::$table;

            #[derive(Queryable, Insertable)]
            #[diesel(table_name = $table)]
            struct Row { $( $column: $type ),+ }

            pub(super) fn count(source: &mut SqliteConnection) -> Result<i64> {
                Ok($table::table.count().get_result(source)?)
            }

            pub(super) fn copy(
                source: &mut SqliteConnection,
                target: &mut PgConnection,
                mut copied: impl FnMut(usize),
            ) -> Result<()> {
                let mut chunk: Vec<Row> = Vec::with_capacity(CHUNK_ROWS);
                let mut sent = 0;
                let mut send = |chunk: &mut Vec<Row>| -> Result<()> {
                    diesel::insert_into($table::table).values(&*chunk).execute(target)?;
                    sent += chunk.len();
                    copied(chunk.len());
                    chunk.clear();
                    Ok(())
                };
                for row in $table::table.load_iter::<Row, DefaultLoadingMode>(source)? {
                    chunk.push(row?);
                    if chunk.len() == CHUNK_ROWS {
                        send(&mut chunk)?;
                    }
                }
                send(&mut chunk)?;
                let arrived: i64 = $table::table.count().get_result(target)?;
                if usize::try_from(arrived) == Ok(sent) {
                    Ok(())
                } else {
                    let text = format!("{}: {sent} rows copied, {arrived} arrived", stringify!($table));
                    Err(Error::Storage(text.into()))
                }
            }
        } )+

        fn copy_tables(
            source: &mut SqliteConnection,
            target: &mut PgConnection,
            position: i64,
            progress: &mut impl FnMut(Progress),
        ) -> Result<i64> {
            let total = 0 $( + $table::count(source)? )+;
            let mut done = 0;
            $(
                $table::copy(source, target, |rows| {
                    done += i64::try_from(rows).unwrap_or(0);
                    progress(Progress { table: stringify!($table), done, total });
                })?;
            )+
            continue_sequences(source, target, position)?;
            Ok(done)
        }
    };
}

tables! {
    accounts {
        id: i64, user_id: String, folded: String, password: Option<String>, phone: Option<String>,
        email: Option<String>, nickname: String, avatar: String, sex: i16, frontcover: String, address: String,
        head_picture: Option<i64>, created_at: i64, imported: bool, password_set_at: Option<i64>
    }
    head_pictures { id: i64, account_id: i64, bytes: Vec<u8> }
    sessions {
        digest: Vec<u8>, dialect: i16, account_id: i64, token: Option<String>, refresh_digest: Option<Vec<u8>>,
        refresh_until: Option<i64>, opened_at: i64, used_at: i64, cursors: String
    }
    rooms {
        number: i64, account_id: i64, broadcast_id: Option<i64>, named: bool, name: String, description: String,
        topic: String, anchor_password: String, assist_password: String, user_password: String, plan_title: String,
        plan_cover: String, plan_location: String, planned_at: Option<i64>, hint_name: String, hint_cover: String,
        followers: i64
    }
    broadcasts {
        id: i64, account_id: i64, room: i64, driver: i16, state: i16, title: String, cover: String,
        location: String, nickname: Option<String>, avatar: Option<String>, group_id: Option<String>, kind: String,
        app: Option<i64>, device: Option<i16>, screen: bool, longitude: Option<f64>, latitude: Option<f64>,
        place: String, stream_code: String, push_sequence: Option<String>, started_at: i64, ended_at: Option<i64>,
        beat_at: i64, lease: Option<i64>, aired_at: Option<i64>, group_folded: Option<String>,
        room_info: Option<String>, anchor_name: Option<String>, anchor_avatar: Option<String>,
        custom_fields: Option<String>, opened_from: Option<String>
    }
    counters { broadcast_id: i64, account_id: i64, counted_likes: i64, host_likes: i64, anonymous: i64, version: i64 }
    audience {
        host_id: i64, account_id: i64, role: i16, dialect: i16, group_id: Option<String>, listed: bool,
        nickname: Option<String>, avatar: Option<String>, position: i64, beat_at: i64, session: Option<Vec<u8>>,
        info: Option<String>, stream_code: Option<String>, anchor_position: Option<i64>
    }
    recordings {
        id: i64, account_id: i64, file_id: String, file_name: String, title: String, cover: String,
        location: String, nickname: String, avatar: String, play_url: String, play_rank: i16, hls_url: String,
        start_at: i64, end_at: i64, duration: i64, size: i64, likes: i64, viewers: i64, stored_at: i64
    }
    recording_files { account_id: i64, file_id: String, recording_id: i64, format: i16 }
    recording_audience {
        recording_id: i64, account_id: i64, nickname: String, avatar: String, position: i64
    }
    short_videos {
        id: i64, account_id: i64, file_id: String, title: String, cover: String, location: String,
        play_url: String, nickname: Option<String>, avatar: Option<String>, created_at: i64
    }
    follows { account_id: i64, room: i64 }
    stream_codes { kind: i16, code: String, account_id: i64, purpose: i16, kept_until: Option<i64> }
    pushes { code: String, account_id: i64, sequence: Option<String>, began_at: i64 }
    revoked_codes { code: String, account_id: i64, valid_from: i64 }
    verifications {
        phone: String, purpose: i16, digest: Vec<u8>, tries: i16, created_at: i64, valid_until: i64
    }
    reports { id: i64, reporter_id: i64, host_id: i64, reported_at: i64 }
    settings { name: String, value: String }
}

#[derive(QueryableByName)]
/// One row of `sqlite_sequence`: a table and the last number given to one of its rows.
struct Sequence {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
}

/// Continues the sequences of the source, so that the number of a deleted row is not given to another one.
fn continue_sequences(source: &mut SqliteConnection, target: &mut PgConnection, position: i64) -> Result<()> {
    let sequences: Vec<Sequence> =
        diesel::sql_query("SELECT name, seq FROM sqlite_sequence WHERE seq > 0").load(source)?;
    for Sequence { name, seq } in sequences {
        let column = if name == "rooms" { "number" } else { "id" };
        diesel::sql_query("SELECT setval(pg_get_serial_sequence($1, $2), $3)")
            .bind::<Text, _>(name)
            .bind::<Text, _>(column)
            .bind::<BigInt, _>(seq)
            .execute(target)?;
    }
    diesel::sql_query("SELECT setval('positions', greatest($1, 1))")
        .bind::<BigInt, _>(position)
        .execute(target)?;
    Ok(())
}
