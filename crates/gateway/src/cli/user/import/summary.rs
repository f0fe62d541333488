//! The last lines of an import: what was taken, and which dialects will refuse it.

use std::io::Write;

use super::Taken;
use crate::config::Settings;

/// Counts of the lines so far.
#[derive(Default)]
pub(super) struct Summary {
    registered: u64,
    skipped: u64,
    /// Skipped lines whose accounts were not imported.
    strangers: u64,
    refused: u64,
    /// Registered ids that a dialect refuses.
    refused_by_v1: u64,
    refused_by_v2: u64,
    refused_by_sxb: u64,
}

impl Summary {
    /// Counts a line; `None`: refused.
    pub(super) fn count(&mut self, taken: Option<&Taken>) {
        match taken {
            None => self.refused += 1,
            Some(Taken::Existing { imported }) => {
                self.skipped += 1;
                self.strangers += u64::from(!imported);
            }
            // qplus logs in with every id.
            Some(Taken::Registered(id)) => {
                self.registered += 1;
                self.refused_by_v1 += u64::from(!minilvb_v1::admits_user_id(id));
                self.refused_by_v2 += u64::from(!minilvb_v2::admits_user_id(id));
                self.refused_by_sxb += u64::from(!sxb::admits_user_id(id));
            }
        }
    }

    pub(super) fn lines(&self) -> u64 {
        self.registered + self.skipped + self.refused
    }

    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Prints the counts to `out`, and advice to `err`.
    pub(super) fn print(
        &self,
        dry_run: bool,
        settings: &Settings,
        (out, err): (&mut dyn Write, &mut dyn Write),
    ) -> anyhow::Result<()> {
        let Self { registered, skipped, refused, .. } = self;
        let verb = if dry_run { "can be registered" } else { "registered" };
        let skipped = if *skipped > 0 { format!(" {skipped} skipped,") } else { String::new() };
        writeln!(out, "{registered} {verb},{skipped} {refused} refused.")?;
        if self.strangers > 0 {
            let skipped = self.strangers;
            writeln!(
                out,
                "{skipped} of the skipped accounts were not imported: somebody registered them here."
            )?;
        }
        let (v1, v2, sxb) = (&settings.minilvb_v1, &settings.minilvb_v2, &settings.sxb);
        for (dialect, enabled, count, rule) in [
            ("minilvb-v1", v1.enabled, self.refused_by_v1, "at most 128 characters"),
            ("minilvb-v2", v2.enabled, self.refused_by_v2, "4 to 24 of A-Z a-z 0-9 _ -, not only digits"),
            ("sxb", sxb.enabled, self.refused_by_sxb, "at most 50 characters"),
        ] {
            if enabled && count > 0 {
                writeln!(out, "{count} of the ids cannot be used through {dialect}, which takes {rule}.")?;
            }
        }
        if self.registered > 0 && v1.enabled && !v1.trust_imported {
            writeln!(
                err,
                "note: apps of minilvb-v1 that use one of these ids are refused (498) unless minilvb_v1.trust_imported is true: \
                 docs/MIGRATION.md"
            )?;
        }
        if dry_run {
            writeln!(out, "This was a dry run: no account is stored.")?;
        }
        Ok(())
    }
}
