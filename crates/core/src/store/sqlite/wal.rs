//! SQLite's write-ahead log, given its size before it is needed.
//!
//! A commit that makes the log longer has to write down that it is longer, which costs several times what writing the
//! commit itself does. A log that has its size is written from its beginning again after every checkpoint. Zeros behind
//! the last frame are no frames: that is how the end of a log looks after any checkpoint, too.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::connection::LOG_PAGES;
use crate::{Result, causes, store::conn::Conn};

/// A page and what the log keeps with it, and some room for the commit that goes beyond [`LOG_PAGES`].
const SIZE: u64 = (LOG_PAGES + 256) * (4_096 + 24);

/// Gives the log of a database its size. On a disk that is too full it stays as it is.
pub(super) fn grow(conn: &mut Conn, database: &str) -> Result<()> {
    // With the lock nobody else makes the log longer meanwhile.
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
    fn what_was_committed_before_and_after_is_there() {
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
        assert_eq!(log.metadata().unwrap().len(), SIZE, "the zeros are written over");
        // As after a crash: somebody else opens what is on the disk.
        let copy = folder.path().join("copy.db");
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(&log, folder.path().join("copy.db-wal")).unwrap();
        let Conn::Sqlite(mut copy) = Conn::open(&Config::sqlite(&copy).database).unwrap() else { panic!() };
        let names: Vec<String> =
            settings::table.select(settings::name).order(settings::name).load(&mut copy).unwrap();
        assert_eq!(names, ["after", "before"]);
    }
}
