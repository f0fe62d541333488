//! `relive user import`: registers accounts of an original server with their passwords in the form stored there.

use std::{
    io::{BufRead, Write},
    num::NonZero,
    thread,
};

use anyhow::{Context as _, anyhow, ensure};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use relive_core::{Core, NewAccount, Password, Sex};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::error::Category;
use tokio::task::JoinSet;

use super::check_id;
use crate::cli::Reported;

/// Kind of original server, which determines the form of its stored passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum OriginalServer {
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
    fn password(self, stored: &str) -> anyhow::Result<Password> {
        ensure!(!stored.is_empty(), "the password is empty");
        let digits = || {
            let hex = stored.len() == 32 && stored.bytes().all(|byte| byte.is_ascii_hexdigit());
            ensure!(hex, "the password is not 32 hex digits");
            Ok(stored.to_ascii_lowercase())
        };
        Ok(match self {
            Self::Plain => Password::plain(stored),
            Self::MinilvbV2 => Password::canonical(digits()?),
            Self::Sxb => {
                sxb::stored_password(stored.trim()).context("the password is not base64 of a text")?
            }
            Self::Qplus => Password::md5(digits()?),
        })
    }
}

/// A line of the file. A member that is missing, `null` or empty is not set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    password: SecretString,
    phone: Option<String>,
    email: Option<String>,
    nickname: Option<String>,
    avatar: Option<String>,
    sex: Option<SexName>,
    frontcover: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SexName {
    Male,
    Female,
}

impl Line {
    fn read(text: &[u8], origin: OriginalServer) -> anyhow::Result<NewAccount> {
        // Serde's own message may quote a password.
        let line: Self = serde_json::from_slice(text).map_err(|error| match error.classify() {
            Category::Data => anyhow!("this is not an account, at column {}: see --help", error.column()),
            _ => anyhow!("this is not JSON, at column {}", error.column()),
        })?;
        check_id(&line.id)?;
        let text = Option::unwrap_or_default;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let sex = line.sex.map_or(Sex::Unknown, |name| match name {
            SexName::Male => Sex::Male,
            SexName::Female => Sex::Female,
        });
        Ok(NewAccount {
            phone: filled(line.phone),
            email: filled(line.email),
            nickname: text(line.nickname),
            avatar: text(line.avatar),
            sex,
            frontcover: text(line.frontcover),
            address: text(line.address),
            ..NewAccount::new(line.id, origin.password(line.password.expose_secret())?)
        })
    }
}

async fn register(core: Core, line: Vec<u8>, origin: OriginalServer) -> anyhow::Result<()> {
    let account = Line::read(&line, origin)?;
    let failed = format!("{:?}", account.user_id);
    core.accounts().register(account).await.context(failed)?;
    Ok(())
}

/// Registers the account of each line. Prints a line that is refused, with the reason, and continues.
pub(super) async fn run(
    core: &Core,
    lines: &mut dyn BufRead,
    origin: OriginalServer,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> anyhow::Result<()> {
    // Enough to keep every processor hashing, and fewer than the queue of hash jobs holds.
    let concurrency = 2 * thread::available_parallelism().map_or(1, NonZero::get);
    let style = ProgressStyle::with_template("{pos} accounts  {per_sec}")?;
    let bar = ProgressBar::no_length().with_style(style);
    let (mut registrations, mut refused, mut number) = (JoinSet::new(), 0_u64, 0_u64);
    let mut record = |(number, done): (u64, anyhow::Result<()>)| {
        match done {
            Ok(()) => bar.inc(1),
            Err(error) => {
                refused += 1;
                bar.suspend(|| writeln!(err, "line {number}: {error:#}"))?;
            }
        }
        anyhow::Ok(())
    };
    loop {
        let mut line = Vec::new();
        let read = lines.read_until(b'\n', &mut line);
        if matches!(read, Ok(0) | Err(_)) {
            while let Some(done) = registrations.join_next().await {
                record(done?)?;
            }
            read.context("cannot read the lines")?;
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        while registrations.len() >= concurrency
            && let Some(done) = registrations.join_next().await
        {
            record(done?)?;
        }
        let (core, number) = (core.clone(), number);
        registrations.spawn(async move { (number, register(core, line, origin).await) });
    }
    let registered = bar.position();
    bar.finish_and_clear();
    writeln!(out, "{registered} registered, {refused} refused.")?;
    if refused > 0 { Err(Reported.into()) } else { Ok(()) }
}
