//! Starts `cargo` and other commands, and finds the root of the workspace.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// The root of the workspace that contains the current folder. This tool may have been built in another work tree, with
/// which it shares the target folder.
pub(crate) fn root() -> Result<PathBuf> {
    let here = env::current_dir().context("there is no current folder")?;
    let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    root.map(Path::to_owned).context("the current folder is not inside the workspace")
}

/// A `cargo` command that inherits the terminal.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("cargo");
    command.args(args);
    command
}

/// Prints the command and runs it; a non-zero exit is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    println!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Whether `cargo <subcommand> --version` works, that is, whether that tool is installed.
pub(crate) fn installed(subcommand: &str) -> bool {
    cargo([subcommand, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().unwrap().join("Cargo.lock").is_file());
    }

    #[test]
    fn the_error_of_a_failed_command_shows_the_command() {
        let error = run(&mut cargo(["no-such-subcommand"])).unwrap_err().to_string();
        assert!(error.starts_with("`cargo no-such-subcommand` failed"), "{error}");
        assert!(!installed("no-such-subcommand"));
    }
}
