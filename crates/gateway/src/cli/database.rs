//! `relive db`.

mod archive;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use relive_core::{DatabaseConfig, database};

use self::archive::Archive;
use crate::{
    config::{self, Sources},
    storage,
};

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Bring the database up to date; the server does the same when it starts
    Migrate,
    /// Copy the database to a new file, also while the server runs; with PostgreSQL by its `pg_dump`
    Backup {
        /// Where to; must not exist
        file: PathBuf,
    },
    /// Put a copy made by backup in the place of the database; no server may run. PostgreSQL: by its `pg_restore`
    Restore {
        /// The copy
        file: PathBuf,
        /// SQLite: put the database that is there aside, as <its name>.before-restore; PostgreSQL: drop what relive has
        /// in it, in the same transaction
        #[arg(long)]
        replace: bool,
    },
    /// Copy everything from SQLite into an empty PostgreSQL database; the server must not run
    Copy {
        /// What to copy: `sqlite://PATH`
        #[arg(long, value_name = "URL")]
        from: String,
        /// Where to: `postgres://USER@HOST/NAME`; the password is best kept in a file that PGPASSFILE names
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Look for damage; says what it finds and exits with 1
    Check,
}

impl Db {
    pub(super) fn run(&self, sources: &Sources, out: &mut dyn Write) -> anyhow::Result<()> {
        let config = super::loaded(sources)?.settings.database();
        match self {
            Self::Restore { file, replace } => {
                ensure!(file.is_file(), "{} is no file", file.display());
                // No more than that before what arrives is known to be sound.
                storage::make_directory(&config.url)
                    .context("cannot make the database's directory (database.url)")?;
                match Archive::of(&config, sources)? {
                    Some(archive) => archive.restore(file, *replace)?,
                    None => restore(&config, file, *replace, out)?,
                }
                writeln!(out, "Restored from {}.", file.display())?;
            }
            Self::Copy { from, to } => {
                let with = |url: &str| DatabaseConfig { url: url.to_owned(), ..config.clone() };
                copy(&with(from), &with(to), out)?;
            }
            Self::Migrate => {
                super::prepare(&config.url)?;
                database::migrate(&config)?;
                writeln!(out, "The database is up to date.")?;
            }
            Self::Backup { file } => {
                super::existing(&config.url)?;
                let archive = Archive::of(&config, sources)?;
                backup(&config, archive.as_ref(), file)
                    .with_context(|| format!("cannot back up to {}", file.display()))?;
                let rest = if archive.is_some() { "" } else { " Keep secrets.toml with it." };
                writeln!(out, "Copied to {}.{rest}", file.display())?;
            }
            Self::Check => {
                super::existing(&config.url)?;
                let problems = database::check(&config)?;
                for problem in &problems {
                    writeln!(out, "{problem}")?;
                }
                match problems.len() {
                    0 => writeln!(out, "The database is sound.")?,
                    count => bail!("{count} problem(s) found"),
                }
            }
        }
        Ok(())
    }
}

/// Makes a new file that holds everything; on disk when this returns, gone if it fails.
fn backup(config: &DatabaseConfig, archive: Option<&Archive<'_>>, file: &Path) -> anyhow::Result<()> {
    // The copy holds password hashes and tokens: it is private from its first byte.
    let copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    let copied = || {
        match archive {
            Some(archive) => archive.dump(&copy)?,
            None => database::backup(config, file)?,
        }
        copy.sync_all()?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    };
    copied().inspect_err(|_| {
        let _ = fs::remove_file(file);
    })
}

/// Checks the copy first, and puts the old database aside instead of writing over it.
fn restore(config: &DatabaseConfig, file: &Path, replace: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = Path::new(config.url.strip_prefix("sqlite://").unwrap_or_default());
    let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    let arriving = beside(".arriving");
    let failed = || format!("cannot copy {} to {}", file.display(), arriving.display());
    // Private from its first byte, like the copy itself; the check below must not touch the operator's file.
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&arriving)
        .with_context(failed)?;
    io::copy(&mut File::open(file).with_context(failed)?, &mut target).with_context(failed)?;
    target.sync_all().with_context(failed)?;
    let copy = DatabaseConfig { url: format!("sqlite://{}", arriving.display()), ..config.clone() };
    let checked = || {
        let no_copy = || format!("{} is no copy of a database", file.display());
        ensure!(!database::tables(&copy).with_context(no_copy)?.is_empty(), no_copy());
        let problems =
            database::migrate(&copy).and_then(|()| database::check(&copy)).with_context(no_copy)?;
        ensure!(problems.is_empty(), "{} is damaged: {}", file.display(), problems.join("; "));
        Ok(())
    };
    if let Err(error) = checked() {
        remove(&arriving);
        return Err(error);
    }
    // A file without contents, and without some in its log, is only the place of a database.
    let size = |end: &str| fs::metadata(beside(end)).map_or(0, |metadata| metadata.len());
    if size("") > 0 || size("-wal") > 0 {
        if !replace {
            remove(&arriving);
            bail!("{} is there already; --replace puts it aside", path.display());
        }
        let aside = beside(".before-restore");
        ensure!(!aside.exists(), "{} is there already: move it away first", aside.display());
        // What is still in the log of the old one goes with it.
        for end in ["-wal", "-shm"] {
            let log = beside(end);
            if log.exists() {
                fs::rename(&log, beside(&format!(".before-restore{end}")))?;
            }
        }
        fs::rename(path, &aside)?;
        writeln!(out, "The database that was there is now {}.", aside.display())?;
    }
    fs::rename(&arriving, path)?;
    remove(&arriving);
    Ok(())
}

/// Removes a database that was only looked at, with its log.
fn remove(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
}

fn copy(from: &DatabaseConfig, to: &DatabaseConfig, out: &mut dyn Write) -> anyhow::Result<()> {
    let file = from.url.strip_prefix("sqlite://").unwrap_or_default();
    ensure!(Path::new(file).is_file(), "--from: {file:?} is no file");
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows  {msg}  {eta} left")?;
    let bar = ProgressBar::no_length().with_style(style);
    let secrets = config::stored_secrets(&from.url)?;
    let rows = database::copy(from, to, &secrets, |progress| {
        bar.set_length(u64::try_from(progress.total).unwrap_or(0));
        bar.set_position(u64::try_from(progress.done).unwrap_or(0));
        bar.set_message(progress.table);
    })?;
    bar.finish_and_clear();
    writeln!(out, "Copied {rows} rows; every table has as many as before.")?;
    if !secrets.is_empty() {
        writeln!(out, "The generated secrets are in the new database, too.")?;
    }
    Ok(())
}
