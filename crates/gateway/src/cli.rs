//! The `relive` command: what is typed, and how failures look.

mod config;
mod database;
mod serve;
mod user;

use std::{
    ffi::OsString,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Parser, Subcommand};
use relive_core::{Core, SystemClock, SystemRandom};

use crate::config::{Flag, Loaded, Sources, load};

/// One server that keeps the clients of four discontinued live-streaming back ends alive.
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
    /// Where to listen, same as --set http.listen=ADDRESS
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Set any configuration key; secrets belong into files or the environment instead
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Manage accounts
    #[command(subcommand)]
    User(user::User),
    /// Look after the database
    #[command(subcommand)]
    Db(database::Db),
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as http.listen=0.0.0.0:8080")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Standard input and output, or what stands for them in a test.
struct Standard<'a> {
    input: &'a mut dyn BufRead,
    out: &'a mut dyn Write,
}

/// Runs the command the process was started with. Exit code 0 = done, 1 = failed, 2 = not understood.
pub fn main() -> ExitCode {
    let mut standard = Standard { input: &mut io::stdin().lock(), out: &mut io::stdout().lock() };
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
        Command::Db(command) => command.run(&sources, standard.out),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

impl Common {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
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
            // A variable that is not UTF-8 cannot be one of ours.
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            flags: set.chain(listen).map(flag).collect(),
        }
    }
}

/// The configuration, its warnings said.
fn loaded(sources: &Sources) -> anyhow::Result<Loaded> {
    let loaded = load(sources)?;
    for warning in &loaded.warnings {
        writeln!(io::stderr(), "warning: {warning}")?;
    }
    Ok(loaded)
}

/// Runs something against the configured database, without a server.
fn with_core<T>(sources: &Sources, work: impl AsyncFnOnce(&Core) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let config = loaded(sources)?.settings.core();
    let core = Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let done = work(&core).await;
        core.shutdown().await;
        done
    })
}

#[cfg(test)]
mod tests;
