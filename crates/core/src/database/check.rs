//! Finds damage in a database, and rows that stand in each other's way.

use std::{collections::BTreeMap, fmt};

use diesel::{prelude::*, sql_types::Text};

use crate::{
    DatabaseConfig, Error, Result, StartError,
    model::stream::live_of_link_mic,
    store::conn::{Conn, on},
};

/// Faults that SQLite finds in its pages and indexes.
const SQLITE_PAGES: &str = "SELECT 'damage in pages or indexes' AS problem, integrity_check AS subject \
     FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
/// Rows that refer to missing rows.
const SQLITE_REFERENCES: &str = "SELECT \"table\" || ' that refer to a missing row of ' || parent AS problem, \
     'row ' || coalesce(rowid, '?') AS subject FROM pragma_foreign_key_check";
/// Indexes and constraints that PostgreSQL ignores because it failed to create them.
const POSTGRES_PARTS: &str = "SELECT 'indexes that are not valid' AS problem, indexrelid::regclass::text AS subject FROM pg_index \
     JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid \
     UNION ALL SELECT 'constraints that are not valid', conname || ' of ' || conrelid::regclass FROM pg_constraint \
     WHERE connamespace = current_schema()::regnamespace AND NOT convalidated";
/// Rooms that name a missing broadcast: neither database has a constraint for that. The broadcast is NULL before the first one.
const ROOMS: &str = "SELECT 'rooms that name a missing broadcast' AS problem, CAST(number AS TEXT) AS subject FROM rooms \
     WHERE broadcast_id IS NOT NULL AND broadcast_id NOT IN (SELECT id FROM broadcasts) ORDER BY number";

/// Codes of lives whose last 32 characters are the digest of another account's sxb room.
const CODES_LIKE_ROOMS: &str = "SELECT live.code AS code, own.user_id AS owner, other.user_id AS other \
     FROM stream_codes AS live \
     JOIN stream_codes AS room ON room.kind = 1 AND room.code = substr(live.code, length(live.code) - 31) \
     JOIN accounts AS own ON own.id = live.account_id JOIN accounts AS other ON other.id = room.account_id \
     WHERE live.kind = 0 AND live.account_id <> room.account_id ORDER BY live.code";
/// Codes of lives that begin with the code of another account's live and have one more part of eight characters.
const CODES_LIKE_LINK_MICS: &str = "SELECT live.code AS code, own.user_id AS owner, other.user_id AS other \
     FROM stream_codes AS live \
     JOIN stream_codes AS host ON host.kind = 0 AND host.code = substr(live.code, 1, length(live.code) - 9) \
     JOIN accounts AS own ON own.id = live.account_id JOIN accounts AS other ON other.id = host.account_id \
     WHERE live.kind = 0 AND live.purpose = 0 AND host.purpose = 0 AND live.account_id <> host.account_id ORDER BY live.code";

/// Subjects of a problem that are shown; the others are counted.
const SHOWN: usize = 10;

/// A kind of problem, and what has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The problem, such as `rooms that name a missing broadcast`.
    pub what: String,
    /// What has it, such as a room number; at least one.
    pub subjects: Vec<String>,
}

/// `<problem>: <subject>, <subject>, …`, in one line, with ten subjects at most.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.subjects.get(..SHOWN).unwrap_or(&self.subjects);
        write!(f, "{}: {}", self.what, shown.join(", "))?;
        match self.subjects.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    problem: String,
    #[diesel(sql_type = Text)]
    subject: String,
}

/// Checks the pages, the indexes and the references between the rows of a database. Returns the kinds of damage, none for a
/// sound database. The pages of PostgreSQL are not checked: `pg_amcheck` does that.
pub fn damage(config: &DatabaseConfig) -> Result<Vec<Problem>, StartError> {
    let mut conn = Conn::open(config)?;
    let queries: &[&str] = match conn {
        Conn::Sqlite(_) => &[SQLITE_PAGES, SQLITE_REFERENCES, ROOMS],
        Conn::Postgres(_) => &[POSTGRES_PARTS, ROOMS],
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for query in queries {
        let rows: Vec<Found> = on!(&mut conn, |c| diesel::sql_query(*query).load(c))
            .map_err(|error| StartError::Load(error.into()))?;
        for row in rows {
            found.entry(row.problem).or_default().push(row.subject);
        }
    }
    Ok(found.into_iter().map(|(what, subjects)| Problem { what, subjects }).collect())
}

#[derive(QueryableByName)]
struct Likeness {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    other: String,
}

/// Finds stored stream codes of one account that have the form of another account's streams. Earlier versions gave such a code
/// to any guest whose user id makes it (contract tencent-cloud §0). Such guests should be deleted.
pub fn collisions(config: &DatabaseConfig) -> Result<Vec<Problem>, StartError> {
    let mut conn = Conn::open(config)?;
    let mut load = |query: &str| -> Result<Vec<Likeness>, StartError> {
        on!(&mut conn, |c| diesel::sql_query(query).load(c))
            .map_err(|error| StartError::Load(Error::from(error)))
    };
    let rooms = load(CODES_LIKE_ROOMS)?;
    let mut link_mics = load(CODES_LIKE_LINK_MICS)?;
    link_mics.retain(|found| live_of_link_mic(&found.code).is_some());
    let problem = |what: &str, found: Vec<Likeness>| Problem {
        what: what.to_owned(),
        subjects: found
            .into_iter()
            .map(|it| format!("{} of {}, like {}", it.code, it.owner, it.other))
            .collect(),
    };
    Ok([
        problem("stream codes that look like those of another account's sxb room", rooms),
        problem("stream codes that look like those of another account's link-mic stream", link_mics),
    ]
    .into_iter()
    .filter(|problem| !problem.subjects.is_empty())
    .collect())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use diesel::connection::SimpleConnection as _;

    use super::*;
    use crate::{Config, database::Scratch};

    const ACCOUNTS: &str = "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) VALUES \
         (7, 'anna', 'anna', '', '', 0, '', '', 1), (8, 'bob', 'bob', '', '', 0, '', '', 1);";

    fn room(number: i64, account: i64, broadcast: Option<i64>) -> String {
        let broadcast = broadcast.map_or("NULL".to_owned(), |id| id.to_string());
        format!(
            "INSERT INTO rooms (number, account_id, broadcast_id, named, name, description, topic, anchor_password, \
             assist_password, user_password, plan_title, plan_cover, plan_location, hint_name, hint_cover) \
             VALUES ({number}, {account}, {broadcast}, FALSE, '', '', '', '', '', '', '', '', '', '', '');"
        )
    }

    /// What the checks find in a new database with some rows: in SQLite, and in PostgreSQL if the tests have one.
    #[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
    fn found(rows: &str) -> [Vec<String>; 2] {
        let folder = tempfile::tempdir().unwrap();
        let mut configs = vec![Config::sqlite(folder.path().join("relive.db")).database];
        let scratch = std::env::var("RELIVE_TEST_POSTGRES").ok().map(|url| Scratch::empty(&url).unwrap());
        if let Some(scratch) = &scratch {
            configs.push(DatabaseConfig { url: scratch.url().to_owned(), ..configs[0].clone() });
        }
        let texts = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect::<Vec<_>>();
        let mut found = configs.iter().map(|config| {
            crate::database::migrate(config).unwrap();
            let mut conn = Conn::open(config).unwrap();
            on!(&mut conn, |c| c.batch_execute(&format!("{ACCOUNTS} {rows}"))).unwrap();
            [texts(damage(config).unwrap()), texts(collisions(config).unwrap())]
        });
        let first = found.next().unwrap();
        assert!(found.all(|other| other == first), "both databases are checked alike");
        first
    }

    #[test]
    fn a_room_that_never_had_a_broadcast_is_sound() {
        let sound = [const { Vec::<String>::new() }; 2];
        assert_eq!(found(""), sound);
        assert_eq!(found(&room(10_001, 7, None)), sound);
    }

    #[test]
    fn repeated_problems_are_summed_up() {
        let mut rows = String::new();
        for id in 100..112 {
            write!(
                rows,
                "INSERT INTO accounts (id, user_id, folded, nickname, avatar, sex, frontcover, address, created_at) \
                 VALUES ({id}, 'u{id}', 'u{id}', '', '', 0, '', '', 1); {}",
                room(10_000 + id, id, Some(5))
            )
            .unwrap();
        }
        let listed: Vec<String> = (10_100..10_110).map(|number| number.to_string()).collect();
        let text = format!("rooms that name a missing broadcast: {} and 2 more", listed.join(", "));
        assert_eq!(found(&rows), [vec![text], vec![]]);
        assert_eq!(found(&room(10_001, 7, Some(5)))[0], ["rooms that name a missing broadcast: 10001"]);
    }

    #[test]
    fn codes_that_look_like_those_of_another_account_are_found() {
        let digest = "0123456789abcdef0123456789abcdef";
        let codes = |purpose: i16| {
            format!(
                "INSERT INTO stream_codes (kind, code, account_id, purpose) VALUES \
                 (0, '1000_{digest}', 7, 0), (0, '1000_10001_{digest}', 8, 0), (1, '{digest}', 8, 0), \
                 (0, '1000_anna', 7, 0), (0, '1000_anna_6b091472', 8, {purpose}), (0, '1000_anna_lee', 8, 0), \
                 (0, '1000_anna_r', 7, 2), (0, '1000_anna_r_f6ca8c89', 8, 0);"
            )
        };
        let rooms = format!(
            "stream codes that look like those of another account's sxb room: 1000_{digest} of anna, like bob"
        );
        let link_mics = "stream codes that look like those of another account's link-mic stream: \
                         1000_anna_6b091472 of bob, like anna";
        assert_eq!(found(&codes(0)), [vec![], vec![rooms.clone(), link_mics.to_owned()]]);
        assert_eq!(found(&codes(1)), [vec![], vec![rooms]], "a real link-mic stream");
    }
}
