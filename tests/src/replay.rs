//! Replays contract data on a fresh server: until the first difference, up to a step, or in whole to collect
//! differences.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, stream};
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use relive_core::{Clock as _, Seconds};

use crate::{
    Answer, Client, Server, Setup,
    case::{Prepared, Script, Step, holds_givens},
    cases, rewrite,
    template::Scope,
};

/// The paths of the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paths {
    /// As the case has them.
    #[default]
    AsWritten,
    /// With the first slash doubled, as an app sends them whose base address ends in a slash.
    Doubled,
}

/// How many cases are replayed at a time.
const PARALLEL: usize = 8;

/// The servers and the client of a replay.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// How much of its configuration the server has set.
    pub setup: Setup,
    /// How many gateways run over one database; each request goes to the next one.
    pub gateways: usize,
    /// The paths of the requests.
    pub paths: Paths,
}

impl Default for Way {
    /// One gateway with the harness' configuration.
    fn default() -> Self {
        Self { setup: Setup::default(), gateways: 1, paths: Paths::default() }
    }
}

/// Replays each case on a fresh server.
///
/// # Panics
/// If there is no case. If an answer differs from its file, or may not be read by every web page; the message names
/// every such case with its step.
pub async fn replay(cases: Vec<PathBuf>, way: Way) {
    assert!(!cases.is_empty(), "no contract data");
    let count = cases.len();
    let failures: Vec<String> = stream::iter(cases)
        .map(|file| async move {
            let error = perform(&file, way, usize::MAX, &[]).await.err();
            error.map(|error| format!("{}: {error:#}", cases::name(&file)))
        })
        .buffer_unordered(PARALLEL)
        .filter_map(|failure| async move { failure })
        .collect()
        .await;
    assert!(
        failures.is_empty(),
        "{} of {count} cases fail ({way:?}):\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Replays the first steps of a case, those of its givens included, on a fresh server with some more configuration
/// keys. Returns the server and the request of the next step, ready to be sent; `None` if there is no further step.
///
/// # Errors
/// If an answer differs from the file; the message names the step.
pub async fn rehearse(
    file: &Path,
    steps: usize,
    keys: &[(&str, toml::Value)],
) -> Result<(Server, Option<Prepared>)> {
    perform(file, Way::default(), steps, keys).await
}

async fn perform(
    file: &Path,
    way: Way,
    steps: usize,
    keys: &[(&str, toml::Value)],
) -> Result<(Server, Option<Prepared>)> {
    let script = Script::of_case(file, &std::fs::read_to_string(file)?)?;
    let mut run = Run::start(&script, way, keys).await;
    for (index, written) in script.steps.iter().enumerate() {
        if !written.step.belongs_to(way.setup) {
            continue;
        }
        run.advance(&written.step);
        if index == steps {
            let next = written.step.request.prepare(&run.scope, &script.headers)?;
            return Ok((run.server, Some(next)));
        }
        for _ in 0..written.step.times {
            run.insist(&written.step).await.with_context(|| written.label.clone())?;
        }
    }
    Ok((run.server, None))
}

/// The comparison of a file with the answers of a server.
#[derive(Debug)]
pub struct Review {
    /// For each step that differs its name and the differences.
    pub differences: Vec<String>,
    /// The text of the file with every differing reply rewritten.
    pub text: String,
}

/// Replays a case on a fresh server to the end, also behind a difference; of a file of givens each given on a server of
/// its own. The server of a client's story has all keys set.
///
/// # Errors
/// If the file cannot be read, if a step of a given of the case differs, and if an answer lacks a value to save.
pub async fn review(file: &Path) -> Result<Review> {
    let text = std::fs::read_to_string(file)?;
    let scripts =
        if holds_givens(file) { Script::of_givens(&text)? } else { vec![Script::of_case(file, &text)?] };
    let mut review = Review { differences: Vec::new(), text: String::new() };
    let mut rest = text.as_str();
    for script in &scripts {
        let setup = if script.of_client { Setup::Full } else { Setup::Harness };
        let mut run = Run::start(script, Way { setup, ..Way::default() }, &[]).await;
        for written in script.steps.iter().filter(|written| written.step.belongs_to(setup)) {
            run.advance(&written.step);
            let old = written.text.get();
            let mut new = old.to_owned();
            for _ in 0..written.step.times {
                let difference = run.adapt(&mut new).await.with_context(|| written.label.clone())?;
                if let Some(difference) = difference {
                    let report = format!("{}{difference}", written.label);
                    ensure!(written.own, "{report}\n  (a given: update the adapter's given.json first)");
                    review.differences.push(report);
                }
            }
            if written.own {
                let (before, after) = rest.split_once(old).context("the file has no such step")?;
                review.text += before;
                review.text += &new;
                rest = after;
            }
        }
    }
    review.text += rest;
    Ok(review)
}

/// A server on which a script is being replayed.
struct Run<'a> {
    headers: &'a HashMap<String, String>,
    server: Server,
    client: Client,
    scope: Scope,
    paths: Paths,
}

impl<'a> Run<'a> {
    async fn start(script: &'a Script, way: Way, keys: &[(&str, toml::Value)]) -> Self {
        let config = script.config.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let config: Vec<_> = config.chain(keys.iter().cloned()).collect();
        let server = Server::set_up(way.setup, way.gateways, &config).await;
        let client = server.client();
        let mut scope = Scope::default();
        scope.saved.insert("bizid".to_owned(), server.bizid().into());
        Self { headers: &script.headers, server, client, scope, paths: way.paths }
    }

    /// Moves the clock to the time of a step.
    fn advance(&mut self, step: &Step) {
        self.server.clock.advance(Seconds(step.advance));
        self.scope.now = self.server.clock.now();
    }

    /// Sends the request of a step; returns the answer and, if it differs from the expected reply, the differences.
    async fn send(&self, step: &Step) -> Result<(Answer, Option<String>)> {
        let mut request = step.request.prepare(&self.scope, self.headers)?;
        if self.paths == Paths::Doubled {
            request.path.insert(0, '/');
        }
        let answer = request.send(&self.client, request.body.clone()).await?;
        let mut found = step.reply.differences(&answer, &self.scope)?;
        if answer.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none_or(|origins| origins != "*") {
            found.push("a web page of another origin may not read the answer".to_owned());
        }
        if found.is_empty() {
            return Ok((answer, None));
        }
        let start =
            |bytes: &[u8], most| String::from_utf8_lossy(bytes).chars().take(most).collect::<String>();
        let report = format!(
            "\n  {}\n  sent {}\n  got  {} {}",
            found.join("\n  "),
            start(&request.body, 500),
            answer.status,
            start(&answer.body, 2_000),
        );
        Ok((answer, Some(report)))
    }

    /// Performs a step and fails if the answer differs from the expected reply.
    async fn insist(&mut self, step: &Step) -> Result<()> {
        let (answer, difference) = self.send(step).await?;
        if let Some(difference) = difference {
            bail!("{difference}");
        }
        step.save(&answer, &mut self.scope)
    }

    /// Performs the step with that text; rewrites the expected reply in the text if the answer differs.
    async fn adapt(&mut self, text: &mut String) -> Result<Option<String>> {
        let step: Step = serde_json::from_str(text)?;
        let (answer, difference) = self.send(&step).await?;
        if difference.is_some() {
            *text = rewrite::step(text, &answer, &self.scope)?;
        }
        step.save(&answer, &mut self.scope)?;
        Ok(difference)
    }
}
