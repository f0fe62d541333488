//! Runs test vectors: JSON objects `{name, algorithm, inputs, expected}`, each with an algorithm's result for some inputs.
//! Used by tests, and by an operator's command that checks this code against a file of vectors from elsewhere.

mod inputs;
mod mismatch;

use serde_json::{Value, json};

use super::{
    callback,
    cos::{self, FieldOrder, Scope, V4, V5},
    liteav, password, room_service,
    stream::{self, VideoSource},
    url,
    usersig::{self, Ticket},
    vod,
};
use crate::{Config, MediaConfig, RoomNumber, Seconds, UnixSeconds};
use inputs::{Inputs, borrowed};
use mismatch::malformed;

pub use mismatch::Mismatch;

type Computed = Result<Value, Mismatch>;
type Row = (&'static str, fn(Inputs<'_>) -> Computed);

/// One row per algorithm: its name in vectors, and the function that computes its result from `inputs`.
const ALGORITHMS: &[Row] = &[
    ("css_txsecret", tx_secret),
    ("css_txsecret_verify", tx_secret_verify),
    ("css_push_url", push_url),
    ("css_play_urls", play_urls),
    ("mlvb_live_code", live_code),
    ("mlvb_v1_urls", v1_urls),
    ("sxb_bypass_stream", bypass_stream),
    ("usersig_v2", user_sig),
    ("usersig_v2_verify", user_sig_verify),
    ("tls_base64", tls_base64),
    ("cos_v4_sign", cos_v4),
    ("cos_v5_signkey", cos_v5_sign_key),
    ("cos_v5_authorization", cos_v5_authorization),
    ("vod_upload_signature", vod_upload),
    ("roomservice_sign", room_service_sign),
    ("liteav_sig", liteav_sig),
    ("mlvb_v2_password", derived_password),
    ("css_callback_sign", callback_sign),
    ("css_callback_verify", callback_verify),
];

/// The names of all algorithms that [`check`] knows.
pub fn algorithms() -> impl Iterator<Item = &'static str> {
    ALGORITHMS.iter().map(|(name, _)| *name)
}

/// Checks one vector.
///
/// ```
/// use relive_core::sign::vectors::{Mismatch, check};
/// use serde_json::json;
/// let mut vector = json!({
///     "name": "fb",
///     "algorithm": "tls_base64",
///     "inputs": { "bytes_hex": "fb" },
///     "expected": "*w__",
/// });
/// assert_eq!(check(&vector), Ok(()));
/// vector["expected"] = json!("+w==");
/// assert_eq!(check(&vector), Err(Mismatch::Differs { expected: json!("+w=="), got: json!("*w__") }));
/// vector["algorithm"] = json!("rot13");
/// assert_eq!(check(&vector), Err(Mismatch::UnknownAlgorithm));
/// ```
pub fn check(vector: &Value) -> Result<(), Mismatch> {
    let algorithm = Inputs(vector).text("algorithm")?;
    let (_, compute) =
        ALGORITHMS.iter().find(|(name, _)| *name == algorithm).ok_or(Mismatch::UnknownAlgorithm)?;
    let expected = vector.get("expected").ok_or_else(|| malformed("expected"))?;
    let mut got = compute(Inputs(vector.get("inputs").ok_or_else(|| malformed("inputs"))?))?;
    if let (Some(got), Some(sample)) = (got.as_object_mut(), expected.get("sample_usersig")) {
        // Compressed bytes differ between zlib implementations, so a sample ticket holds if it opens to the same object.
        let opened = sample.as_str().and_then(open);
        let same = opened.is_some() && opened.as_ref() == got.get("json");
        got.insert("sample_usersig".to_owned(), if same { sample.clone() } else { opened.into() });
    }
    if got == *expected { Ok(()) } else { Err(Mismatch::Differs { expected: expected.clone(), got }) }
}

/// `{<flag>: true, "reason": "ok"}` or `{<flag>: false, "reason": <why>}`.
fn verdict<E: ToString>(flag: &str, outcome: &Result<(), E>) -> Value {
    let reason = outcome.as_ref().err().map_or_else(|| "ok".to_owned(), ToString::to_string);
    json!({ flag: outcome.is_ok(), "reason": reason })
}

fn tx_secret(inputs: Inputs<'_>) -> Computed {
    let time = url::tx_time(inputs.time("expire_unix")?, inputs.hex_case()?);
    let secret = url::tx_secret(inputs.key("key")?, &inputs.stream()?, &time);
    Ok(json!({ "txTime": time, "txSecret": secret }))
}

fn tx_secret_verify(inputs: Inputs<'_>) -> Computed {
    let (key, stream) = (inputs.key("key")?, inputs.stream()?);
    // The vectors were made without a longest time.
    let longest = Seconds(i64::from(u32::MAX));
    let outcome = url::verify(key, &stream, inputs.text("query")?, inputs.time("now")?, longest);
    Ok(verdict("allow", &outcome.map(drop)))
}

fn push_url(inputs: Inputs<'_>) -> Computed {
    let (params, stream) = (inputs.pairs("params")?, inputs.stream()?);
    Ok(url::push_url(inputs.address(&stream)?, &borrowed(&params), inputs.protection()?).into())
}

fn play_urls(inputs: Inputs<'_>) -> Computed {
    let stream = inputs.stream()?;
    let urls = url::play_urls(inputs.text("scheme")?, inputs.address(&stream)?, inputs.protection()?);
    Ok(json!({ "rtmp": urls.rtmp, "flv": urls.flv, "hls": urls.hls }))
}

fn live_code(inputs: Inputs<'_>) -> Computed {
    let suffix = inputs.optional("suffix", Value::as_str)?;
    Ok(stream::live_code(&inputs.spelled("bizid")?, &inputs.text("userid")?.into(), suffix).as_str().into())
}

/// The configuration of the original servers: the hosts of the cloud, URLs valid for three hours.
fn media(bizid: String, push_key: &str, record: bool) -> MediaConfig {
    MediaConfig { bizid, push_key: push_key.into(), record, ..Config::sqlite("").media }
}

fn v1_urls(inputs: Inputs<'_>) -> Computed {
    let (bizid, now) = (inputs.spelled("bizid")?, inputs.time("now")?);
    let code = stream::live_code(&bizid, &inputs.text("userid")?.into(), None);
    let media = media(bizid, inputs.text("push_key")?, inputs.get("record", Value::as_bool)?);
    let play = media.play_urls(&code, now);
    let push = media.push_url(&code, now);
    Ok(json!({
        "live_code": code, "pushurl": push, "playurl": play.flv, "hls_play_url": play.hls, "timestamp": now,
    }))
}

fn bypass_stream(inputs: Inputs<'_>) -> Computed {
    let source = match inputs.integer("videotype")? {
        0 => VideoSource::Camera,
        1 => VideoSource::Screen,
        _ => return Err(malformed("videotype")),
    };
    let (bizid, room, host) =
        (inputs.spelled("bizid")?, RoomNumber(inputs.integer("roomnum")?), inputs.text("host_uid")?.into());
    let code = stream::bypass_code(&bizid, room, &host, source);
    let play = media(bizid, "", true).play_urls(&code, UnixSeconds(0));
    Ok(json!({
        "plain": stream::bypass_plain(room, &host, source), "stream_code": code,
        "address": play.rtmp, "address2": play.flv, "address3": play.hls,
    }))
}

/// The JSON object inside a ticket.
fn open(usersig: &str) -> Option<Value> {
    serde_json::from_slice(&usersig::unpack(usersig)?).ok()
}

fn user_sig(inputs: Inputs<'_>) -> Computed {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let userbuf = inputs.optional("userbuf_b64", |value| STANDARD.decode(value.as_str()?).ok())?;
    let ticket = Ticket {
        sdkappid: inputs.integer("sdkappid")?,
        user_id: inputs.text("identifier")?,
        issued: inputs.time("time")?,
        ttl: inputs.length("expire")?,
        userbuf: userbuf.as_deref(),
    };
    let key = inputs.key("key")?;
    Ok(json!({
        "content": ticket.content(), "tls_sig": ticket.signature(key), "json": open(&ticket.seal(key)),
    }))
}

fn user_sig_verify(inputs: Inputs<'_>) -> Computed {
    let (usersig, sdkappid) = (inputs.text("usersig")?, inputs.integer("sdkappid")?);
    let (user_id, key) = (inputs.text("identifier")?, inputs.key("key")?);
    Ok(verdict("valid", &usersig::verify(usersig, sdkappid, user_id, key, inputs.time("now")?)))
}

/// Encodes the bytes; `null` unless the text decodes to the same bytes.
fn tls_base64(inputs: Inputs<'_>) -> Computed {
    let digits = inputs.get("bytes_hex", |value| value.as_str()?.as_bytes().chunks(2).map(octet).collect());
    let bytes: Vec<u8> = digits?;
    let text = usersig::base64_encode(&bytes);
    Ok(if usersig::base64_decode(&text) == Some(bytes) { text.into() } else { Value::Null })
}

fn octet(digits: &[u8]) -> Option<u8> {
    match digits {
        [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
        }
        _ => None,
    }
}

fn cos_v4(inputs: Inputs<'_>) -> Computed {
    let scope = match (inputs.text("fileid")?, inputs.time("expired")?) {
        ("", until) => Scope::Reusable { until },
        (file, UnixSeconds(0)) => Scope::Once { file },
        (file, until) => Scope::Bound { file, until },
    };
    let order = match inputs.text("order")? {
        "abketrf" => FieldOrder::Abketrf,
        "aketrfb" => FieldOrder::Aketrfb,
        _ => return Err(malformed("order")),
    };
    let signed = V4 {
        appid: inputs.text("appid")?,
        bucket: inputs.text("bucket")?,
        secret_id: inputs.text("secret_id")?,
        scope,
        now: inputs.time("current")?,
        random: inputs.random()?,
        order,
    };
    Ok(json!({ "plain": signed.plain(), "sign": signed.sign(inputs.key("secret_key")?) }))
}

fn cos_v5_sign_key(inputs: Inputs<'_>) -> Computed {
    let key_time = cos::key_time(inputs.time("start")?, inputs.time("end")? - inputs.time("start")?);
    let sign_key = cos::sign_key(inputs.key("secret_key")?, &key_time);
    Ok(json!({ "keyTime": key_time, "signKey": sign_key }))
}

fn cos_v5_authorization(inputs: Inputs<'_>) -> Computed {
    let (params, headers) = (inputs.members("params")?, inputs.members("headers")?);
    let request =
        V5 { method: inputs.text("method")?, path: inputs.text("path")?, params: &params, headers: &headers };
    let key_time = cos::key_time(inputs.time("start")?, inputs.time("end")? - inputs.time("start")?);
    let secret_key = inputs.key("secret_key")?;
    Ok(json!({
        "httpString": request.http_string(),
        "stringToSign": request.string_to_sign(&key_time),
        "signKey": cos::sign_key(secret_key, &key_time),
        "authorization": request.authorization(inputs.text("secret_id")?, secret_key, &key_time),
    }))
}

fn vod_upload(inputs: Inputs<'_>) -> Computed {
    let params = inputs.pairs("params")?;
    let original = vod::original(&borrowed(&params));
    let signature = vod::signature(inputs.key("secret_key")?, &original);
    Ok(json!({ "original": original, "signature": signature }))
}

fn room_service_sign(inputs: Inputs<'_>) -> Computed {
    let tx_time = inputs.time("tx_time")?;
    let sign = room_service::sign(inputs.key("api_key")?, tx_time, inputs.text("userid")?);
    Ok(json!({ "txTime": tx_time, "sign": sign }))
}

fn liteav_sig(inputs: Inputs<'_>) -> Computed {
    Ok(liteav::sign(inputs.text("token")?, inputs.text("body")?.as_bytes()).into())
}

fn derived_password(inputs: Inputs<'_>) -> Computed {
    Ok(password::derive(inputs.text("password")?, &inputs.text("userid")?.into()).into())
}

fn callback_sign(inputs: Inputs<'_>) -> Computed {
    Ok(callback::sign(inputs.key("key")?, &inputs.spelled("t")?).into())
}

fn callback_verify(inputs: Inputs<'_>) -> Computed {
    let (body, key) = (inputs.text("body")?.as_bytes(), inputs.key("key")?);
    Ok(match callback::receive(body, key, inputs.time("now")?, inputs.length("grace_s")?) {
        Ok(notice) => json!({
            "accept": true, "reason": "ok", "event_type": notice.event_type, "stream_id": notice.stream_id,
        }),
        Err(refusal) => verdict("accept", &Err(refusal)),
    })
}
