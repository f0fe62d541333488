//! The program behind `cargo xtask contracts`: shows how contract cases differ from what a fresh server answers, or
//! rewrites their expected replies.
#![expect(clippy::print_stdout, reason = "a command line tool answers on its standard output")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Result, bail, ensure};
use contract_tests::{cases, replay::review};
use futures_util::{StreamExt as _, stream};

/// How many cases are replayed at a time.
const PARALLEL: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reviews the cases that the arguments `[--update] [CASE]` name (see [`cases::named`]) and prints the differences.
async fn run(mut arguments: Vec<String>) -> Result<()> {
    let update = arguments.first().is_some_and(|first| first == "--update");
    arguments.drain(..usize::from(update));
    let wanted = arguments.first().map(String::as_str);
    ensure!(arguments.len() < 2, "one case at a time");
    ensure!(!update || wanted.is_some(), "--update needs the name of a case");
    let files = cases::named(wanted)?;
    let count = files.len();
    let reviews = stream::iter(files).map(async |file: PathBuf| (review(&file).await, file));
    let mut reviews = reviews.buffered(PARALLEL);
    let (mut differing, mut failed) = (0, 0);
    while let Some((review, file)) = reviews.next().await {
        let name = cases::name(&file);
        match review {
            Ok(review) if review.differences.is_empty() => {}
            Ok(review) => {
                differing += 1;
                for difference in &review.differences {
                    println!("{name}, {difference}\n");
                }
                if update && let Err(error) = rewrite(&file, &review.text).await {
                    failed += 1;
                    println!("{name}: {error:#}\n");
                }
            }
            Err(error) => {
                failed += 1;
                println!("{name}: {error:#}\n");
            }
        }
    }
    let verb = if update { "rewritten" } else { "differing" };
    println!("cases: {count}, {verb}: {differing}, failed: {failed}");
    if failed > 0 || (differing > 0 && !update) {
        bail!("not every case fits the answers of the server");
    }
    Ok(())
}

/// Writes the new text of a case and replays the case again to check that the answers are the same in each run.
async fn rewrite(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text)?;
    let again = review(file).await?;
    ensure!(
        again.differences.is_empty(),
        "an answer still differs: it is another one in each run, so write a placeholder for it, or the client needs something else"
    );
    Ok(())
}
