//! Says what a `UserSig` contains and which of its checks fail: what operators ask when clients cannot log in to IM.

use std::io::Write;

use relive_core::{
    UnixSeconds,
    sign::usersig::{Opened, inspect},
};
use secrecy::ExposeSecret as _;

use crate::{
    cli::{Told, time},
    config::Settings,
};

/// What came of one check.
enum Verdict {
    Right(String),
    Wrong(String),
    /// Nothing to hold it against.
    Open(String),
}

use Verdict::{Open, Right, Wrong};

pub(super) fn run(
    text: &str,
    user: Option<&str>,
    settings: &Settings,
    now: UnixSeconds,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let opened = match inspect(text.trim()) {
        Ok(opened) => opened,
        Err(malformed) => {
            writeln!(out, "form        WRONG  {malformed}")?;
            if let Some(hint) = hint(text.trim()) {
                writeln!(out, "            hint   {hint}")?;
            }
            return Err(Told.into());
        }
    };
    writeln!(out, "identifier  {:?}", opened.user_id)?;
    writeln!(out, "sdkappid    {}", opened.sdkappid)?;
    writeln!(out, "issued      {}", time(opened.issued))?;
    writeln!(out, "expires     {}", time(opened.expires()))?;
    writeln!(out)?;
    let checks = [
        ("form", Right("a UserSig of version 2.0".to_owned())),
        ("identifier", identifier(&opened, user)),
        ("sdkappid", sdkappid(&opened, settings)),
        ("signature", signature(&opened, settings)),
        ("time", validity(&opened, now)),
    ];
    let mut wrong = false;
    for (name, verdict) in checks {
        let (word, text) = match verdict {
            Right(text) => ("ok", text),
            Open(text) => ("?", text),
            Wrong(text) => {
                wrong = true;
                ("WRONG", text)
            }
        };
        writeln!(out, "{name:<10}  {word:<5}  {text}")?;
    }
    if wrong { Err(Told.into()) } else { Ok(()) }
}

/// What usually happened to a text that was a ticket once.
fn hint(text: &str) -> Option<&'static str> {
    if text.contains('%') {
        Some("it is percent-encoded; decode it first")
    } else if text.contains(char::is_whitespace) {
        Some("it has white space inside, such as a line end from copying")
    } else if text.contains(['+', '/', '=']) {
        Some("it has '+', '/' or '=', which somebody has put in place of '*', '-' and '_'")
    } else {
        None
    }
}

fn identifier(opened: &Opened, user: Option<&str>) -> Verdict {
    match user {
        None => Open("not compared: give --user ID".to_owned()),
        Some(user) if user == opened.user_id => Right(format!("is {user:?}")),
        Some(user) => Wrong(format!("for {:?}, not for {user:?}; ids compare exactly", opened.user_id)),
    }
}

fn sdkappid(opened: &Opened, settings: &Settings) -> Verdict {
    let configured = settings.tencent.im.sdkappid;
    if opened.sdkappid == configured {
        Right(format!("is tencent.im.sdkappid, {configured}"))
    } else {
        Wrong(format!("for application {}, tencent.im.sdkappid is {configured}", opened.sdkappid))
    }
}

fn signature(opened: &Opened, settings: &Settings) -> Verdict {
    let secret = &settings.tencent.im.secret;
    if secret.is_empty() {
        Wrong("cannot be checked: tencent.im.secret is not configured".to_owned())
    } else if opened.is_signed_with(secret.text().expose_secret()) {
        Right("made with tencent.im.secret".to_owned())
    } else {
        Wrong("made with another key than tencent.im.secret, or changed since".to_owned())
    }
}

fn validity(opened: &Opened, now: UnixSeconds) -> Verdict {
    let (issued, expires) = (opened.issued, opened.expires());
    if now > expires {
        Wrong(format!("expired since {}, it is {} now", time(expires), time(now)))
    } else if now < issued {
        Open(format!("issued in the future, at {}, it is {} now: a clock is wrong", time(issued), time(now)))
    } else {
        Right(format!("valid until {}", time(expires)))
    }
}
