//! Gives SQLite's write-ahead log its full size before it is needed.
//!
//! A commit that makes the file longer has to sync the file's new length, which costs several times the commit itself. A log
//! of full size is overwritten from its beginning after every checkpoint. SQLite reads zeros behind the last frame as the end
//! of the log, as after any checkpoint.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::connection::LOG_PAGES;
use crate::{Result, causes, store::conn::Conn};

/// The size in bytes: pages with their frame headers, and room for the commit that goes beyond [`LOG_PAGES`].
const SIZE: u64 = (LOG_PAGES + 256) * (4_096 + 24);

/// Grows the log of a database to its full size. On a full disk the log stays as it is.
pub(super) fn grow(conn: &mut Conn, database: &str) -> Result<()> {
    // While this transaction holds the write lock, no other connection changes the log.
    conn.execute("BEGIN IMMEDIATE")?;
    let grown = fill(&PathBuf::from(format!("{database}-wal")));
    conn.execute("ROLLBACK")?;
    if let Err(error) = grown {
        tracing::warn!(error = %causes(&error), "the log could not be given its size");
    }
    Ok(())
}

fn fill(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    let before = file.metadata()?.len();
    let written = append(&mut file, SIZE.saturating_sub(before));
    if written.is_err() {
        file.set_len(before)?;
    }
    written
}

fn append(file: &mut File, mut missing: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
    while missing > 0 {
        let some = ZEROS.get(..usize::try_from(missing).unwrap_or(usize::MAX)).unwrap_or(&ZEROS);
        file.write_all(some)?;
        missing -= some.len() as u64;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::{Config, store::schema::settings};

    #[test]
    fn commits_before_and_after_growing_the_log_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("relive.db");
        let config = Config::sqlite(&path).database;
        let mut conn = Conn::open(&config).unwrap();
        crate::store::migrate::migrate(&mut conn).unwrap();
        let write = |conn: &mut Conn, name: &str| {
            let Conn::Sqlite(conn) = conn else { panic!("SQLite") };
            let row = (settings::name.eq(name), settings::value.eq("x"));
            diesel::insert_into(settings::table).values(row).execute(conn).unwrap();
        };
        write(&mut conn, "before");
        grow(&mut conn, &path.display().to_string()).unwrap();
        let log = folder.path().join("relive.db-wal");
        assert_eq!(log.metadata().unwrap().len(), SIZE);
        write(&mut conn, "after");
        assert_eq!(log.metadata().unwrap().len(), SIZE, "the zeros are overwritten");
        // As after a crash: another connection opens copies of the files.
        let copy = folder.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(&log, folder.path().join("copy.db-wal")).unwrap();
        let Conn::Sqlite(mut copy) = Conn::open(&Config::sqlite(&copy).database).unwrap() else { panic!() };
        let names: Vec<String> =
            settings::table.select(settings::name).order(settings::name).load(&mut copy).unwrap();
        assert_eq!(names, ["after", "before"]);
    }
}
