//! Replays the contract data of this crate's two adapters through `Adapter::call`, without HTTP.

use std::{collections::BTreeMap, fs, net::IpAddr, path::Path, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use minilvb_v1::{Callbacks, MinilvbV1};
use relive_core::{
    Clock as _, Config, Core, Dialect, Identifier, NewAccount, Password, TestClock, TestRandom, sign,
};
use relive_wire::{Adapter, Body, Reply, Request};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

/// A server of one case.
struct Server {
    core: Core,
    clock: Arc<TestClock>,
    adapters: [Box<dyn Adapter>; 2],
    saved: BTreeMap<String, Value>,
    _folder: tempfile::TempDir,
}

fn seconds(value: &Value) -> i64 {
    let text = value.as_str().unwrap();
    let (number, unit) = text.split_at(text.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => panic!("no unit: {text}"),
    };
    number.parse::<i64>().unwrap() * unit
}

fn configure(config: &mut Config, own: &mut minilvb_v1::Config, key: &str, value: &Value) {
    let text = || value.as_str().unwrap().to_owned();
    match key {
        "minilvb_v1.guests" => own.guests = value.as_bool().unwrap(),
        "minilvb_v2.clock_skew" => own.clock_skew = seconds(value),
        "minilvb_v2.token_ttl" => config.sessions.v2_token_ttl = seconds(value),
        "media.bizid" => config.media.bizid = text(),
        "media.push_host" => config.media.push_host = text(),
        "media.play_host" => config.media.play_host = text(),
        "media.play_scheme" => config.media.play_scheme = text(),
        "media.push_key" => config.media.push_key = text().into(),
        "media.play_key" => config.media.play_key = text().into(),
        "media.push_ttl" => config.media.push_ttl = seconds(value),
        "media.record" => config.media.record = value.as_bool().unwrap(),
        "callback.key" => config.cloud.callback_key = text().into(),
        "tencent.cos.appid" => config.cloud.cos_appid = text(),
        "tencent.cos.bucket" => config.cloud.cos_bucket = text(),
        "tencent.cos.secret_id" => config.cloud.cos_secret_id = text(),
        "tencent.cos.secret_key" => config.cloud.cos_secret_key = text().into(),
        "tencent.cos.sign_ttl" => config.cloud.cos_sign_ttl = seconds(value),
        "tencent.vod.secret_id" => config.cloud.vod_secret_id = text(),
        "tencent.vod.secret_key" => config.cloud.vod_secret_key = text().into(),
        "tencent.vod.procedure" => config.cloud.vod_procedure = text(),
        _ => panic!("unknown key {key}"),
    }
}

impl Server {
    fn start(case: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::sqlite(folder.path().join("relive.db"));
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.background = false;
        config.media.bizid = "8123".to_owned();
        config.media.push_key = "pushkey-demo".to_owned().into();
        config.cloud.callback_key = "S3cr".to_owned().into();
        let mut own = minilvb_v1::Config::default();
        for (key, value) in case["config"].as_object().into_iter().flatten() {
            configure(&mut config, &mut own, key, value);
        }
        let clock = Arc::new(TestClock::at(1_700_000_000));
        let core = Core::start(config, clock.clone(), Arc::new(TestRandom::seeded(1))).unwrap();
        let v1 = MinilvbV1::new(core.clone(), own);
        let callbacks = Callbacks::new(core.clone());
        let adapters: [Box<dyn Adapter>; 2] = [Box::new(v1), Box::new(callbacks)];
        Self { core, clock, adapters, saved: BTreeMap::new(), _folder: folder }
    }

    /// What the second generation's adapter does for the identity cases.
    async fn neighbour(&self, path: &str, body: &[u8]) -> Reply {
        let body: Value = serde_json::from_slice(body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        let (user_id, password) = (text("userid"), Password::plain(&text("password")));
        let data = match path {
            "/register" => {
                self.core.accounts().register(NewAccount::new(user_id, password)).await.unwrap();
                json!({})
            }
            "/login" => {
                let who = Identifier::UserId(user_id);
                let (_, grant) =
                    self.core.accounts().login(Dialect::MinilvbV2, who, &[password], None).await.unwrap();
                json!({ "token": grant.token.expose_secret() })
            }
            _ => panic!("nobody owns {path}"),
        };
        Reply::json("neighbour", 200, json!({ "code": 200, "message": "OK", "data": data }).to_string())
    }

    async fn send(&self, request: &Value) -> Reply {
        let uri: Uri = request["path"].as_str().unwrap().parse().unwrap();
        let method: Method = request["method"].as_str().unwrap_or("POST").parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            let value = self.fill(value, false);
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            headers.insert(name.parse::<HeaderName>().unwrap(), value);
        }
        let body = self.body(request);
        if let Some(token) = request.get("liteav") {
            let token = self.fill(token, false);
            let signature = sign::liteav::sign(token.as_str().unwrap(), &body);
            headers.insert("liteav-sig", signature.parse().unwrap());
        }
        let owner = self.adapters.iter().find_map(|adapter| {
            adapter.endpoint(&method, uri.path()).map(|endpoint| (adapter, endpoint.body_limit))
        });
        let Some((adapter, limit)) = owner else { return self.neighbour(uri.path(), &body).await };
        let body = if body.len() > limit { Body::TooLarge } else { Body::Whole(body.into()) };
        let client = IpAddr::from([192, 0, 2, 1]);
        adapter.call(Request { method, uri, mount_len: 0, headers, body, client }).await
    }

    fn body(&self, request: &Value) -> Vec<u8> {
        if let Some(body) = request.get("body") {
            return self.fill(body, false).to_string().into_bytes();
        }
        if let Some(raw) = request.get("raw") {
            return raw.as_str().unwrap().as_bytes().to_vec();
        }
        if let Some(base64) = request.get("base64") {
            return BASE64_STANDARD.decode(base64.as_str().unwrap()).unwrap();
        }
        let Some(repeat) = request.get("repeat") else { return Vec::new() };
        let part = |name: &str| repeat[name].as_str().unwrap_or_default();
        let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
        format!("{}{}{}", part("before"), part("text").repeat(times), part("after")).into_bytes()
    }

    /// Replaces placeholders; those only a reply may have stay.
    fn fill(&self, value: &Value, reply: bool) -> Value {
        match value {
            Value::String(text) => self.fill_text(text, reply),
            Value::Array(items) => items.iter().map(|item| self.fill(item, reply)).collect(),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.clone(), self.fill(value, reply)));
                members.collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str, reply: bool) -> Value {
        let Some(start) = text.find("${") else { return text.into() };
        let end = closing(&text[start..]).map(|end| start + end).expect("a placeholder ends");
        let name = &text[start + 2..end];
        let for_replies = ["any", "string", "integer", "hex32"].contains(&name) || name.starts_with("match:");
        if for_replies {
            assert!(reply && start == 0 && end + 1 == text.len(), "{text}");
            return text.into();
        }
        let found = self.lookup(name);
        if start == 0 && end + 1 == text.len() {
            return found;
        }
        let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        self.fill_text(&format!("{}{found}{}", &text[..start], &text[end + 1..]), reply)
    }

    fn lookup(&self, name: &str) -> Value {
        let inner = |text: &str| match self.fill_text(text, false) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        if let Some(saved) = self.saved.get(name) {
            saved.clone()
        } else if let Some(shift) = name.strip_prefix("now") {
            let shift: i64 = if shift.is_empty() { 0 } else { shift.parse().unwrap() };
            (self.clock.now() + shift).into()
        } else if let Some(text) = name.strip_prefix("md5:") {
            sign::digest::md5_hex(inner(text)).into()
        } else if let Some(text) = name.strip_prefix("base64:") {
            BASE64_STANDARD.encode(inner(text)).into()
        } else if let Some(length) = name.strip_prefix("len:") {
            "x".repeat(length.parse().unwrap()).into()
        } else {
            panic!("unknown placeholder {name}")
        }
    }
}

/// Where the placeholder at the start of a text ends; placeholders nest.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return Some(index),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Whether the answer is what is expected; the first difference otherwise.
fn compare(expected: &Value, found: &Value, place: &str) -> Result<(), String> {
    let fine = match (expected, found) {
        (Value::String(text), found) if text.starts_with("${") => match text.as_str() {
            "${any}" => true,
            "${string}" => found.as_str().is_some_and(|text| !text.is_empty()),
            "${integer}" => found.is_i64(),
            "${hex32}" => found.as_str().is_some_and(|text| {
                text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            }),
            _ => {
                let pattern = text.strip_prefix("${match:").unwrap().strip_suffix('}').unwrap();
                found.as_str().is_some_and(|text| matches(pattern, text))
            }
        },
        (Value::Object(expected), Value::Object(found)) => {
            let open = expected.get("...") == Some(&Value::Bool(true));
            for (name, value) in expected.iter().filter(|(name, _)| *name != "...") {
                let place = format!("{place}/{name}");
                compare(value, found.get(name).ok_or(format!("{place} is missing"))?, &place)?;
            }
            let extra = found.keys().find(|name| !expected.contains_key(*name));
            if let Some(extra) = extra.filter(|_| !open) {
                return Err(format!("{place}/{extra} is too much"));
            }
            true
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(expected, found, &format!("{place}/{index}"))?;
            }
            true
        }
        (expected, found) => expected == found,
    };
    if fine { Ok(()) } else { Err(format!("{place}: expected {expected}, found {found}")) }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| matches(tail, &rest[at..]))
        }),
    }
}

async fn step(server: &mut Server, step: &Value) -> Result<(), String> {
    server.clock.advance(step["advance"].as_i64().unwrap_or(0));
    let reply = server.send(&step["request"]).await;
    let expected = &step["reply"];
    let status = expected["status"].as_u64().unwrap_or(200);
    if u64::from(reply.status.as_u16()) != status {
        return Err(format!("HTTP status {}", reply.status));
    }
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let found = reply.headers.get(name).and_then(|found| found.to_str().ok()).unwrap_or_default();
        compare(value, &found.into(), name)?;
    }
    match (expected.get("body"), expected.get("raw")) {
        (Some(expected), _) => compare(&server.fill(expected, true), &body, "")?,
        (None, Some(raw)) => compare(&server.fill(raw, true), &text.as_str().into(), "raw")?,
        (None, None) => return Err("expects nothing".to_owned()),
    }
    for (name, pointer) in step["save"].as_object().into_iter().flatten() {
        let found = body.pointer(pointer.as_str().unwrap()).ok_or(format!("nothing at {pointer}"))?;
        server.saved.insert(name.clone(), found.clone());
    }
    Ok(())
}

async fn replay(path: &Path, failures: &mut Vec<String>) {
    let case: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|error| {
        panic!("{}: {error}", path.display());
    });
    let mut server = Server::start(&case);
    for (index, todo) in case["steps"].as_array().unwrap().iter().enumerate() {
        for _ in 0..todo["times"].as_u64().unwrap_or(1) {
            if let Err(why) = step(&mut server, todo).await {
                failures.push(format!("{} step {}: {why}", path.display(), index + 1));
                return;
            }
        }
    }
}

fn json_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            json_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[tokio::test]
async fn the_contract_data_holds() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts");
    let mut files = Vec::new();
    for adapter in ["minilvb-v1", "callback"] {
        json_files(&contracts.join(adapter), &mut files);
    }
    files.sort();
    let mut failures = Vec::new();
    for file in &files {
        replay(file, &mut failures).await;
    }
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), files.len(), failures.join("\n"));
    assert!(files.len() > 100, "{} cases are not all", files.len());
}
