//! `relive config`.

use std::io::{self, Write};

use clap::Subcommand;

use crate::config::Sources;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Check whether the server would start with this configuration
    Check,
    /// Print every key with its value and the origin of the value; secrets are masked
    Show,
}

impl Config {
    pub(super) fn run(&self, sources: &Sources, out: &mut dyn Write) -> anyhow::Result<()> {
        let loaded = super::load_printing_warnings(sources)?;
        match self {
            Self::Check => {
                for advice in &loaded.advice {
                    writeln!(io::stderr(), "warning: {advice}")?;
                }
                if loaded.settings.http.trusted_proxies.is_empty() {
                    let hint = "http.trusted_proxies is empty: all clients behind a proxy would have the proxy's address";
                    writeln!(io::stderr(), "note: {hint}, and no limits if that is a private one")?;
                }
                let from = sources.file.as_ref().map_or_else(
                    || "no file, defaults and environment only".to_owned(),
                    |file| file.display().to_string(),
                );
                writeln!(out, "The configuration is valid ({from}).")?;
            }
            Self::Show => write!(out, "{}", loaded.show()?)?,
        }
        Ok(())
    }
}
