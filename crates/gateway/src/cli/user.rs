//! `relive user`: manages accounts in the database, with or without a running server. A password is never an argument:
//! every user of the machine can see arguments, and shells keep them.

mod import;
mod show;

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use relive_core::{Account, Core, NewAccount, Password, UserId, database};

use self::import::Import;
use super::{Standard, first_line, time};
use crate::config::{PasswordReset, Settings, Sources};

/// Accounts read from the database at a time.
const PAGE_SIZE: usize = 500;

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
    /// Register the accounts of an original server, one JSON object per line; continues after a refused line
    ///
    /// A line is {"id":"anna","password":"..."}, optionally with phone, email, nickname, avatar, sex ("male",
    /// "female"), frontcover and address. docs/MIGRATION.md has the queries that write such lines.
    Import(Import),
    /// List accounts: id, kind, phone, e-mail, time of creation; separated by tabs
    List,
    /// Print one account as each dialect shows it
    ///
    /// Changes nothing. While a server runs, times of last use may be a second old.
    Show {
        /// User id
        id: String,
    },
    /// Set a new password and end all sessions
    Passwd {
        /// User id
        id: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Let the owner of a phone set a new password through qplus once, within ten minutes
    ///
    /// For servers with `qplus.password_reset = "proof"`. First make sure that the request comes from the phone's
    /// owner.
    ResetGrant {
        /// Phone number of a registered account
        phone: String,
    },
    /// Delete an account with everything it owns
    Delete {
        /// User id
        id: String,
        /// Do not ask for confirmation
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
            ensure!(io::stdin().is_terminal(), "standard input is not a terminal: use --password-stdin");
            let text = rpassword::prompt_password("New password: ").context("cannot read the password")?;
            let repeated = rpassword::prompt_password("Repeat the new password: ")?;
            ensure!(text == repeated, "the two passwords differ");
            text
        };
        ensure!(!text.is_empty(), "the password is empty");
        Ok(Password::plain(text))
    }
}

impl User {
    pub(super) fn run(self, sources: &Sources, standard: &mut Standard<'_>) -> anyhow::Result<()> {
        match self {
            Self::Add { id, password, phone, email } => {
                check_id(&id)?;
                let password = password.read(standard.input)?;
                let new = NewAccount { phone, email, ..NewAccount::new(id.clone(), password) };
                let failed = format!("cannot register {id:?}");
                let settings = settings_with_database(sources, standard.err)?;
                super::with_core(&settings, async |core| {
                    core.accounts().register(new).await.context(failed)
                })?;
                writeln!(standard.out, "{id} is registered.")?;
            }
            Self::Import(import) => import.run(sources, standard)?,
            Self::List => {
                let settings = super::load_printing_warnings(sources)?.settings;
                super::with_core(&settings, async |core| list(core, standard.out).await)?;
            }
            Self::Show { id } => {
                super::with_reader(sources, async |core, settings| {
                    show::run(core, &id.into(), settings, standard.out).await
                })?;
            }
            Self::Passwd { id, password } => {
                let password = password.read(standard.input)?;
                let failed = format!("cannot set the password of {id:?}");
                let settings = super::load_printing_warnings(sources)?.settings;
                super::with_core(&settings, async |core| {
                    core.accounts().set_password(&id.as_str().into(), &password).await.context(failed)
                })?;
                writeln!(standard.out, "{id} has a new password.")?;
            }
            Self::ResetGrant { phone } => {
                let failed = format!("cannot grant a new password to {phone:?}");
                let settings = super::load_printing_warnings(sources)?.settings;
                super::with_core(&settings, async |core| {
                    core.accounts().grant_reset(&phone).await.context(failed)
                })?;
                writeln!(standard.out, "Within ten minutes {phone} may set a new password once.")?;
                if settings.qplus.password_reset() != PasswordReset::Proof {
                    let warning =
                        r#"warning: this grant has no effect unless qplus.password_reset is "proof""#;
                    writeln!(standard.err, "{warning}")?;
                }
            }
            Self::Delete { id, yes } => {
                if !yes {
                    confirm(&id, standard.input)?;
                }
                let failed = format!("cannot delete {id:?}");
                let settings = super::load_printing_warnings(sources)?.settings;
                super::with_core(&settings, async |core| {
                    core.accounts().delete(&id.as_str().into()).await.context(failed)
                })?;
                writeln!(standard.out, "{id} is deleted.")?;
            }
        }
        Ok(())
    }
}

/// Loads the configuration and creates the database's file if it is missing: accounts may be registered before the
/// first start of the server.
fn settings_with_database(sources: &Sources, err: &mut dyn Write) -> anyhow::Result<Settings> {
    let settings = super::load_printing_warnings(sources)?.settings;
    if let Err(missing) = super::require_database_file(&settings.database.url) {
        writeln!(err, "note: {missing}, and so does this command")?;
        database::migrate(&settings.database())?;
    }
    Ok(settings)
}

/// Refuses an id that a dialect cannot use: minilvb-v1 trims ids.
fn check_id(id: &str) -> anyhow::Result<()> {
    let usable = !id.is_empty() && id.trim() == id && !id.chars().any(char::is_control);
    ensure!(usable, "an id must not be empty, contain a control character, or begin or end with a space");
    Ok(())
}

async fn list(core: &Core, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut after: Option<UserId> = None;
    loop {
        let page = core.accounts().list(after.as_ref(), PAGE_SIZE).await?;
        for account in &page {
            writeln!(out, "{}", row(account))?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE_SIZE => after = Some(last.user_id.clone()),
            _ => return Ok(()),
        }
    }
}

/// One account in the list. Control characters are escaped: clients choose ids and could move the terminal's cursor.
fn row(account: &Account) -> String {
    let plain = |text: &str| text.escape_debug().to_string();
    let optional = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), plain);
    let kind = if account.registered { "registered" } else { "guest" };
    let (id, phone, email) = (plain(&account.user_id), optional(&account.phone), optional(&account.email));
    format!("{id}\t{kind}\t{phone}\t{email}\t{}", time(account.created_at))
}

fn confirm(id: &str, input: &mut dyn BufRead) -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        bail!("standard input is not a terminal: use --yes");
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
        assert!(["bob", "a b", "小明"].into_iter().all(|id| check_id(id).is_ok()));
        assert!(!["", " bob", "bob\u{3000}", "b\nob"].into_iter().any(|id| check_id(id).is_ok()));
    }
}
