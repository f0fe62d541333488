//! Contract data: a case, its steps, the request and the reply of a step. The format is described in `tests/README.md`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Method;
use relive_core::sign::liteav;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    Answer, Client, Setup,
    json::{Members, compact},
    needs::Needs,
    template::{Scope, difference},
};

/// The name of the file of givens in an adapter's folder.
const GIVEN: &str = "given.json";

/// The names and the steps of givens, in the order of the file.
type Givens = Members<Vec<Box<RawValue>>>;

/// Header values by their names.
type Headers = HashMap<String, String>;

/// One file of contract data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    #[serde(rename = "about")]
    _about: String,
    client: Option<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    config: HashMap<String, toml::Value>,
    #[serde(default)]
    given: Vec<String>,
    steps: Vec<Box<RawValue>>,
}

/// The steps to replay on one fresh server.
#[derive(Debug)]
pub(crate) struct Script {
    /// Whether the case is the story of a client.
    pub(crate) of_client: bool,
    /// The headers of every request without headers of its own.
    pub(crate) headers: Headers,
    /// The keys of the configuration file that the case sets.
    pub(crate) config: HashMap<String, toml::Value>,
    /// The steps of the givens, then those of the case.
    pub(crate) steps: Vec<Written>,
}

/// A step with its text and its place.
#[derive(Debug)]
pub(crate) struct Written {
    /// The name of the step in messages, such as `step 2 of the given "mei" (/login)`.
    pub(crate) label: String,
    /// Whether the step is written in the replayed file itself, not in the file of givens.
    pub(crate) own: bool,
    /// The JSON text.
    pub(crate) text: Box<RawValue>,
    /// The parsed text.
    pub(crate) step: Step,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(default, rename = "about")]
    _about: String,
    /// Seconds the clock moves before the request is sent.
    #[serde(default)]
    pub(crate) advance: i64,
    /// The only setup in which the request is sent; none: in all of them.
    only: Option<Setup>,
    /// How many times the request is sent.
    #[serde(default = "once")]
    pub(crate) times: usize,
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) reply: Reply,
    /// JSON pointers to the values to save from the body of the answer, by the names to save them under.
    #[serde(default)]
    pub(crate) save: HashMap<String, String>,
}

fn once() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    method: Option<String>,
    path: String,
    headers: Option<Headers>,
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
pub(crate) struct Reply {
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Option<Value>,
    pub(crate) raw: Option<String>,
    pub(crate) base64: Option<String>,
    #[serde(default)]
    pub(crate) needs: Needs,
}

/// Reads all steps of a case, those of its givens first.
///
/// # Errors
/// If the file, or a given it names, cannot be read.
pub fn steps(file: &Path) -> Result<Vec<Value>> {
    let script = Script::of_case(file, &std::fs::read_to_string(file)?)?;
    script.steps.iter().map(|written| Ok(serde_json::from_str(written.text.get())?)).collect()
}

/// Reads the names of the givens of a case.
///
/// # Errors
/// If the file cannot be read.
pub fn given_names(file: &Path) -> Result<Vec<String>> {
    let case: Case = serde_json::from_str(&std::fs::read_to_string(file)?).context("this is no case")?;
    Ok(case.given)
}

/// Reads the name of the client whose story a case is; none for all other cases.
///
/// # Errors
/// If the file cannot be read.
pub fn client(file: &Path) -> Result<Option<String>> {
    let case: Case = serde_json::from_str(&std::fs::read_to_string(file)?).context("this is no case")?;
    Ok(case.client)
}

/// Reads the names of all givens of an adapter; none if its folder has no file of givens.
///
/// # Errors
/// If the file cannot be read.
pub fn all_given_names(adapter: &Path) -> Result<Vec<String>> {
    let file = adapter.join(GIVEN);
    let givens = if file.exists() { read_givens(&file)? } else { Members(Vec::new()) };
    Ok(givens.0.into_iter().map(|(name, _)| name).collect())
}

/// Tells whether a file is the file of givens of an adapter.
pub(crate) fn holds_givens(file: &Path) -> bool {
    file.ends_with(GIVEN)
}

fn read_givens(file: &Path) -> Result<Givens> {
    let text = std::fs::read_to_string(file).with_context(|| format!("no givens in {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} holds no givens", file.display()))
}

impl Script {
    /// Parses the text of the case in that file and reads its givens.
    pub(crate) fn of_case(file: &Path, text: &str) -> Result<Self> {
        let case: Case = serde_json::from_str(text).context("this is no case")?;
        let mut steps = Vec::new();
        if !case.given.is_empty() {
            let path: PathBuf =
                file.ancestors().nth(2).context("the case is in no adapter's folder")?.join(GIVEN);
            let givens = read_givens(&path)?;
            for name in case.given {
                let found = givens.0.iter().find(|(other, _)| *other == name);
                let (_, given) = found.with_context(|| format!("no given {name:?} in {}", path.display()))?;
                steps.extend(written(given, false, &format!(" of the given {name:?}"))?);
            }
        }
        steps.extend(written(&case.steps, true, "")?);
        Ok(Self { of_client: case.client.is_some(), headers: case.headers, config: case.config, steps })
    }

    /// Parses the text of a file of givens into one script for each given.
    pub(crate) fn of_givens(text: &str) -> Result<Vec<Self>> {
        let givens: Givens = serde_json::from_str(text).context("this holds no givens")?;
        let script = |(name, steps): &(String, Vec<_>)| {
            let steps = written(steps, true, &format!(" of {name:?}"))?;
            Ok(Self { of_client: false, headers: Headers::new(), config: HashMap::new(), steps })
        };
        givens.0.iter().map(script).collect()
    }
}

fn written(steps: &[Box<RawValue>], own: bool, of: &str) -> Result<Vec<Written>> {
    let numbered = steps.iter().zip(1..);
    let read = numbered.map(|(text, number): (_, usize)| {
        let step: Step =
            serde_json::from_str(text.get()).with_context(|| format!("step {number}{of} is no step"))?;
        let label = format!("step {number}{of} ({})", step.request.path);
        Ok(Written { label, own, text: text.clone(), step })
    });
    read.collect()
}

/// A request whose placeholders are filled in.
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
    /// Sends the request with another body, signed anew if the request is signed.
    pub async fn send(&self, client: &Client, body: Bytes) -> Result<Answer> {
        let mut headers = self.headers.clone();
        if let Some(token) = &self.liteav {
            headers.push(("Liteav-Sig".to_owned(), liteav::sign(token, &body)));
        }
        client.send(self.method.clone(), &self.path, &headers, body).await
    }
}

impl Step {
    /// Tells whether the request is sent to servers of that setup.
    pub(crate) fn belongs_to(&self, setup: Setup) -> bool {
        self.only.is_none_or(|only| only == setup)
    }

    /// Saves the values of an answer that later steps need.
    pub(crate) fn save(&self, answer: &Answer, scope: &mut Scope) -> Result<()> {
        for (name, pointer) in &self.save {
            let json: Value =
                serde_json::from_slice(&answer.body).context("there is no JSON to save from")?;
            let value = json.pointer(pointer).with_context(|| format!("nothing at {pointer} to save"))?;
            scope.saved.insert(name.clone(), value.clone());
        }
        Ok(())
    }
}

impl Request {
    /// Fills in the placeholders of the request; `headers`: those of a request without headers of its own.
    pub(crate) fn prepare(&self, scope: &Scope, headers: &Headers) -> Result<Prepared> {
        let headers = self.headers.as_ref().unwrap_or(headers);
        Ok(Prepared {
            method: self.method.as_deref().unwrap_or("POST").parse()?,
            path: scope.text(&self.path),
            body: self.bytes(scope)?,
            headers: headers.iter().map(|(name, value)| (name.clone(), scope.text(value))).collect(),
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

impl Reply {
    /// The status of the reply.
    pub(crate) fn status(&self) -> u16 {
        self.status.unwrap_or(200)
    }

    /// Describes each difference between the answer and the expected reply.
    pub(crate) fn differences(&self, answer: &Answer, scope: &Scope) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut differ = |at: &str, expected: Value, got: Value| {
            found.push(difference(at, Some(&expected), Some(&got)));
        };
        if answer.status.as_u16() != self.status() {
            differ("status", self.status().into(), answer.status.as_u16().into());
        }
        if let Some(raw) = &self.raw {
            let expected = scope.text(raw);
            if answer.body != expected.as_bytes() {
                differ("body", expected.into(), String::from_utf8_lossy(&answer.body).into());
            }
        }
        if let Some(base64) = &self.base64
            && answer.body != STANDARD.decode(base64)?
        {
            differ("body", base64.as_str().into(), STANDARD.encode(&answer.body).into());
        }
        for (name, value) in &self.headers {
            let at = format!("header {name}");
            scope.differences(&Value::from(value.as_str()), &answer.header(name).into(), &at, &mut found);
        }
        if self.body.is_some() || !self.needs.is_empty() {
            match serde_json::from_slice::<Value>(&answer.body) {
                Ok(got) => {
                    if let Some(expected) = &self.body {
                        scope.differences(expected, &got, "", &mut found);
                    }
                    found.extend(self.needs.unmet(&got));
                }
                Err(error) => found.push(format!("the body is no JSON: {error}")),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(case: &str) -> Result<Script> {
        let folder = tempfile::tempdir().unwrap();
        let step = |path: &str| format!(r#"{{"request": {{"path": "{path}"}}}}"#);
        let givens = format!(r#"{{"mei": [{}, {}], "lin": [{}]}}"#, step("/a"), step("/b"), step("/c"));
        std::fs::write(folder.path().join(GIVEN), givens).unwrap();
        Script::of_case(&folder.path().join("live.create/success.json"), case)
    }

    #[test]
    fn the_steps_of_the_givens_come_before_the_own_ones() {
        let case = r#"{"about": "", "given": ["lin", "mei"], "steps": [{"request": {"path": "/d"}}]}"#;
        let labels: Vec<_> = script(case).unwrap().steps.into_iter().map(|step| step.label).collect();
        assert_eq!(
            labels,
            [
                r#"step 1 of the given "lin" (/c)"#,
                r#"step 1 of the given "mei" (/a)"#,
                r#"step 2 of the given "mei" (/b)"#,
                "step 1 (/d)",
            ]
        );
    }

    #[test]
    fn headers_of_the_case_are_sent_with_requests_without_headers() {
        let case = r#"{"about": "", "headers": {"a": "${n}"}, "steps": [
            {"request": {"path": "/a"}}, {"request": {"path": "/b", "headers": {"b": "2"}}}
        ]}"#;
        let script = script(case).unwrap();
        let mut scope = Scope::default();
        scope.saved.insert("n".to_owned(), 1.into());
        let sent = script
            .steps
            .iter()
            .map(|written| written.step.request.prepare(&scope, &script.headers).unwrap().headers);
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(sent.collect::<Vec<_>>(), [pair("a", "1"), pair("b", "2")]);
    }

    #[test]
    fn a_step_may_belong_to_one_setup() {
        let step = |only: &str| {
            let step: Step =
                serde_json::from_str(&format!(r#"{{{only} "request": {{"path": "/"}}}}"#)).unwrap();
            [Setup::Harness, Setup::Full, Setup::Bare].map(|setup| step.belongs_to(setup))
        };
        assert_eq!(step(""), [true, true, true]);
        assert_eq!(step(r#""only": "full","#), [false, true, false]);
        assert_eq!(step(r#""only": "bare","#), [false, false, true]);
    }

    #[test]
    fn unmet_needs_are_differences() {
        let reply: Reply =
            serde_json::from_str(r#"{"body": {"a": 1, "...": true}, "needs": {"/b": "int"}}"#).unwrap();
        let differences = |body: &str| {
            let body = Bytes::copy_from_slice(body.as_bytes());
            let answer = Answer { status: http::StatusCode::OK, headers: http::HeaderMap::new(), body };
            reply.differences(&answer, &Scope::default()).unwrap().len()
        };
        assert_eq!(differences(r#"{"a": 1, "b": 2}"#), 0);
        assert_eq!(differences(r#"{"a": 1, "b": "2"}"#), 1);
        assert_eq!(differences(r#"{"a": 2}"#), 2);
        assert_eq!(differences("no JSON"), 1);
    }

    #[test]
    fn a_given_that_does_not_exist_is_an_error() {
        let error = script(r#"{"about": "", "given": ["bo"], "steps": []}"#).unwrap_err();
        assert!(error.to_string().starts_with(r#"no given "bo" in "#), "{error}");
    }
}
