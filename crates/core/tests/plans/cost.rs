//! Measures how many rows a statement visits.

use std::path::Path;

use diesel::{
    Connection as _, connection::SimpleConnection as _, pg::PgConnection, prelude::*, sql_types::Text,
};
use rusqlite::{Connection, StatementStatus, types};

use crate::statement::{Statement, Value};

/// Rows that a statement may visit beyond those it returns or changes.
const BASE: u64 = 200;
/// Rows that a statement may visit for each row that it returns or changes.
const PER_ROW: u64 = 10;

/// The cost of one run of a statement.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Rows visited, in tables and in indexes.
    pub(crate) visited: u64,
    /// Rows returned or changed.
    pub(crate) returned: u64,
}

impl Cost {
    pub(crate) fn is_bounded(&self) -> bool {
        self.visited <= BASE + PER_ROW * self.returned
    }
}

/// Runs statements, and undoes what they change.
pub(crate) trait Meter {
    /// The cost of a statement; `None` if it cannot be run, because the rows that it inserts are there already.
    fn cost(&mut self, statement: &Statement) -> Option<Cost>;
}

/// A SQLite file. SQLite counts no rows, but the instructions of its machine.
pub(crate) struct Sqlite(Connection);

/// Instructions for which a row counts as visited. A loop over an index takes three or more per row, and a row that is returned
/// whole takes about fifty.
const INSTRUCTIONS_PER_ROW: u64 = 8;

impl Sqlite {
    pub(crate) fn open(file: &Path) -> Self {
        let conn = Connection::open(file).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        Self(conn)
    }
}

impl Meter for Sqlite {
    fn cost(&mut self, statement: &Statement) -> Option<Cost> {
        self.0.execute_batch("BEGIN").unwrap();
        let cost = cost_in_sqlite(&self.0, statement);
        self.0.execute_batch("ROLLBACK").unwrap();
        cost
    }
}

fn cost_in_sqlite(conn: &Connection, statement: &Statement) -> Option<Cost> {
    let mut prepared = conn.prepare(&statement.sql).unwrap_or_else(|error| panic!("{error}: {statement:?}"));
    for (index, value) in statement.values.iter().enumerate() {
        let value = match value {
            Value::Null => types::Value::Null,
            Value::Integer(number) => types::Value::Integer(*number),
            Value::Real(number) => types::Value::Real(*number),
            Value::Bool(truth) => types::Value::Integer(i64::from(*truth)),
            Value::Text(text) => types::Value::Text(text.clone()),
            Value::Bytes(bytes) => types::Value::Blob(bytes.clone()),
            Value::Integers(bytes) => {
                types::Value::Blob(bytes.iter().map(|byte| u8::try_from(*byte).unwrap()).collect())
            }
            Value::List(_) => panic!("SQLite has no arrays: {statement:?}"),
        };
        prepared.raw_bind_parameter(index + 1, value).unwrap();
    }
    let before = conn.total_changes();
    let mut returned = 0;
    let mut rows = prepared.raw_query();
    loop {
        match rows.next() {
            Ok(Some(_)) => returned += 1,
            Ok(None) => break,
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::ConstraintViolation =>
            {
                return None;
            }
            Err(error) => panic!("{error}: {statement:?}"),
        }
    }
    drop(rows);
    let instructions = u64::try_from(prepared.get_status(StatementStatus::VmStep)).unwrap();
    let changed = conn.total_changes() - before;
    Some(Cost { visited: instructions / INSTRUCTIONS_PER_ROW, returned: changed.max(returned) })
}

/// A PostgreSQL database.
pub(crate) struct Postgres(PgConnection);

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    plan: String,
}

impl Postgres {
    /// Opens a connection with the settings of the core's sessions.
    pub(crate) fn open(url: &str) -> Self {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute(
            "SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan; \
             SET max_parallel_workers_per_gather = 0;",
        )
        .unwrap();
        Self(conn)
    }
}

impl Meter for Postgres {
    fn cost(&mut self, statement: &Statement) -> Option<Cost> {
        // An empty list visits nothing. A look at the feed of changes names the moment of the look before: done again later it
        // sees all that came since.
        if statement.values.contains(&Value::Integers(Vec::new()))
            || statement.sql.contains("pg_snapshot_xmin")
        {
            return None;
        }
        let list = |texts: Vec<String>| {
            if texts.is_empty() { String::new() } else { format!("({})", texts.join(", ")) }
        };
        let values = list(statement.values.iter().map(literal).collect());
        let types = list(statement.values.iter().map(|value| statement.type_of(value).to_owned()).collect());
        self.0
            .batch_execute(&format!("BEGIN; PREPARE measured{types} AS {}", statement.sql))
            .unwrap_or_else(|error| panic!("{error}: {statement:?}"));
        let explained =
            diesel::sql_query(format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE measured{values}"))
                .get_result::<Plan>(&mut self.0);
        self.0.batch_execute("ROLLBACK; DEALLOCATE ALL").unwrap();
        let plan = match explained {
            Ok(Plan { plan }) => plan,
            Err(diesel::result::Error::DatabaseError(kind, _))
                if !matches!(kind, diesel::result::DatabaseErrorKind::Unknown) =>
            {
                return None;
            }
            Err(error) => panic!("{error}: {statement:?}"),
        };
        let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
        let root = plan.pointer("/0/Plan").unwrap();
        // A node that changes rows returns none by itself.
        let changed =
            root["Plans"].as_array().into_iter().flatten().map(|node| rows(node, "Actual Rows")).max();
        let returned = rows(root, "Actual Rows")
            .max(changed.filter(|_| root["Node Type"] == "ModifyTable").unwrap_or(0));
        Some(Cost { visited: visited(root), returned })
    }
}

impl Statement {
    /// The type of a parameter in PostgreSQL, as far as the statement does not tell it.
    fn type_of(&self, value: &Value) -> &'static str {
        match value {
            _ if !self.sql.contains("unnest(") => "unknown",
            Value::Integers(_) => "bigint[]",
            Value::List(values) if matches!(values.first(), Some(Value::Bytes(_))) => "bytea[]",
            Value::List(_) => "text[]",
            _ => "unknown",
        }
    }
}

fn literal(value: &Value) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => quoted(text),
        Value::Bytes(bytes) => quoted(&hex(bytes)),
        Value::Integers(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            quoted(&format!("{{{}}}", numbers.join(",")))
        }
        Value::List(values) => {
            let values: Vec<String> = values.iter().map(element).collect();
            quoted(&format!("{{{}}}", values.join(",")))
        }
    }
}

/// An element in the text of an array.
fn element(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bytes(bytes) => format!("\"{}\"", hex(bytes).replace('\\', "\\\\")),
        Value::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        other => panic!("{other:?} is no element that a statement has"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("\\x".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// A number of rows of a node of a plan, over all its runs.
fn rows(node: &serde_json::Value, name: &str) -> u64 {
    let per_loop = node[name].as_f64().unwrap_or(0.0);
    let loops = node["Actual Loops"].as_f64().unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers of rows")]
    let rows = (per_loop * loops).round() as u64;
    rows
}

/// The rows that the scans of a plan visit.
fn visited(node: &serde_json::Value) -> u64 {
    let scans = node["Node Type"].as_str().is_some_and(|kind| kind.ends_with("Scan"));
    let own = if scans {
        ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"]
            .iter()
            .map(|name| rows(node, name))
            .sum()
    } else {
        0
    };
    own + node["Plans"].as_array().into_iter().flatten().map(visited).sum::<u64>()
}
