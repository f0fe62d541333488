//! `relive user import`: registers accounts of an original server with their passwords in the form stored there.

mod line;
mod lines;
mod probe;
mod progress;
mod seen;
mod summary;

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal as _, Seek as _, Write},
    num::NonZero,
    path::PathBuf,
    thread,
};

use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, ValueEnum};
use relive_core::{Core, Error, NewAccount, Password, UserId};
use secrecy::SecretString;
use tokio::task::JoinSet;

use self::{
    line::Line,
    lines::{Lines, RawLine},
    progress::Progress,
    seen::Seen,
    summary::Summary,
};
use super::settings_with_database;
use crate::{
    cli::{
        Reported, Standard, block_on, first_line, load_printing_warnings, require_database_file, with_core,
    },
    config::{Settings, Sources},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// Kind of original server, which determines the form of its stored passwords
    #[arg(long, value_enum)]
    from: OriginalServer,
    /// Check every line like an import, and store no account
    #[arg(long)]
    dry_run: bool,
    /// Skip a line whose account exists already, instead of refusing it: continues an interrupted import
    #[arg(long)]
    skip_existing: bool,
    /// First ask for the password of this account, and refuse the file if that password does not log in
    #[arg(long, value_name = "ID", requires = "file")]
    probe: Option<String>,
    /// Read the password for --probe from the first line of standard input instead of asking
    #[arg(long, requires = "probe")]
    password_stdin: bool,
    /// File of lines; standard input if absent or `-`
    file: Option<PathBuf>,
}

/// Kind of original server, which determines the form of its stored passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OriginalServer {
    /// The password itself
    Plain,
    /// 小直播, second generation: md5hex(md5hex(password) + id)
    MinilvbV2,
    /// 随心播: base64 of what the client sent
    Sxb,
    /// QPlus/Gotye: md5hex(password)
    Qplus,
}

impl OriginalServer {
    /// Reads a password as the original server stored it.
    fn password(self, stored: &str) -> anyhow::Result<Password> {
        ensure!(!stored.is_empty(), "empty");
        let digits = || {
            let hex = stored.len() == 32 && stored.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(hex, "not 32 hex digits");
            Ok(stored.to_ascii_lowercase())
        };
        Ok(match self {
            Self::Plain => Password::plain(stored),
            Self::MinilvbV2 => Password::canonical(digits()?),
            Self::Sxb => sxb::stored_password(stored).context("not base64 of a text")?,
            Self::Qplus => Password::md5(digits()?),
        })
    }

    /// Whether a user who types a password logs in to an account of this server.
    fn admits(self, typed: &str, stored: &str, user_id: &UserId) -> bool {
        let Ok(stored) = self.password(stored) else { return false };
        let meant = match self {
            Self::Sxb => sxb::sent_passwords(typed),
            _ => vec![Password::plain(typed)],
        };
        meant.iter().any(|password| stored.is_same(password, user_id))
    }

    /// Whether the form of a stored password may be that of another server as well.
    fn is_ambiguous(self) -> bool {
        matches!(self, Self::MinilvbV2 | Self::Qplus)
    }

    /// The value of `--from`.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The identifiers of the accounts that are being registered: of two lines with the same one, the first is registered.
#[derive(Default)]
struct UnderWay(Vec<(u64, Vec<String>)>);

impl UnderWay {
    fn begin(&mut self, number: u64, account: &NewAccount) {
        self.0.push((number, identifiers(account).collect()));
    }

    fn end(&mut self, number: u64) {
        self.0.retain(|(other, _)| *other != number);
    }

    fn collides(&self, account: &NewAccount) -> bool {
        identifiers(account).any(|new| self.0.iter().any(|(_, used)| used.contains(&new)))
    }
}

/// User id, phone and e-mail address, letter case ignored.
fn identifiers(account: &NewAccount) -> impl Iterator<Item = String> {
    [Some(&*account.user_id), account.phone.as_deref(), account.email.as_deref()]
        .into_iter()
        .flatten()
        .map(str::to_ascii_lowercase)
}

/// How a line was taken.
enum Taken {
    /// Its account is registered, or would be.
    Registered(UserId),
    /// An account with its id exists already. `imported`: by an import.
    Existing { imported: bool },
}

impl Import {
    pub(super) fn run(&self, sources: &Sources, standard: &mut Standard<'_>) -> anyhow::Result<()> {
        let file = match &self.file {
            Some(path) if path.as_os_str() != "-" => {
                Some(File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
            }
            _ => None,
        };
        match &self.probe {
            Some(id) => self.check_probe(id, file.as_ref(), standard)?,
            None if self.from.is_ambiguous() => writeln!(
                standard.err,
                "note: the passwords of minilvb-v2 and qplus look alike, and with the wrong --from nobody can log in: --probe ID \
                 checks one password first"
            )?,
            None => {}
        }
        let total = file.as_ref().and_then(|file| file.metadata().ok()).filter(std::fs::Metadata::is_file);
        let progress =
            Progress::new(standard.clock, total.map(|metadata| metadata.len()), standard.err_is_terminal)?;
        let input: Box<dyn BufRead + '_> = match file {
            Some(file) => Box::new(BufReader::new(file)),
            None => Box::new(&mut *standard.input),
        };
        let mut job = Job {
            options: self,
            lines: Lines::new(input),
            summary: Summary::default(),
            progress,
            err: &mut *standard.err,
        };
        let settings = if self.dry_run {
            let settings = load_printing_warnings(sources)?.settings;
            if require_database_file(&settings.database.url).is_ok() {
                with_core(&settings, async |core| job.check(Some(core)).await)?;
            } else {
                block_on(job.check(None))?;
            }
            settings
        } else {
            let settings = settings_with_database(sources, &mut *job.err)?;
            with_core(&settings, async |core| job.register(core).await)?;
            settings
        };
        job.finish(&settings, standard.out)
    }

    /// Refuses the file if a password does not log in.
    fn check_probe(&self, id: &str, file: Option<&File>, standard: &mut Standard<'_>) -> anyhow::Result<()> {
        let mut file = file.context("--probe needs a FILE, because it reads the lines twice")?;
        let password = SecretString::from(if self.password_stdin {
            first_line(standard.input)?
        } else {
            ensure!(io::stdin().is_terminal(), "standard input is not a terminal: use --password-stdin");
            rpassword::prompt_password(format!("Password of {id:?}: ")).context("cannot read the password")?
        });
        probe::check(&mut Lines::new(Box::new(BufReader::new(file))), self.from, id, &password)?;
        file.rewind().context("--probe reads FILE twice, and this one can be read only once")
    }
}

/// A running import.
struct Job<'a> {
    options: &'a Import,
    lines: Lines<'a>,
    summary: Summary,
    progress: Progress<'a>,
    err: &'a mut dyn Write,
}

impl Job<'_> {
    /// Registers the account of each line. Prints a line that is refused, with the reason, and continues.
    async fn register(&mut self, core: &Core) -> anyhow::Result<()> {
        // Enough to keep every processor hashing, and fewer than the queue of hash jobs holds.
        let concurrency = 2 * thread::available_parallelism().map_or(1, NonZero::get);
        let (mut registrations, mut under_way) = (JoinSet::new(), UnderWay::default());
        let read = loop {
            let raw = match self.lines.next() {
                Ok(Some(raw)) => raw,
                Ok(None) => break Ok(()),
                // The accounts of earlier lines are still registered.
                Err(error) => break Err(error),
            };
            let number = raw.number;
            match self.account(raw) {
                Ok(account) => {
                    while (registrations.len() >= concurrency || under_way.collides(&account))
                        && let Some(done) = registrations.join_next().await
                    {
                        let (number, taken) = done?;
                        under_way.end(number);
                        self.record(number, &taken)?;
                    }
                    under_way.begin(number, &account);
                    let (core, skip_existing) = (core.clone(), self.options.skip_existing);
                    registrations
                        .spawn(async move { (number, register(&core, account, skip_existing).await) });
                }
                Err(error) => self.record(number, &Err(error))?,
            }
        };
        while let Some(done) = registrations.join_next().await {
            let (number, taken) = done?;
            self.record(number, &taken)?;
        }
        read
    }

    /// Checks each line as [`Job::register`] would, against the database, if there is one, and against the lines before.
    async fn check(&mut self, core: Option<&Core>) -> anyhow::Result<()> {
        let mut seen = Seen::default();
        while let Some(raw) = self.lines.next()? {
            let number = raw.number;
            let taken = match self.account(raw) {
                Ok(account) => check(core, account, &mut seen, self.options.skip_existing).await,
                Err(error) => Err(error),
            };
            self.record(number, &taken)?;
        }
        if seen.is_full() {
            writeln!(
                self.err,
                "note: the file is too long to look for all of its duplicates in a dry run; the import refuses them"
            )?;
        }
        Ok(())
    }

    fn account(&self, raw: RawLine) -> anyhow::Result<NewAccount> {
        Line::read(&raw.text?)?.account(self.options.from)
    }

    fn record(&mut self, number: u64, taken: &anyhow::Result<Taken>) -> anyhow::Result<()> {
        if let Err(error) = taken {
            self.progress.suspend(|| writeln!(self.err, "line {number}: {error:#}"))?;
        }
        self.summary.count(taken.as_ref().ok());
        self.progress.update(self.summary.lines(), self.lines.bytes_read(), self.err)?;
        Ok(())
    }

    fn finish(self, settings: &Settings, out: &mut dyn Write) -> anyhow::Result<()> {
        self.progress.clear();
        self.summary.print(self.options.dry_run, settings, (out, self.err))?;
        if self.summary.refused() > 0 { Err(Reported.into()) } else { Ok(()) }
    }
}

async fn register(core: &Core, account: NewAccount, skip_existing: bool) -> anyhow::Result<Taken> {
    let user_id = account.user_id.clone();
    let registered = core.accounts().register(account).await;
    judge(Some(core), user_id, registered.map(|_| ()), skip_existing).await
}

async fn check(
    core: Option<&Core>,
    account: NewAccount,
    seen: &mut Seen,
    skip_existing: bool,
) -> anyhow::Result<Taken> {
    let user_id = account.user_id.clone();
    let free = match core {
        Some(core) => core.accounts().check_free(account.clone()).await,
        None => Ok(()),
    };
    if free.is_ok() {
        seen.add(&account).map_err(|reason| anyhow!(reason).context(shown(&user_id)))?;
    }
    judge(core, user_id, free, skip_existing).await
}

/// Names the field because of which an account is refused, and the account that has it.
async fn judge(
    core: Option<&Core>,
    user_id: UserId,
    registered: relive_core::Result<()>,
    skip_existing: bool,
) -> anyhow::Result<Taken> {
    let reason = match registered {
        Ok(()) => return Ok(Taken::Registered(user_id)),
        Err(Error::AccountExists) => {
            let holder = match core {
                Some(core) => core.accounts().holder(&user_id).await?,
                None => None,
            };
            match holder {
                Some(holder) if holder.user_id == user_id && skip_existing => {
                    return Ok(Taken::Existing { imported: holder.imported });
                }
                Some(holder) if holder.user_id == user_id => "id: the account exists already".to_owned(),
                Some(holder) if holder.user_id.eq_ignore_ascii_case(&user_id) => {
                    format!("id: {} exists already and differs in letter case only", shown(&holder.user_id))
                }
                Some(holder) => {
                    format!("id: this is the phone number or e-mail address of {}", shown(&holder.user_id))
                }
                None => format!("id: {}", Error::AccountExists),
            }
        }
        Err(error @ Error::PhoneExists) => format!("phone: {error}"),
        Err(error @ Error::EmailExists) => format!("email: {error}"),
        Err(error) => return Err(error).context(shown(&user_id)),
    };
    Err(anyhow!(reason).context(shown(&user_id)))
}

/// A user id in quotes, its control characters escaped, and cut to a readable length.
fn shown(user_id: &str) -> String {
    const CHARS: usize = 60;
    let start: String = user_id.chars().take(CHARS).collect();
    let rest = if start.len() < user_id.len() { "…" } else { "" };
    format!("{start:?}{rest}")
}
