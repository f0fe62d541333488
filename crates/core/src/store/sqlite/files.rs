//! Notices that the files of the database are no longer those that the writer has open.
//!
//! A file that was deleted, replaced or cut short takes writes as before, and none of them is there after the next start.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Time between two checks.
const PERIOD: Duration = Duration::from_secs(1);

/// A file at a path, as it was when it was last looked at.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    device: u64,
    inode: u64,
    length: u64,
}

impl Watched {
    fn new(path: PathBuf) -> io::Result<Self> {
        let found = fs::metadata(&path)?;
        Ok(Self { path, device: found.dev(), inode: found.ino(), length: found.len() })
    }

    /// What happened to the file, if it is not the same as before. A file that cannot be looked at counts as the same.
    fn fault(&mut self) -> Option<&'static str> {
        let is_same = |found: &Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some("was deleted or moved"),
            Err(_) => None,
            Ok(found) if !is_same(&found) => Some("was replaced"),
            Ok(found) if found.len() < self.length => Some("was cut short"),
            Ok(found) => {
                self.length = found.len();
                None
            }
        }
    }
}

/// The database file and its log.
#[derive(Debug)]
pub(super) struct DatabaseFiles {
    watched: Vec<Watched>,
    checked: Instant,
}

impl DatabaseFiles {
    /// The files as they are now. The database has been opened, and its log has its full size.
    pub(super) fn of(database: &str) -> Self {
        let paths = [database.to_owned(), format!("{database}-wal")];
        let watched = paths.into_iter().filter_map(|path| Watched::new(path.into()).ok()).collect();
        Self { watched, checked: Instant::now() }
    }

    /// Looks at the files once a second. Returns the file that writes must not go to any more, and what happened to it.
    pub(super) fn fault(&mut self) -> Option<String> {
        if self.checked.elapsed() < PERIOD {
            return None;
        }
        self.checked = Instant::now();
        self.look()
    }

    fn look(&mut self) -> Option<String> {
        self.watched
            .iter_mut()
            .find_map(|file| file.fault().map(|fault| format!("{} {fault}", file.path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deleted_replaced_and_shortened_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("relive.db").display().to_string();
        for file in [database.clone(), format!("{database}-wal")] {
            let fault = |change: &dyn Fn()| {
                for end in ["", "-wal"] {
                    fs::write(format!("{database}{end}"), "12345678").unwrap();
                }
                let mut files = DatabaseFiles::of(&database);
                assert_eq!(files.look(), None);
                change();
                files.look()
            };
            assert_eq!(
                fault(&|| fs::remove_file(&file).unwrap()),
                Some(format!("{file} was deleted or moved"))
            );
            let other = folder.path().join("other");
            let replace = || {
                fs::write(&other, "12345678").unwrap();
                fs::rename(&other, &file).unwrap();
            };
            assert_eq!(fault(&replace), Some(format!("{file} was replaced")));
            assert_eq!(
                fault(&|| fs::write(&file, "1234567").unwrap()),
                Some(format!("{file} was cut short"))
            );
            assert_eq!(fault(&|| fs::write(&file, "123456789").unwrap()), None, "files grow");
        }
    }
}
