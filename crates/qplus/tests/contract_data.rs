//! Replays `tests/contracts/qplus` straight into the adapter: the same data that the contract tests send over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, Method, Uri};
use qplus::{CodeDelivery, Config, DeliveryFuture, ExposeAnchorPassword, PasswordReset, Qplus};
use relive_core::{Clock as _, Core, TestClock, TestRandom};
use relive_wire::{Adapter as _, Body, Reply, Request};
use serde_json::{Map, Value, json};

struct Nowhere;

impl CodeDelivery for Nowhere {
    fn deliver<'a>(&'a self, _: &'a str, _: &'a str) -> DeliveryFuture<'a> {
        Box::pin(async { Ok(()) })
    }
}

struct Case {
    adapter: Qplus,
    clock: Arc<TestClock>,
    saved: Map<String, Value>,
    _folder: tempfile::TempDir,
}

impl Case {
    fn new(config: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut core = relive_core::Config::sqlite(folder.path().join("relive.db"));
        core.accounts.argon2_memory_kib = 8;
        core.accounts.argon2_iterations = 1;
        core.background = false;
        let mut qplus = Config {
            password_reset: PasswordReset::Open,
            expose_anchor_password: ExposeAnchorPassword::Owner,
            delivery: None,
        };
        for (key, value) in config.as_object().into_iter().flatten() {
            match (key.as_str(), value.as_str(), value.as_u64()) {
                ("qplus.password_reset", Some("proof"), _) => qplus.password_reset = PasswordReset::Proof,
                ("qplus.password_reset", Some("off"), _) => qplus.password_reset = PasswordReset::Off,
                ("qplus.expose_anchor_password", Some("all"), _) => {
                    qplus.expose_anchor_password = ExposeAnchorPassword::All;
                }
                ("qplus.auth_code_delivery", Some("log"), _) => qplus.delivery = Some(Arc::new(Nowhere)),
                ("qplus.sessions_per_user", _, Some(most)) => {
                    core.sessions.qplus_per_account = usize::try_from(most).unwrap();
                }
                ("qplus.session_idle", Some(text), _) => {
                    let seconds = text.strip_suffix('s').unwrap().parse().map(Duration::from_secs).unwrap();
                    core.sessions.qplus_idle = i64::try_from(seconds.as_secs()).unwrap();
                }
                ("accounts.registration", Some("closed"), _) => core.accounts.open_registration = false,
                ("limits.register_per_ip_per_hour", _, Some(most)) => {
                    core.limits.registrations_per_hour = u32::try_from(most).unwrap();
                }
                _ => panic!("unknown configuration {key} = {value}"),
            }
        }
        let clock = Arc::new(TestClock::at(1_700_000_000));
        let core =
            Core::start(core, Arc::<TestClock>::clone(&clock), Arc::new(TestRandom::seeded(7))).unwrap();
        Self { adapter: Qplus::new(core, qplus), clock, saved: Map::new(), _folder: folder }
    }

    /// Replaces every `${…}` that a request may hold.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.fill_text(text),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), self.fill(member))).collect()
            }
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str) -> Value {
        let Some((before, rest)) = text.split_once("${") else { return text.into() };
        let (name, after) = rest.split_once('}').unwrap();
        let value = match name.split_once(':') {
            _ if name == "now" => self.clock.now().into(),
            Some(("len", times)) => "x".repeat(times.parse().unwrap()).into(),
            Some(("base64", text)) => STANDARD.encode(text).into(),
            _ => match self.saved.get(name) {
                Some(value) => value.clone(),
                None if matches!(name, "any" | "string" | "integer" | "hex32") => return text.into(),
                None => panic!("nothing was saved as {name}"),
            },
        };
        if before.is_empty() && after.is_empty() {
            return value;
        }
        let after = self.fill_text(after);
        let as_text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{before}{}{}", as_text(&value), as_text(&after)).into()
    }

    fn body(&self, request: &Value) -> Vec<u8> {
        if let Some(body) = request.get("body") {
            // Written out in the order of the file, which serde_json does not keep; no case depends on it.
            return self.fill(body).to_string().into_bytes();
        }
        if let Some(raw) = request["raw"].as_str() {
            return self.fill_text(raw).as_str().unwrap().as_bytes().to_vec();
        }
        if let Some(bytes) = request["base64"].as_str() {
            return STANDARD.decode(bytes).unwrap();
        }
        let Some(repeat) = request.get("repeat") else { return Vec::new() };
        let part = |name: &str| self.fill_text(repeat[name].as_str().unwrap_or_default());
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        let text = part("text").as_str().unwrap().repeat(times);
        format!("{}{text}{}", part("before").as_str().unwrap(), part("after").as_str().unwrap()).into_bytes()
    }

    async fn send(&self, request: &Value) -> Reply {
        let method: Method = request["method"].as_str().unwrap_or("POST").parse().unwrap();
        let uri: Uri = self.fill(&request["path"]).as_str().unwrap().parse().unwrap();
        let Some(endpoint) = self.adapter.endpoint(&method, uri.path()) else {
            // The gateway's answer.
            let body = json!({"access": uri.path(), "status": 10_002, "desc": "参数错误"}).to_string();
            return Reply::json("unknown", 10_002, body).with_status(http::StatusCode::NOT_FOUND);
        };
        let mut headers = HeaderMap::new();
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap());
        }
        let body = self.body(request);
        let body = if body.len() > endpoint.body_limit { Body::TooLarge } else { Body::Whole(body.into()) };
        let client = Ipv4Addr::LOCALHOST.into();
        self.adapter.call(Request { method, uri, mount_len: 0, headers, body, client }).await
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        self.clock.advance(step["advance"].as_i64().unwrap_or(0));
        let (request, expected) = (&step["request"], &step["reply"]);
        for _ in 0..step["times"].as_u64().unwrap_or(1) {
            let reply = self.send(request).await;
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            let context = |what: &str| format!("{request}\n  {what}: {}\n  got {text}", self.fill(expected));
            if u64::from(reply.status.as_u16()) != expected["status"].as_u64().unwrap_or(200) {
                return Err(context("HTTP status"));
            }
            for (name, value) in expected["headers"].as_object().into_iter().flatten() {
                if reply.headers.get(name).map(|value| value.to_str().unwrap()) != value.as_str() {
                    return Err(context(name));
                }
            }
            if let Some(body) = expected.get("body") {
                let got: Value = serde_json::from_slice(&reply.body).map_err(|_| context("not JSON"))?;
                if !matches(&self.fill(body), &got) {
                    return Err(context("wanted"));
                }
            }
            if let Some(raw) = expected["raw"].as_str()
                && raw != text
            {
                return Err(context("raw"));
            }
            if let Some(bytes) = expected["base64"].as_str()
                && STANDARD.decode(bytes).unwrap() != reply.body
            {
                return Err(context("bytes"));
            }
            for (name, pointer) in step["save"].as_object().into_iter().flatten() {
                let got: Value = serde_json::from_slice(&reply.body).unwrap();
                self.saved.insert(name.clone(), got.pointer(pointer.as_str().unwrap()).unwrap().clone());
            }
        }
        Ok(())
    }
}

fn matches(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(expected), Value::Object(got)) => {
            let open = expected.get("...") == Some(&Value::Bool(true));
            (open || expected.len() == got.len())
                && expected
                    .iter()
                    .filter(|(name, _)| *name != "...")
                    .all(|(name, member)| got.get(name).is_some_and(|got| matches(member, got)))
        }
        (Value::Array(expected), Value::Array(got)) => {
            expected.len() == got.len()
                && expected.iter().zip(got).all(|(expected, got)| matches(expected, got))
        }
        (Value::String(pattern), got) if pattern.starts_with("${") => match pattern.as_str() {
            "${any}" => true,
            "${string}" => got.as_str().is_some_and(|text| !text.is_empty()),
            "${integer}" => got.is_i64(),
            "${hex32}" => got.as_str().is_some_and(|text| {
                text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }),
            other => panic!("unknown pattern {other}"),
        },
        (expected, got) => expected == got,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_case_of_the_contract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts/qplus");
    let mut failures = Vec::new();
    let files = files(&folder);
    assert!(!files.is_empty());
    for path in files {
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut run = Case::new(&case["config"]);
        for (index, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            if let Err(failure) = run.step(step).await {
                failures.push(format!("{} step {index}: {failure}", path.display()));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
