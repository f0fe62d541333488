//! `relive db`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::Subcommand;
use relive_core::database;

use crate::config::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum Db {
    /// Bring the database up to date; the server does the same when it starts
    Migrate,
    /// Copy the database to a new file, also while the server runs
    Backup {
        /// Where to; must not exist
        file: PathBuf,
    },
    /// Look for damage; says what it finds and exits with 1
    Check,
}

impl Db {
    pub(super) fn run(&self, sources: &Sources, out: &mut dyn Write) -> anyhow::Result<()> {
        let config = super::loaded(sources)?.settings.database();
        super::prepare(&config.url)?;
        match self {
            Self::Migrate => {
                database::migrate(&config)?;
                writeln!(out, "The database is up to date.")?;
            }
            Self::Backup { file } => {
                // The copy holds password hashes and tokens: it is private from its first byte.
                OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(file)
                    .with_context(|| format!("cannot create {}", file.display()))?;
                if let Err(error) = database::backup(&config, file) {
                    let _ = fs::remove_file(file);
                    return Err(error).with_context(|| format!("cannot back up to {}", file.display()));
                }
                writeln!(out, "Copied to {}. Keep secrets.toml with it.", file.display())?;
            }
            Self::Check => {
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
