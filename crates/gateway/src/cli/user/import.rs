//! `relive user import`: accounts of an original server, with the passwords as it stored them.

use std::{
    io::{BufRead, Write},
    num::NonZero,
    thread,
};

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use relive_core::{Core, NewAccount, Password, ProfileUpdate, Sex};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::check_id;
use crate::cli::Told;

/// Whose accounts they are, which says what its database has for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Origin {
    /// The password itself
    Plain,
    /// 小直播, second generation: md5hex(md5hex(password) + id)
    MinilvbV2,
    /// 随心播: base64 of what the client sent
    Sxb,
    /// QPlus/Gotye: md5hex(password)
    Qplus,
}

impl Origin {
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
            Self::Sxb => sxb::stored_password(stored).context("the password is not base64 of a text")?,
            Self::Qplus => Password::md5(digits()?),
        })
    }
}

/// A line of the file. What is missing, `null` or empty is not set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    password: SecretString,
    phone: Option<String>,
    email: Option<String>,
    nickname: Option<String>,
    avatar: Option<String>,
    sex: Option<Word>,
    frontcover: Option<String>,
    address: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Male,
    Female,
}

impl Line {
    fn read(text: &str, origin: Origin) -> anyhow::Result<(NewAccount, ProfileUpdate)> {
        let line: Self = serde_json::from_str(text)?;
        check_id(&line.id)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let sex = line.sex.map(|word| match word {
            Word::Male => Sex::Male,
            Word::Female => Sex::Female,
        });
        let password = origin.password(line.password.expose_secret())?;
        let account = NewAccount {
            phone: given(line.phone),
            email: given(line.email),
            sex: sex.unwrap_or(Sex::Unknown),
            address: line.address.unwrap_or_default(),
            ..NewAccount::new(line.id, password)
        };
        let profile = ProfileUpdate {
            nickname: given(line.nickname),
            avatar: given(line.avatar),
            frontcover: given(line.frontcover),
            ..ProfileUpdate::default()
        };
        Ok((account, profile))
    }
}

async fn register(core: Core, text: String, origin: Origin) -> anyhow::Result<()> {
    let (account, profile) = Line::read(&text, origin)?;
    let id = account.user_id.clone();
    let failed = || format!("{id:?}");
    let account = core.accounts().register(account).await.with_context(failed)?;
    core.accounts().update_profile(account.id, profile).await.with_context(failed)
}

/// Registers the account of every line; says which it could not, and goes on.
pub(super) async fn run(
    core: &Core,
    lines: &mut dyn BufRead,
    origin: Origin,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> anyhow::Result<()> {
    // Enough that no core waits for the next line, and no more than may wait for a hash.
    let at_once = 2 * thread::available_parallelism().map_or(1, NonZero::get);
    let style = ProgressStyle::with_template("{pos} accounts  {per_sec}")?;
    let bar = ProgressBar::no_length().with_style(style);
    let (mut under_way, mut refused, mut number) = (JoinSet::new(), 0_u64, 0_u64);
    let mut settle = |(number, done): (u64, anyhow::Result<()>)| {
        match done {
            Ok(()) => bar.inc(1),
            Err(error) => {
                refused += 1;
                bar.suspend(|| writeln!(err, "line {number}: {error:#}"))?;
            }
        }
        anyhow::Ok(())
    };
    let mut text = String::new();
    while lines.read_line(&mut text).context("cannot read the lines")? > 0 {
        number += 1;
        let line = std::mem::take(&mut text);
        if line.trim().is_empty() {
            continue;
        }
        while under_way.len() >= at_once
            && let Some(done) = under_way.join_next().await
        {
            settle(done?)?;
        }
        let (core, number) = (core.clone(), number);
        under_way.spawn(async move { (number, register(core, line, origin).await) });
    }
    while let Some(done) = under_way.join_next().await {
        settle(done?)?;
    }
    let registered = bar.position();
    bar.finish_and_clear();
    writeln!(out, "{registered} registered, {refused} refused.")?;
    if refused > 0 { Err(Told.into()) } else { Ok(()) }
}
