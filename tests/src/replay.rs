//! Replaying contract data on a fresh server, in whole or up to a step.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use relive_core::Clock as _;

use crate::{
    Answer, Client, Server,
    case::{Prepared, Script, Step},
    template::Scope,
};

/// Replays a case on a fresh server; with several gateways over one database each request goes to another one.
///
/// # Errors
/// What differs from the file, with the step it differs at.
pub async fn replay(file: &Path, gateways: usize) -> Result<()> {
    perform(file, gateways, usize::MAX, &[]).await?;
    Ok(())
}

/// Replays the first steps of a case on a fresh server, those of its givens included, some keys set over its
/// configuration. Returns the server and the request of the next step, ready to be sent; `None` if there is no further
/// step.
///
/// # Errors
/// What differs from the file, with the step it differs at.
pub async fn rehearse(
    file: &Path,
    steps: usize,
    keys: &[(&str, toml::Value)],
) -> Result<(Server, Option<Prepared>)> {
    perform(file, 1, steps, keys).await
}

async fn perform(
    file: &Path,
    gateways: usize,
    steps: usize,
    keys: &[(&str, toml::Value)],
) -> Result<(Server, Option<Prepared>)> {
    let script = Script::of_case(file, &std::fs::read_to_string(file)?)?;
    let mut run = Run::start(&script, gateways, keys).await;
    for (index, written) in script.steps.iter().enumerate() {
        run.advance(&written.step);
        if index == steps {
            let next = written.step.request.prepare(&run.scope)?;
            return Ok((run.server, Some(next)));
        }
        for _ in 0..written.step.times {
            run.insist(&written.step).await.with_context(|| written.label.clone())?;
        }
    }
    Ok((run.server, None))
}

/// A fresh server in the middle of a script.
struct Run {
    server: Server,
    client: Client,
    scope: Scope,
}

impl Run {
    async fn start(script: &Script, gateways: usize, keys: &[(&str, toml::Value)]) -> Self {
        let config = script.config.iter().map(|(key, value)| (key.as_str(), value.clone()));
        let config: Vec<_> = config.chain(keys.iter().cloned()).collect();
        let server = Server::several(gateways, &config).await;
        let client = server.client();
        Self { server, client, scope: Scope::default() }
    }

    /// Moves the clock to the time of a step.
    fn advance(&mut self, step: &Step) {
        self.server.clock.advance(step.advance);
        self.scope.now = self.server.clock.now();
    }

    /// Sends the request of a step; how its reply differs from the answer, if it does.
    async fn send(&self, step: &Step) -> Result<(Answer, Option<String>)> {
        let request = step.request.prepare(&self.scope)?;
        let answer = request.send(&self.client, request.body.clone()).await?;
        let found = step.reply.differences(&answer, &self.scope)?;
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

    /// Performs a step whose reply has to fit.
    async fn insist(&mut self, step: &Step) -> Result<()> {
        let (answer, difference) = self.send(step).await?;
        if let Some(difference) = difference {
            bail!("{difference}");
        }
        step.save(&answer, &mut self.scope)
    }
}
