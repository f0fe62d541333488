//! Prints what a `UserSig` contains and which of its checks fail, for operators whose clients cannot log in to IM.

use std::io::Write;

use relive_core::{
    UnixSeconds,
    sign::usersig::{Opened, inspect},
};

use crate::{
    cli::{Reported, time},
    config::{Loaded, Settings},
};

/// Result of one check, with an explanation.
enum Verdict {
    Passed(String),
    Failed(String),
    /// Neither, such as for lack of a value to compare with.
    Undecided(String),
}

use Verdict::{Failed, Passed, Undecided};

pub(super) fn run(
    text: &str,
    user: Option<&str>,
    loaded: &Loaded,
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
            return Err(Reported.into());
        }
    };
    writeln!(out, "identifier  {:?}", opened.user_id)?;
    writeln!(out, "sdkappid    {}", opened.sdkappid)?;
    writeln!(out, "issued      {}", time(opened.issued))?;
    writeln!(out, "expires     {}", time(opened.expires()))?;
    writeln!(out)?;
    let checks = [
        ("form", Passed("a UserSig of version 2.0".to_owned())),
        ("identifier", identifier(&opened, user)),
        ("sdkappid", sdkappid(&opened, &loaded.settings)),
        ("signature", signature(&opened, loaded)),
        ("time", validity(&opened, now)),
    ];
    let mut failed = false;
    for (name, verdict) in checks {
        let (word, text) = match verdict {
            Passed(text) => ("ok", text),
            Undecided(text) => ("?", text),
            Failed(text) => {
                failed = true;
                ("WRONG", text)
            }
        };
        writeln!(out, "{name:<10}  {word:<5}  {text}")?;
    }
    if failed { Err(Reported.into()) } else { Ok(()) }
}

/// The usual damage to a `UserSig` that explains this malformed text.
fn hint(text: &str) -> Option<&'static str> {
    if text.contains('%') {
        Some("it is percent-encoded; decode it first")
    } else if text.contains(char::is_whitespace) {
        Some("it has white space inside, such as a line end from copying")
    } else if text.contains(['+', '/', '=']) {
        Some("it has '+', '/' or '=' in place of '*', '-' and '_'")
    } else {
        None
    }
}

fn identifier(opened: &Opened, user: Option<&str>) -> Verdict {
    match user {
        None => Undecided("not compared: give --user ID".to_owned()),
        Some(user) if user == opened.user_id => Passed(format!("is {user:?}")),
        Some(user) => Failed(format!("for {:?}, not for {user:?}; case and spaces count", opened.user_id)),
    }
}

fn sdkappid(opened: &Opened, settings: &Settings) -> Verdict {
    let configured = settings.tencent.im.sdkappid;
    if opened.sdkappid == configured {
        Passed(format!("is tencent.im.sdkappid, {configured}"))
    } else {
        Failed(format!("for application {}, tencent.im.sdkappid is {configured}", opened.sdkappid))
    }
}

fn signature(opened: &Opened, loaded: &Loaded) -> Verdict {
    let secret = &loaded.settings.tencent.im.secret;
    if secret.is_empty() {
        Failed("cannot be checked: tencent.im.secret is not configured".to_owned())
    } else if opened.is_signed_with((&secret.text()).into()) {
        if loaded.has_generated_im_secret {
            Failed(
                "made with a key relive generated, which the IM cloud refuses (70009): configure tencent.im.secret"
                    .to_owned(),
            )
        } else {
            Passed("made with tencent.im.secret".to_owned())
        }
    } else {
        Failed("made with another key than tencent.im.secret, or changed since".to_owned())
    }
}

fn validity(opened: &Opened, now: UnixSeconds) -> Verdict {
    let (issued, expires) = (opened.issued, opened.expires());
    if now > expires {
        Failed(format!("expired since {}, it is {} now", time(expires), time(now)))
    } else if now < issued {
        let (issued, now) = (time(issued), time(now));
        Undecided(format!("issued in the future, at {issued}, it is {now} now: a clock is wrong"))
    } else {
        Passed(format!("valid until {}", time(expires)))
    }
}
