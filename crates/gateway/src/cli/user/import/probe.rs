//! Checks before an import that one known password logs in: a wrong `--from` would lock every account out.

use anyhow::{bail, ensure};
use clap::ValueEnum as _;
use relive_core::UserId;
use secrecy::{ExposeSecret as _, SecretString};

use super::{OriginalServer, line::Line, lines::Lines, shown};

/// Checks the password of the first line with an id.
pub(super) fn check(
    lines: &mut Lines<'_>,
    origin: OriginalServer,
    id: &str,
    password: &SecretString,
) -> anyhow::Result<()> {
    let typed = password.expose_secret();
    ensure!(!typed.is_empty(), "--probe: the password is empty");
    let user_id = UserId::from(id);
    while let Some(raw) = lines.next()? {
        // The import refuses lines that cannot be read.
        let Ok(mut line) = raw.text.and_then(|text| Line::read(&text)) else { continue };
        if line.user_id != user_id {
            continue;
        }
        let stored = line.stored_password()?;
        let stored = stored.expose_secret();
        if origin.admits(typed, stored, &user_id) {
            return Ok(());
        }
        let others = OriginalServer::value_variants().iter().filter(|other| **other != origin);
        let hint = match others.copied().find(|other| other.admits(typed, stored, &user_id)) {
            Some(other) => format!("it does with --from {}", other.name()),
            None => "it does not with another --from either, so it may be mistyped".to_owned(),
        };
        bail!(
            "--probe: with --from {} this password does not log in {}; {hint}. Nothing is imported",
            origin.name(),
            shown(id)
        );
    }
    bail!("--probe: no line has the id {}. Nothing is imported", shown(id))
}
