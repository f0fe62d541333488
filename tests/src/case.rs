//! Contract data: reading a case and replaying it.

use std::{collections::HashMap, fmt::Write as _, path::Path};

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use relive_core::{Clock as _, sign::liteav};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{Answer, Client, Server, template::Scope};

/// One file of contract data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    config: HashMap<String, toml::Value>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default, rename = "about")]
    _about: String,
    #[serde(default)]
    advance: i64,
    #[serde(default = "once")]
    times: usize,
    request: Request,
    #[serde(default)]
    reply: Reply,
    #[serde(default)]
    save: HashMap<String, String>,
}

fn once() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: Option<String>,
    path: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<Box<RawValue>>,
    raw: Option<String>,
    base64: Option<String>,
    repeat: Option<Repeat>,
    liteav: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    text: String,
    times: usize,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    status: Option<u16>,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<Value>,
    raw: Option<String>,
    base64: Option<String>,
}

/// Replays a case on a fresh server; with several gateways over one database each request goes to another one.
///
/// # Errors
/// What differs from the file, with the step it differs at.
pub async fn replay(file: &Path, gateways: usize) -> Result<()> {
    perform(file, gateways, usize::MAX, &[]).await?;
    Ok(())
}

/// Replays the first steps of a case on a fresh server, some keys set over its configuration. Returns the server and
/// the request of the next step, ready to be sent; `None` if there is no further step.
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
    let text = std::fs::read_to_string(file)?;
    let case: Case = serde_json::from_str(&text).context("this is no case")?;
    let mut config: Vec<_> = case.config.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    config.extend_from_slice(keys);
    let server = Server::several(gateways, &config).await;
    let client = server.client();
    let mut scope = Scope::default();
    for (index, step) in case.steps.iter().enumerate() {
        server.clock.advance(step.advance);
        scope.now = server.clock.now();
        if index == steps {
            let next = step.request.prepare(&scope)?;
            return Ok((server, Some(next)));
        }
        for _ in 0..step.times {
            step.run(&client, &mut scope)
                .await
                .with_context(|| format!("step {} ({})", index + 1, step.request.path))?;
        }
    }
    Ok((server, None))
}

/// A request with its placeholders filled in.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Method.
    pub method: Method,
    /// Path with query.
    pub path: String,
    /// Body.
    pub body: Bytes,
    headers: Vec<(String, String)>,
    /// The token that signs the body.
    liteav: Option<String>,
}

impl Prepared {
    /// Sends it with that body, signed if it is one that is signed.
    pub async fn send(&self, client: &Client, body: Bytes) -> Result<Answer> {
        let mut headers = self.headers.clone();
        if let Some(token) = &self.liteav {
            headers.push(("Liteav-Sig".to_owned(), liteav::sign(token, &body)));
        }
        client.send(self.method.clone(), &self.path, &headers, body).await
    }
}

impl Step {
    async fn run(&self, client: &Client, scope: &mut Scope) -> Result<()> {
        let request = self.request.prepare(scope)?;
        let answer = request.send(client, request.body.clone()).await?;
        let found = self.reply.differences(&answer, scope)?;
        if !found.is_empty() {
            let mut report = found.join("\n  ");
            let sent: String = String::from_utf8_lossy(&request.body).chars().take(500).collect();
            let got: String = String::from_utf8_lossy(&answer.body).chars().take(2_000).collect();
            let _ = write!(report, "\n  sent {sent}\n  got  {} {got}", answer.status);
            bail!("\n  {report}");
        }
        for (name, pointer) in &self.save {
            let json = answer.json();
            let value = json.pointer(pointer).with_context(|| format!("nothing at {pointer} to save"))?;
            scope.saved.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

impl Request {
    fn prepare(&self, scope: &Scope) -> Result<Prepared> {
        Ok(Prepared {
            method: self.method.as_deref().unwrap_or("POST").parse()?,
            path: scope.text(&self.path),
            body: self.bytes(scope)?,
            headers: self.headers.iter().map(|(name, value)| (name.clone(), scope.text(value))).collect(),
            liteav: self.liteav.as_ref().map(|token| scope.text(token)),
        })
    }

    fn bytes(&self, scope: &Scope) -> Result<Bytes> {
        Ok(if let Some(body) = &self.body {
            scope.json(&compact(body.get())).into()
        } else if let Some(raw) = &self.raw {
            scope.text(raw).into()
        } else if let Some(base64) = &self.base64 {
            STANDARD.decode(base64)?.into()
        } else if let Some(repeat) = &self.repeat {
            let (before, after) = (scope.text(&repeat.before), scope.text(&repeat.after));
            format!("{before}{}{after}", repeat.text.repeat(repeat.times)).into()
        } else {
            Bytes::new()
        })
    }
}

/// Takes the white space between tokens out of a JSON text.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    json.chars()
        .filter(|character| {
            let keep = inside || !character.is_ascii_whitespace();
            match character {
                '"' if !escaped => inside = !inside,
                _ => {}
            }
            escaped = inside && *character == '\\' && !escaped;
            keep
        })
        .collect()
}

impl Reply {
    fn differences(&self, answer: &Answer, scope: &Scope) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let status = self.status.unwrap_or(200);
        if answer.status.as_u16() != status {
            found.push(format!("status should be {status}, is {}", answer.status));
        }
        for (name, value) in &self.headers {
            let got =
                answer.headers.get(name).map(|got| String::from_utf8_lossy(got.as_bytes()).into_owned());
            scope.differences(
                &Value::from(value.as_str()),
                &got.into(),
                &format!("header {name}"),
                &mut found,
            );
        }
        if let Some(expected) = &self.body {
            match serde_json::from_slice::<Value>(&answer.body) {
                Ok(got) => scope.differences(expected, &got, "", &mut found),
                Err(error) => found.push(format!("the body is no JSON: {error}")),
            }
        }
        if let Some(raw) = &self.raw
            && answer.body != scope.text(raw).as_bytes()
        {
            found.push(format!("the body should be {raw:?}"));
        }
        if let Some(base64) = &self.base64
            && answer.body != STANDARD.decode(base64)?
        {
            found.push("the body has other bytes".to_owned());
        }
        Ok(found)
    }
}
