//! The `relive` command: its arguments, its exit codes, and how it prints failures.

mod config;
mod database;
mod serve;
mod sign;
mod user;

use std::{
    ffi::OsString,
    io::{self, BufRead, IsTerminal as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use clap::{Parser, Subcommand};
use relive_core::{Core, SystemClock, SystemRandom, UnixSeconds};

use crate::{
    config::{Flag, Loaded, Settings, Sources, load},
    storage,
};

/// One server that keeps the clients of five discontinued live-streaming back ends alive.
#[derive(Debug, Parser)]
#[command(name = "relive", version, args_conflicts_with_subcommands = false)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Configuration file [default: ./relive.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "RELIVE_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on, same as --set http.listen=ADDRESS
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Set any configuration key; give secrets in files or the environment instead
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Check or print the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Manage accounts
    #[command(subcommand)]
    User(user::User),
    /// Make signatures, or check given ones
    #[command(subcommand)]
    Sign(sign::Sign),
    /// Migrate, back up, restore, copy or check the database
    #[command(subcommand)]
    Db(database::Db),
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as http.listen=0.0.0.0:8080")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Standard input, output and error, or their replacements in a test.
struct Standard<'a> {
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// Whether `err` is a terminal.
    err_is_terminal: bool,
    /// The time, for showing progress.
    clock: &'a dyn Fn() -> Instant,
}

/// Runs the command line of this process. Exit code 0 = done, 1 = failed, 2 = wrong arguments.
pub fn main() -> ExitCode {
    let mut standard = Standard {
        input: &mut io::stdin().lock(),
        out: &mut io::stdout().lock(),
        err: &mut io::stderr(),
        err_is_terminal: io::stderr().is_terminal(),
        clock: &Instant::now,
    };
    run(std::env::args_os(), &mut standard)
}

fn run(arguments: impl IntoIterator<Item = OsString>, standard: &mut Standard<'_>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let sources = cli.common.sources(Path::new("relive.toml"));
    let done = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&sources),
        Command::Config(command) => command.run(&sources, standard.out),
        Command::User(command) => command.run(&sources, standard),
        Command::Sign(command) => command.run(&sources, standard),
        Command::Db(command) => command.run(&sources, standard.out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The program that reads the output, such as `head`, closed the pipe.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) if error.is::<Reported>() => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(standard.err, "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A failure that the command has already printed: only the exit code still reports it.
#[derive(Debug, thiserror::Error)]
#[error("see above")]
struct Reported;

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Common {
    #[expect(clippy::disallowed_methods, reason = "only this function reads the environment")]
    fn sources(&self, default: &Path) -> Sources {
        let file = self.config.clone().or_else(|| default.exists().then(|| default.to_owned()));
        let set = self.set.iter().map(|(key, value)| (format!("--set {key}"), key.as_str(), value));
        let listen = self.listen.iter().map(|value| ("--listen".to_owned(), "http.listen", value));
        let flag = |(name, key, value): (String, &str, &String)| Flag {
            name,
            key: key.to_owned(),
            value: value.clone(),
        };
        Sources {
            file,
            // All variables of relive are UTF-8: others are skipped.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags: set.chain(listen).map(flag).collect(),
        }
    }
}

/// A time as RFC 3339 text, or as a bare number if it is beyond the calendar.
fn time(at: UnixSeconds) -> String {
    jiff::Timestamp::from_second(at.0).map_or_else(|_| at.to_string(), |time| time.to_string())
}

fn first_line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

/// Loads the configuration and prints its warnings.
fn load_printing_warnings(sources: &Sources) -> anyhow::Result<Loaded> {
    let loaded = load(sources)?;
    for warning in &loaded.warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    Ok(loaded)
}

/// Fails if the database's file is missing: most likely the command runs in another directory than the server, and an
/// empty new database would hide that.
fn require_database_file(url: &str) -> anyhow::Result<()> {
    let missing = storage::file(url).filter(|file| !file.exists());
    if let Some(file) = missing {
        anyhow::bail!(
            "there is no database {} yet (database.url); the server's first start or `relive db migrate` creates it",
            file.display()
        );
    }
    Ok(())
}

/// Starts a core on the configured database, without background upkeep, which is left to the server.
fn start_core(settings: &Settings) -> anyhow::Result<Core> {
    let config = relive_core::Config { background: false, ..settings.core() };
    Ok(Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom))?)
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Runs work that may change the configured database.
fn with_core<T>(
    settings: &Settings,
    work: impl AsyncFnOnce(&Core) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    require_database_file(&settings.database.url)?;
    let core = start_core(settings)?;
    block_on(async {
        let done = work(&core).await;
        core.shutdown().await;
        done
    })
}

/// Runs work that only reads the configured database.
fn with_reader<T>(
    sources: &Sources,
    work: impl AsyncFnOnce(&Core, &Settings) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let settings = load_printing_warnings(sources)?.settings;
    require_database_file(&settings.database.url)?;
    let core = start_core(&settings)?;
    // No shutdown: it would flush to the database.
    block_on(work(&core, &settings))
}

#[cfg(test)]
mod tests;
