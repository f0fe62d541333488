//! Replays the contract data of this dialect against the adapter itself. The runner over HTTP supersedes it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is wrong"
)]

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue};
use minilvb_v2::{Config, IndexMode, MinilvbV2};
use relive_core::{
    Clock as _, Core, FileFormat, NewRecording, Route, StreamEvent, TestClock, TestRandom,
    sign::{digest::md5_hex, liteav},
};
use relive_wire::{Adapter as _, Body, Request};
use serde_json::{Value, json};

struct World {
    adapter: MinilvbV2,
    core: Core,
    clock: Arc<TestClock>,
    saved: HashMap<String, Value>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(settings: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut core = relive_core::Config::sqlite(folder.path().join("relive.db"));
        core.accounts.argon2_memory_kib = 8;
        core.accounts.argon2_iterations = 1;
        core.background = false;
        core.media.bizid = "8123".into();
        core.cloud.callback_key = "S3cr".into();
        core.cloud.im_sdkappid = 1_400_000_123;
        core.cloud.im_secret = "demo-im-secret-key".into();
        let mut config = Config::default();
        for (key, value) in settings.as_object().into_iter().flatten() {
            let text = || value.as_str().unwrap().to_owned();
            let seconds = || {
                let text = text();
                let (number, unit) = text.split_at(text.len() - 1);
                number.parse::<i64>().unwrap() * if unit == "h" { 3_600 } else { 1 }
            };
            let number = || u32::try_from(value.as_u64().unwrap()).unwrap();
            match key.as_str() {
                "accounts.registration" => core.accounts.open_registration = text() == "open",
                "limits.register_per_ip_per_hour" => core.limits.registrations_per_hour = number(),
                "limits.login_failures_per_account" => core.limits.login_failures = number(),
                "callback.key" => core.cloud.callback_key = text().into(),
                "tencent.api_key" => core.cloud.api_key = text().into(),
                "tencent.im.secret" => core.cloud.im_secret = text().into(),
                "tencent.im.account_type" => core.cloud.im_account_type = text(),
                "tencent.cos.appid" => core.cloud.cos_appid = text(),
                "tencent.cos.bucket" => core.cloud.cos_bucket = text(),
                "tencent.cos.region" => core.cloud.cos_region = text(),
                "tencent.cos.secret_id" => core.cloud.cos_secret_id = text(),
                "tencent.cos.secret_key" => core.cloud.cos_secret_key = text().into(),
                "tencent.cos.sign_ttl" => core.cloud.cos_sign_ttl = seconds(),
                "tencent.vod.secret_id" => core.cloud.vod_secret_id = text(),
                "tencent.vod.secret_key" => core.cloud.vod_secret_key = text().into(),
                "tencent.vod.procedure" => core.cloud.vod_procedure = text(),
                "minilvb_v2.token_ttl" => core.sessions.v2_token_ttl = seconds(),
                "minilvb_v2.clock_skew" => config.clock_skew = seconds(),
                "minilvb_v2.list_window" => config.list_window = seconds(),
                "minilvb_v2.index_mode" => config.index_mode = IndexMode::Page,
                "minilvb_v2.utc_offset" => config.utc_offset = -19_800,
                "minilvb_v2.cos_appid_as_number" => config.cos_appid_as_number = value == &json!(true),
                other => panic!("unknown key {other}"),
            }
        }
        let clock = Arc::new(TestClock::at(1_700_000_000));
        let core =
            Core::start(core, Arc::<TestClock>::clone(&clock), Arc::new(TestRandom::seeded(1))).unwrap();
        let adapter = MinilvbV2::new(core.clone(), config);
        Self { adapter, core, clock, saved: HashMap::new(), _folder: folder }
    }

    fn name(&self, name: &str) -> Value {
        match name.split_once(':') {
            Some(("md5", text)) => md5_hex(text).into(),
            Some(("base64", text)) => STANDARD.encode(text).into(),
            Some(("len", count)) => "x".repeat(count.parse().unwrap()).into(),
            None if name.starts_with("now") => {
                let offset = name.trim_start_matches("now").trim_start_matches('+');
                (self.clock.now() + if offset.is_empty() { 0 } else { offset.parse().unwrap() }).into()
            }
            _ => self.saved.get(name).unwrap_or_else(|| panic!("nothing saved as {name}")).clone(),
        }
    }

    /// Replaces every `${…}`, innermost first; those of `match` stay.
    fn expand(&self, text: &str) -> Value {
        let mut text = text.to_owned();
        loop {
            let Some((start, end)) = innermost(&text) else { return text.into() };
            let name = &text[start + 2..end];
            let value = match name {
                "any" | "string" | "integer" | "hex32" => return text.into(),
                name if name.starts_with("match:") => return text.into(),
                name => self.name(name),
            };
            if start == 0 && end + 1 == text.len() {
                return value;
            }
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace_range(start..=end, &plain);
        }
    }

    fn expand_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.expand(text),
            Value::Array(items) => items.iter().map(|item| self.expand_all(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(key, value)| (key.clone(), self.expand_all(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn text(&self, value: &Value) -> String {
        let value = self.expand(value.as_str().unwrap());
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    async fn step(&mut self, step: &Value) {
        self.clock.advance(step["advance"].as_i64().unwrap_or(0));
        let request = &step["request"];
        let body = if let Some(repeat) = request.get("repeat") {
            let part = |name: &str| repeat[name].as_str().unwrap_or_default().to_owned();
            let times = usize::try_from(repeat["times"].as_u64().unwrap()).unwrap();
            (part("before") + &part("text").repeat(times) + &part("after")).into_bytes()
        } else if let Some(bytes) = request.get("base64") {
            STANDARD.decode(bytes.as_str().unwrap()).unwrap()
        } else if let Some(raw) = request.get("raw") {
            self.text(raw).into_bytes()
        } else {
            request.get("body").map_or_else(Vec::new, |body| self.expand_all(body).to_string().into_bytes())
        };
        let path = request["path"].as_str().unwrap();
        let (status, headers, answer) = if path.starts_with("/callback/") {
            (200, HeaderMap::new(), self.recorded(&body).await)
        } else {
            self.call(request, path, body).await
        };
        let reply = &step["reply"];
        assert_eq!(status, reply["status"].as_u64().unwrap_or(200), "{answer}");
        for (name, value) in reply["headers"].as_object().into_iter().flatten() {
            assert_eq!(headers[name.as_str()], value.as_str().unwrap());
        }
        if let Some(raw) = reply.get("raw") {
            assert_eq!(answer, self.text(raw));
        }
        let got: Value = serde_json::from_str(&answer).unwrap();
        if let Some(body) = reply.get("body") {
            self.compare(body, &got, &answer);
        }
        for (name, pointer) in step["save"].as_object().into_iter().flatten() {
            let value = got.pointer(pointer.as_str().unwrap()).expect("the saved member");
            self.saved.insert(name.clone(), value.clone());
        }
    }

    /// What the first generation's adapter does with a notice.
    async fn recorded(&self, body: &[u8]) -> String {
        let notice: Value = serde_json::from_slice(body).unwrap();
        let text = |name: &str| notice[name].as_str().unwrap().to_owned();
        let recording = NewRecording {
            file_id: text("video_id"),
            format: if text("file_format") == "hls" { FileFormat::Hls } else { FileFormat::Mp4 },
            url: text("video_url"),
            start_at: notice["start_time"].as_i64(),
            end_at: notice["end_time"].as_i64(),
            duration: None,
            size: None,
        };
        let event = StreamEvent::Recorded(recording);
        let stored = self.core.streams().event(text("stream_id"), Route::Shared, event).await;
        if stored.is_ok() { "{\"code\":0}" } else { "{\"code\":2003}" }.to_owned()
    }

    async fn call(&self, request: &Value, path: &str, body: Vec<u8>) -> (u64, HeaderMap, String) {
        let mut headers = HeaderMap::new();
        let mut header = |name: &str, value: &str| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        };
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            header(name, &self.text(value));
        }
        if let Some(token) = request.get("liteav") {
            header("Liteav-Sig", &liteav::sign(&self.text(token), &body));
        }
        let method = request["method"].as_str().unwrap_or("POST").parse().unwrap();
        let uri: http::Uri = path.parse().unwrap();
        let Some(endpoint) = self.adapter.endpoint(&method, uri.path()) else {
            let name = &uri.path()[1..];
            let answer = format!(r#"{{"code":400,"message":"Bad Request | {name}","data":{{}}}}"#);
            return (404, headers, answer);
        };
        let body = if body.len() > endpoint.body_limit { Body::TooLarge } else { Body::Whole(body.into()) };
        let client = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let reply = self.adapter.call(Request { method, uri, mount_len: 0, headers, body, client }).await;
        let answer = String::from_utf8(reply.body.to_vec()).unwrap();
        let got: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(got["code"], reply.code);
        (reply.status.as_u16().into(), reply.headers, answer)
    }

    fn compare(&self, expected: &Value, got: &Value, whole: &str) {
        match (expected, got) {
            (Value::String(text), got) => {
                let text = self.expand(text);
                let pattern = text.as_str().and_then(|text| text.strip_prefix("${")?.strip_suffix('}'));
                let fits = match pattern {
                    None => text == *got,
                    Some("any") => true,
                    Some("string") => got.as_str().is_some_and(|got| !got.is_empty()),
                    Some("integer") => got.is_i64(),
                    Some("hex32") => got.as_str().is_some_and(|got| {
                        got.len() == 32 && got.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
                    }),
                    Some(pattern) => {
                        matches(pattern.strip_prefix("match:").expect("a pattern"), got.as_str().unwrap())
                    }
                };
                assert!(fits, "{text} is not {got} in {whole}");
            }
            (Value::Object(expected), Value::Object(got)) => {
                for (key, value) in expected.iter().filter(|(key, _)| *key != "...") {
                    self.compare(value, got.get(key).unwrap_or_else(|| panic!("no {key} in {whole}")), whole);
                }
                assert!(expected.contains_key("...") || expected.len() == got.len(), "more in {whole}");
            }
            (Value::Array(expected), Value::Array(got)) => {
                assert_eq!(expected.len(), got.len(), "{whole}");
                expected.iter().zip(got).for_each(|(expected, got)| self.compare(expected, got, whole));
            }
            (expected, got) => assert_eq!(expected, got, "in {whole}"),
        }
    }
}

/// The first `${…}` that has none inside.
fn innermost(text: &str) -> Option<(usize, usize)> {
    let end = text.match_indices('}').find(|(end, _)| text[..*end].contains("${"))?.0;
    Some((text[..end].rfind("${")?, end))
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contracts/minilvb-v2");
    let mut cases = 0;
    for file in files(&root).iter().flat_map(|folder| files(folder)) {
        let case: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let mut world = World::new(&case["config"]);
        for (index, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            for _ in 0..step["times"].as_u64().unwrap_or(1) {
                println!("{} step {index}: {}", file.display(), step["request"]);
                world.step(step).await;
            }
        }
        cases += 1;
    }
    assert!(cases > 100);
    for row in World::new(&Value::Null).adapter.interfaces() {
        assert!(root.join(row.name).is_dir(), "{}", row.name);
    }
}
