//! Lists the tables and the rows of a database.

use diesel::{prelude::*, sql_query};

use super::Line;
use crate::{
    DatabaseConfig, Error, StartError,
    store::conn::{Conn, on},
};

/// Every table of relive. `changes` exists in PostgreSQL only.
pub const TABLES: [&str; 20] = [
    "__diesel_schema_migrations",
    "accounts",
    "audience",
    "broadcasts",
    "changes",
    "counters",
    "follows",
    "head_pictures",
    "pushes",
    "recording_audience",
    "recording_files",
    "recordings",
    "reports",
    "revoked_codes",
    "rooms",
    "sessions",
    "settings",
    "short_videos",
    "stream_codes",
    "verifications",
];

const SQLITE_TABLES: &str = "SELECT name AS line FROM sqlite_master WHERE type = 'table' ORDER BY name";
const POSTGRES_TABLES: &str =
    "SELECT tablename::text AS line FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";

/// Lists relive's tables in a database, in alphabetical order; none in an empty database. Creates no table.
pub fn tables(config: &DatabaseConfig) -> Result<Vec<String>, StartError> {
    let mut conn = Conn::open(config)?;
    let found = found(&mut conn)?;
    Ok(found.into_iter().filter(|table| TABLES.contains(&table.as_str())).collect())
}

/// Lists every row of relive's tables as the text `<table>: <row>`, for comparing two databases of the same kind; the
/// rows of each table are sorted by text. Reads one table after the other, so stop the server before.
pub fn rows(config: &DatabaseConfig) -> Result<Vec<String>, StartError> {
    let mut conn = Conn::open(config)?;
    let mut rows = Vec::new();
    for table in found(&mut conn)?.iter().filter(|table| TABLES.contains(&table.as_str())) {
        let row = match &conn {
            Conn::Sqlite(_) => {
                let columns = lines(
                    &mut conn,
                    &format!(
                        "SELECT group_concat('quote(\"' || name || '\")', ' || '', '' || ') AS line \
                         FROM pragma_table_info('{table}')"
                    ),
                )?;
                columns.concat()
            }
            Conn::Postgres(_) => format!("{table}::text"),
        };
        rows.extend(lines(
            &mut conn,
            &format!("SELECT '{table}: ' || {row} AS line FROM {table} ORDER BY 1"),
        )?);
    }
    Ok(rows)
}

fn found(conn: &mut Conn) -> Result<Vec<String>, StartError> {
    let query = match conn {
        Conn::Sqlite(_) => SQLITE_TABLES,
        Conn::Postgres(_) => POSTGRES_TABLES,
    };
    lines(conn, query)
}

fn lines(conn: &mut Conn, query: &str) -> Result<Vec<String>, StartError> {
    let lines: QueryResult<Vec<Line>> = on!(conn, |c| sql_query(query).load(c));
    let lines = lines.map_err(|error| StartError::Load(Error::from(error)))?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn the_list_of_tables_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db")).database;
        assert!(tables(&config).unwrap().is_empty());
        crate::database::migrate(&config).unwrap();
        let mut conn = Conn::open(&config).unwrap();
        let mut all = found(&mut conn).unwrap();
        all.retain(|table| table != "sqlite_sequence");
        assert_eq!(tables(&config).unwrap(), all);
        let here = TABLES.into_iter().filter(|table| *table != "changes");
        assert_eq!(all, here.collect::<Vec<_>>());
    }

    #[test]
    fn the_text_of_a_row_has_every_column() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::sqlite(folder.path().join("relive.db")).database;
        crate::database::keep_secrets(&config, &[("b", "2'".to_owned()), ("a", "1".to_owned())]).unwrap();
        let rows = rows(&config).unwrap();
        let settings: Vec<_> = rows.iter().filter(|row| row.starts_with("settings: ")).collect();
        assert_eq!(settings, ["settings: 'secret.a', '1'", "settings: 'secret.b', '2'''"]);
        assert!(rows.iter().any(|row| row.starts_with("__diesel_schema_migrations: ")), "{rows:?}");
    }
}
