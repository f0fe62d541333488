//! `cargo xtask ci`: runs the CI jobs. A laptop and a CI machine run the same commands.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::{
    command::{cargo, installed, run as run_command},
    test, tidy,
};

/// The CI jobs in the order in which they run: quick jobs that fail most often come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Job {
    /// The sources are formatted with rustfmt.
    Fmt,
    /// The project's own rules hold.
    Tidy,
    /// No lint fires.
    Clippy,
    /// The documentation builds without a warning.
    Doc,
    /// Every test passes.
    Test,
    /// Every example in the documentation runs.
    Doctest,
    /// Every dependency has a known source, a permissive license and no ban.
    Deny,
}

impl Job {
    fn run(self, ci: bool) -> Result<()> {
        match self {
            Self::Fmt => run_command(&mut cargo(["fmt", "--all", "--check"])),
            Self::Tidy => tidy::run(),
            Self::Clippy => {
                run_command(&mut cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
            }
            Self::Doc => {
                run_command(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
            }
            Self::Test => test::run_tests(&[], ci),
            Self::Doctest => run_command(&mut cargo(["test", "--doc", "--workspace"])),
            Self::Deny if !installed("deny") => {
                bail!("cargo-deny is not installed; `cargo install --locked cargo-deny` installs it")
            }
            Self::Deny => run_command(&mut cargo(["deny", "check", "bans", "licenses", "sources"])),
        }
    }
}

impl std::fmt::Display for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_possible_value().map_or(Ok(()), |value| formatter.pad(value.get_name()))
    }
}

/// Runs the named jobs, or all if none is named, without the skipped ones. Stops at the first failure.
pub(crate) fn run(named: &[Job], skipped: &[Job], ci: bool) -> Result<()> {
    run_each(&selection(named, skipped), |job| job.run(ci))
}

fn selection(named: &[Job], skipped: &[Job]) -> Vec<Job> {
    let jobs = if named.is_empty() { Job::value_variants() } else { named };
    jobs.iter().copied().filter(|job| !skipped.contains(job)).collect()
}

fn run_each(jobs: &[Job], mut run: impl FnMut(Job) -> Result<()>) -> Result<()> {
    let mut summary = Vec::new();
    for &job in jobs {
        println!("==> {job}");
        let start = Instant::now();
        let result = run(job).with_context(|| format!("CI job {job} failed"));
        summary.push((job, result.is_ok(), start.elapsed()));
        if result.is_err() {
            print_summary(&summary, jobs.len());
            return result;
        }
    }
    print_summary(&summary, jobs.len());
    Ok(())
}

fn print_summary(summary: &[(Job, bool, Duration)], wanted: usize) {
    println!("==> {} of {wanted} jobs run", summary.len());
    for (job, passed, duration) in summary {
        println!("{job:8} {} {:7.1} s", if *passed { "ok    " } else { "FAILED" }, duration.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_the_named_jobs_are_selected_without_the_skipped_ones() {
        assert_eq!(selection(&[], &[]), Job::value_variants());
        assert_eq!(selection(&[Job::Doc, Job::Fmt], &[]), [Job::Doc, Job::Fmt]);
        assert!(!selection(&[], &[Job::Test]).contains(&Job::Test));
    }

    #[test]
    fn the_first_failure_ends_the_run() {
        let mut seen = Vec::new();
        let result = run_each(&[Job::Fmt, Job::Doc, Job::Test], |job| {
            seen.push(job);
            if job == Job::Doc { Err(anyhow::anyhow!("broken")) } else { Ok(()) }
        });
        assert_eq!(seen, [Job::Fmt, Job::Doc]);
        assert_eq!(result.unwrap_err().to_string(), "CI job doc failed");
    }
}
