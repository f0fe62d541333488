//! `relive db`: migrates, backs up, restores, copies and checks the database.

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
use relive_core::{
    DatabaseConfig,
    database::{self, Beside, ExclusiveLock, Transfer},
};

use self::archive::Archive;
use crate::{
    config::{self, Sources},
    storage,
};

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Bring the database up to date; the server does the same when it starts
    Migrate,
    /// Copy the database to a new file, also while the server runs; PostgreSQL: with `pg_dump`
    Backup {
        /// File to create; must not exist
        file: PathBuf,
    },
    /// Restore the database from a file made by backup; no server may run. PostgreSQL: with `pg_restore`
    Restore {
        /// File made by backup
        file: PathBuf,
        /// Replace an existing database. SQLite: rename it to <its name>.before-restore; PostgreSQL: drop relive's
        /// tables, in the same transaction
        #[arg(long)]
        replace: bool,
        /// Restore also if a server or a command uses the database: what it writes from now on is lost
        #[arg(long)]
        force: bool,
    },
    /// Copy everything from SQLite into an empty PostgreSQL database; the server must not run
    Copy {
        /// Source, `sqlite://PATH`
        #[arg(long, value_name = "URL")]
        from: String,
        /// Target, `postgres://USER@HOST/NAME`; best keep the password in a file that PGPASSFILE names
        #[arg(long, value_name = "URL")]
        to: String,
        /// Copy also if a server uses one of the databases: what it writes meanwhile is not copied
        #[arg(long)]
        force: bool,
    },
    /// Check the database for damage, and for stream codes that look like those of another account; prints each kind of
    /// problem, and exits with 1 if there is one
    Check,
}

impl Db {
    pub(super) fn run(&self, sources: &Sources, out: &mut dyn Write) -> anyhow::Result<()> {
        let config = super::load_printing_warnings(sources)?.settings.database();
        match self {
            Self::Restore { file, replace, force } => {
                ensure!(file.is_file(), "{} is not a file", file.display());
                // Only the directory: the database itself is not touched before the file is checked.
                storage::create_directory(&config.url)
                    .context("cannot create the database's directory (database.url)")?;
                if let Some(archive) = Archive::of(&config, sources)? {
                    archive.restore(file, *replace, *force)?;
                } else {
                    let _lock = if *force { None } else { Some(lock(&config)?) };
                    restore(&config, file, *replace, out)?;
                }
                writeln!(out, "Restored from {}.", file.display())?;
            }
            Self::Copy { from, to, force } => {
                let with = |url: &str| DatabaseConfig { url: url.to_owned(), ..config.clone() };
                let beside = if *force { Beside::Servers } else { Beside::Nobody };
                copy(Transfer { from: &with(from), to: &with(to) }, beside, out)?;
            }
            Self::Migrate => {
                database::migrate(&config)?;
                writeln!(out, "The database is up to date.")?;
            }
            Self::Backup { file } => {
                super::require_database_file(&config.url)?;
                let archive = Archive::of(&config, sources)?;
                backup(&config, archive.as_ref(), file)
                    .with_context(|| format!("cannot back up to {}", file.display()))?;
                let rest = if archive.is_some() { "" } else { " Keep secrets.toml with it." };
                writeln!(out, "Copied to {}.{rest}", file.display())?;
            }
            Self::Check => {
                super::require_database_file(&config.url)?;
                let mut problems = database::damage(&config)?;
                problems.extend(database::collisions(&config)?);
                for problem in &problems {
                    writeln!(out, "{problem}")?;
                }
                match problems.len() {
                    0 => writeln!(out, "The database is sound.")?,
                    1 => bail!("1 kind of problem found"),
                    count => bail!("{count} kinds of problems found"),
                }
            }
        }
        Ok(())
    }
}

/// Copies the database to a new file and syncs the file to disk. Removes the file if that fails.
fn backup(config: &DatabaseConfig, archive: Option<&Archive<'_>>, file: &Path) -> anyhow::Result<()> {
    // The copy holds password hashes and tokens: the file is created with private permissions.
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

/// Takes the lock on a database, which a running server holds.
fn lock(config: &DatabaseConfig) -> anyhow::Result<ExclusiveLock> {
    ExclusiveLock::take(config).context("stop every server first; --force goes on beside one")
}

/// Checks a database; the error names each kind of damage.
fn ensure_sound(config: &DatabaseConfig) -> anyhow::Result<()> {
    let damage = database::damage(config)?;
    ensure!(damage.is_empty(), damage.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
    Ok(())
}

/// Smallest size of a page of SQLite in bytes; every size is a multiple of it.
const SMALLEST_PAGE: u64 = 512;

/// Restores a SQLite database. Checks the copy first, and renames the old database instead of overwriting it.
fn restore(config: &DatabaseConfig, file: &Path, replace: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let path = Path::new(config.url.strip_prefix("sqlite://").unwrap_or_default());
    let beside = |end: &str| PathBuf::from(format!("{}{end}", path.display()));
    let arriving = beside(".arriving");
    let failed = || format!("cannot copy {} to {}", file.display(), arriving.display());
    // The check below writes to the file it checks, so it gets a private copy of the operator's file.
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&arriving)
        .with_context(failed)?;
    let length = io::copy(&mut File::open(file).with_context(failed)?, &mut target).with_context(failed)?;
    target.sync_all().with_context(failed)?;
    let copy = DatabaseConfig { url: format!("sqlite://{}", arriving.display()), ..config.clone() };
    let checked = || {
        let not_a_copy = || format!("{} is not a copy of a database", file.display());
        ensure!(!database::tables(&copy).with_context(not_a_copy)?.is_empty(), not_a_copy());
        database::migrate_copy(&copy).with_context(not_a_copy)?;
        // SQLite takes missing bytes of the last page for zeros, which they often are.
        ensure!(length.is_multiple_of(SMALLEST_PAGE), "{} is damaged: it ends inside a page", file.display());
        ensure_sound(&copy).with_context(|| format!("{} is damaged", file.display()))
    };
    if let Err(error) = checked() {
        remove_database(&arriving);
        return Err(error);
    }
    // An empty file with an empty log is not a database yet: it is overwritten.
    let size = |end: &str| fs::metadata(beside(end)).map_or(0, |metadata| metadata.len());
    if size("") > 0 || size("-wal") > 0 {
        if !replace {
            remove_database(&arriving);
            bail!("{} exists already; --replace renames it first", path.display());
        }
        let aside = beside(".before-restore");
        ensure!(!aside.exists(), "{} exists already: move it away first", aside.display());
        // The log of the old database is renamed, too, because it may hold committed rows.
        for end in ["-wal", "-shm"] {
            let log = beside(end);
            if log.exists() {
                fs::rename(&log, beside(&format!(".before-restore{end}")))?;
            }
        }
        fs::rename(path, &aside)?;
        writeln!(out, "The old database is now {}.", aside.display())?;
    }
    fs::rename(&arriving, path)?;
    remove_database(&arriving);
    Ok(())
}

/// Removes the temporary copy of a database, with its log.
fn remove_database(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{end}", path.display()));
    }
}

fn copy(databases: Transfer<'_>, beside: Beside, out: &mut dyn Write) -> anyhow::Result<()> {
    let file = databases.from.url.strip_prefix("sqlite://").unwrap_or_default();
    ensure!(Path::new(file).is_file(), "--from: {file:?} is not a file");
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows  {msg}  {eta} left")?;
    let bar = ProgressBar::no_length().with_style(style);
    let secrets = config::stored_secrets(&databases.from.url)?;
    let rows = database::copy(databases, &secrets, beside, |progress| {
        bar.set_length(u64::try_from(progress.total).unwrap_or(0));
        bar.set_position(u64::try_from(progress.done).unwrap_or(0));
        bar.set_message(progress.table);
    })?;
    bar.finish_and_clear();
    writeln!(out, "Copied {rows} rows; every table has as many rows as its source.")?;
    if !secrets.is_empty() {
        writeln!(out, "Copied the generated secrets into the database, too.")?;
    }
    Ok(())
}
