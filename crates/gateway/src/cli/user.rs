//! `relive user`: accounts, straight in the database. A password is never an argument: arguments are seen by every
//! user of the machine and kept by shells.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use relive_core::{Account, Core, NewAccount, Password};

use super::Standard;
use crate::config::Sources;

/// Accounts read from the database at a time.
const PAGE: usize = 500;

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Register an account, whether or not registration is open
    Add {
        /// User id
        id: String,
        #[command(flatten)]
        password: PasswordFrom,
        /// Phone number, usable as an identifier
        #[arg(long)]
        phone: Option<String>,
        /// E-mail address, usable as an identifier
        #[arg(long)]
        email: Option<String>,
    },
    /// List accounts: id, kind, phone, e-mail, creation; separated by tabs
    List,
    /// Set a new password and end all sessions
    Passwd {
        /// User id
        id: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Delete an account with everything it owns
    Delete {
        /// User id
        id: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct PasswordFrom {
    /// Read the password from the first line of standard input instead of asking
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordFrom {
    fn read(&self, input: &mut dyn BufRead) -> anyhow::Result<Password> {
        let text = if self.password_stdin {
            first_line(input)?
        } else {
            ensure!(io::stdin().is_terminal(), "no terminal to ask on: use --password-stdin");
            let text = rpassword::prompt_password("New password: ").context("cannot read the password")?;
            ensure!(text == rpassword::prompt_password("Once more: ")?, "the two differ");
            text
        };
        ensure!(!text.is_empty(), "the password is empty");
        Ok(Password::plain(text))
    }
}

fn first_line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}

impl User {
    pub(super) fn run(self, sources: &Sources, standard: &mut Standard<'_>) -> anyhow::Result<()> {
        match self {
            Self::Add { id, password, phone, email } => {
                ensure!(
                    is_sound(&id),
                    "an id is not empty and has no control characters, and no space at its ends"
                );
                let password = password.read(standard.input)?;
                let new = NewAccount { phone, email, ..NewAccount::new(id.clone(), password) };
                let failed = format!("cannot register {id:?}");
                super::with_core(sources, async |core| core.accounts().register(new).await.context(failed))?;
                writeln!(standard.out, "{id} is registered.")?;
            }
            Self::List => super::with_core(sources, async |core| list(core, standard.out).await)?,
            Self::Passwd { id, password } => {
                let password = password.read(standard.input)?;
                let failed = format!("cannot set the password of {id:?}");
                super::with_core(sources, async |core| {
                    core.accounts().set_password(&id, &password).await.context(failed)
                })?;
                writeln!(standard.out, "{id} has a new password.")?;
            }
            Self::Delete { id, yes } => {
                if !yes {
                    confirm(&id, standard.input)?;
                }
                let failed = format!("cannot delete {id:?}");
                super::with_core(sources, async |core| core.accounts().delete(&id).await.context(failed))?;
                writeln!(standard.out, "{id} is deleted.")?;
            }
        }
        Ok(())
    }
}

/// Every dialect must be able to name the account: minilvb-v1 trims ids.
fn is_sound(id: &str) -> bool {
    !id.is_empty() && id.trim() == id && !id.chars().any(char::is_control)
}

async fn list(core: &Core, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = core.accounts().list(after.as_deref(), PAGE).await?;
        for account in &page {
            writeln!(out, "{}", row(account)?)?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.user_id.as_ref().to_owned()),
            _ => return Ok(()),
        }
    }
}

/// Ids come from strangers: what could move a terminal's cursor is escaped.
fn row(account: &Account) -> anyhow::Result<String> {
    let plain = |text: &str| text.escape_debug().to_string();
    let optional = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), plain);
    let kind = if account.registered { "registered" } else { "guest" };
    let created = jiff::Timestamp::from_second(account.created_at)?;
    let (id, phone, email) = (plain(&account.user_id), optional(&account.phone), optional(&account.email));
    Ok(format!("{id}\t{kind}\t{phone}\t{email}\t{created}"))
}

fn confirm(id: &str, input: &mut dyn BufRead) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("no terminal to ask on: use --yes");
    }
    write!(io::stderr(), "Delete {id:?} with its room, recordings and sessions? Type the id again: ")?;
    ensure!(first_line(input)? == id, "nothing is deleted");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_and_keeps_its_spaces() {
        assert_eq!(first_line(&mut " a b \r\nrest".as_bytes()).unwrap(), " a b ");
        assert_eq!(first_line(&mut "".as_bytes()).unwrap(), "");
    }

    #[test]
    fn an_id_must_be_usable_in_every_dialect() {
        assert!(["bob", "a b", "小明"].into_iter().all(is_sound));
        assert!(!["", " bob", "bob\u{3000}", "b\nob"].into_iter().any(is_sound));
    }
}
