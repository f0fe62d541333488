//! `relive sign`, run as the operator runs it. Its signatures are verified with the functions of the core.

use relive_core::{
    Seconds, UnixSeconds,
    sign::{Key, callback, cos, room_service, url, usersig, vectors, vod},
};
use serde_json::{Value, json};

use super::*;

const KEYS: &str = r#"
[media]
bizid = "8888"
push_key = "demo-push-key"
play_key = "demo-play-key"
[callback]
key = "demo-callback-key"
[tencent]
api_key = "demo-api-key"
[tencent.im]
sdkappid = 1400000001
secret = "demo-im-key"
[tencent.cos]
appid = "1250000001"
bucket = "covers"
secret_id = "AKIDcos"
secret_key = "demo-cos-key"
[tencent.vod]
secret_id = "AKIDvod"
secret_key = "demo-vod-key"
"#;

fn sign(toml: &str, arguments: &[&str]) -> Ran {
    sign_reading("", toml, arguments)
}

fn sign_reading(input: &str, toml: &str, arguments: &[&str]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let arguments: Vec<_> = ["sign"].iter().chain(arguments).copied().collect();
    let ran = run_reading(input, &directory, toml, &arguments);
    assert!(!directory.path().join("relive.db").exists(), "no database is opened");
    ran
}

/// The text after a label.
fn line<'a>(out: &'a str, label: &str) -> &'a str {
    out.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_else(|| panic!("{label}\n{out}")).trim()
}

fn now() -> UnixSeconds {
    use relive_core::Clock as _;
    SystemClock.now()
}

#[test]
fn a_usersig_is_made_and_explained() {
    let made = sign(KEYS, &["usersig", "anna_lee"]);
    assert!(made.ok && made.err.is_empty(), "{}", made.err);
    let text = made.out.trim_end();
    assert_eq!(usersig::verify(text, 1_400_000_001, "anna_lee", Key("demo-im-key"), now()), Ok(()));

    let good = sign(KEYS, &["verify-usersig", text, "--user", "anna_lee"]);
    assert!(good.ok && good.err.is_empty() && !good.out.contains("WRONG"), "{}", good.out);
    assert_eq!(line(&good.out, "identifier"), "\"anna_lee\"");
    assert_eq!(line(&good.out, "sdkappid"), "1400000001");
    assert_eq!(line(&good.out, "signature"), "ok     made with tencent.im.secret");
    assert!(sign_reading(&made.out, KEYS, &["verify-usersig", "-"]).ok, "from standard input");

    let changed = KEYS.replace("demo-im-key", "another").replace("1400000001", "14");
    let bad = sign(&changed, &["verify-usersig", text, "--user", "bob"]);
    assert!(!bad.ok && bad.err.is_empty(), "{}", bad.err);
    for wrong in [
        r#"identifier  WRONG  for "anna_lee", not for "bob""#,
        "sdkappid    WRONG  for application 1400000001, tencent.im.sdkappid is 14",
        "signature   WRONG  made with another key than tencent.im.secret",
        "time        ok     valid until 2",
    ] {
        assert!(bad.out.contains(wrong), "{wrong}\n{}", bad.out);
    }
}

#[test]
fn a_usersig_made_with_a_generated_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secrets.toml"), "[tencent.im]\nsecret = \"generated-key\"\n").unwrap();
    let keys = "[tencent.im]\nsdkappid = 1400000001\n";
    let made = run_reading("", &folder, keys, &["sign", "usersig", "anna_lee"]).out;
    let verify = |keys: &str| run_reading("", &folder, keys, &["sign", "verify-usersig", made.trim()]);
    let ran = verify(keys);
    assert!(
        !ran.ok && ran.out.contains("signature   WRONG  made with a key relive generated"),
        "{}",
        ran.out
    );
    let ran = verify(&format!("{keys}secret = \"generated-key\"\n"));
    assert!(ran.ok, "{}{}", ran.out, ran.err);
}

#[test]
fn an_expired_an_early_and_a_malformed_usersig_are_distinguished() {
    let seal = |issued, ttl| {
        let ttl = Seconds(ttl);
        usersig::Ticket { sdkappid: 1_400_000_001, user_id: "anna\n", issued, ttl, userbuf: None }
            .seal(Key("demo-im-key"))
    };
    let verify = |text: &str| sign(KEYS, &["verify-usersig", text]);
    let old = verify(&seal(UnixSeconds(1_600_000_000), 60));
    assert!(!old.ok && old.out.contains("time        WRONG  expired since 2020-09-13T12:27:40Z, it is 2"));
    assert!(old.out.contains("issued      2020-09-13T12:26:40Z\nexpires     2020-09-13T12:27:40Z\n"));
    assert!(old.out.contains(r#"identifier  "anna\n""#), "control characters must be escaped");
    let early = verify(&seal(now() + Seconds(9_000), 60));
    assert!(early.ok && early.out.contains("time        ?      issued in the future"), "{}", early.out);
    let odd = verify(&seal(UnixSeconds::MAX, i64::MAX));
    assert!(odd.ok && odd.out.contains("expires     9223372036854775807"), "{}", odd.out);

    let whole = seal(UnixSeconds(0), 1);
    for (text, hint) in [
        (format!("%{whole}"), "percent-encoded"),
        (format!("{whole}\n{whole}"), "white space"),
        (format!("{whole}+="), "in place of '*'"),
    ] {
        let ran = verify(&text);
        assert!(!ran.ok && ran.out.starts_with("form        WRONG") && ran.out.contains(hint), "{}", ran.out);
    }
    let unset = KEYS.replace("secret = \"demo-im-key\"\n", "");
    let ran = sign(&unset, &["verify-usersig", &seal(now(), 60)]);
    assert!(!ran.ok && ran.out.contains("tencent.im.secret is not configured"), "{}", ran.out);
}

#[test]
fn urls_are_signed_for_their_stream() {
    let made = sign(KEYS, &["push-url", "8888_anna"]);
    assert!(made.ok && made.err.is_empty(), "{}", made.err);
    for (label, address, key) in [
        ("push", "rtmp://8888.livepush2.myqcloud.com/live/8888_anna?bizid=8888&", "demo-push-key"),
        ("rtmp", "rtmp://8888.liveplay.myqcloud.com/live/8888_anna?", "demo-play-key"),
        ("flv", "http://8888.liveplay.myqcloud.com/live/8888_anna.flv?", "demo-play-key"),
        ("hls", "http://8888.liveplay.myqcloud.com/live/8888_anna.m3u8?", "demo-play-key"),
    ] {
        let (_, query) = line(&made.out, label).split_once('?').unwrap();
        assert!(line(&made.out, label).starts_with(address), "{}", made.out);
        let verdict = url::verify(Key(key), &"8888_anna".into(), query, now(), Seconds(10_800));
        assert_eq!(verdict, Ok(now() + Seconds(10_800)), "{label}");
    }
    assert!(sign(KEYS, &["push-url", "anna"]).err.contains("media.bizid"), "not a stream of this server");
    let unsigned = sign(&KEYS.replace("demo-push-key", ""), &["push-url", "8888_anna"]);
    assert!(unsigned.ok && unsigned.err.contains("media.push_key is empty"), "{}", unsigned.err);
    for bad in ["", "a b", "a?b", "a/b", "é"] {
        assert!(!sign(KEYS, &["push-url", bad]).ok, "{bad}");
    }
}

#[test]
fn signatures_of_uploads_callbacks_and_rooms_verify() {
    let made = sign(KEYS, &["cos"]);
    let key_time = line(&made.out, "v5 keyTime");
    assert_eq!(line(&made.out, "v5 signKey"), cos::sign_key(Key("demo-cos-key"), key_time));
    let (from, until) = key_time.split_once(';').unwrap();
    assert_eq!(until.parse::<i64>().unwrap() - from.parse::<i64>().unwrap(), 30);
    let opened = |text: &str, key: &str| {
        let bytes =
            usersig::base64_decode(&text.replace('+', "*").replace('/', "-").replace('=', "_")).unwrap();
        let plain = String::from_utf8(bytes[20..].to_vec()).unwrap();
        assert_eq!(vod::signature(Key(key), &plain), text);
        plain
    };
    let v4 = opened(line(&made.out, "v4 sign"), "demo-cos-key");
    assert!(v4.starts_with(&format!("a=1250000001&b=covers&k=AKIDcos&e={until}&t={from}&r=")), "{v4}");

    let upload = opened(sign(KEYS, &["vod"]).out.trim_end(), "demo-vod-key");
    assert!(
        upload.starts_with("secretId=AKIDvod&") && upload.contains("&procedure=XIAOZHIBO-DEFAULT&"),
        "{upload}"
    );

    let made = sign(KEYS, &["callback", "1700000600"]);
    assert_eq!(made.out, callback::sign(Key("demo-callback-key"), "1700000600") + "\n");
    for bad in ["", "now", "-1", "1.0"] {
        assert!(!sign(KEYS, &["callback", bad]).ok, "{bad}");
    }

    let made = sign(KEYS, &["room-service", "anna_lee"]);
    let expires = UnixSeconds(line(&made.out, "txTime").parse().unwrap());
    assert!((0..=5).contains(&(now() + room_service::LIFETIME - expires).0));
    assert_eq!(line(&made.out, "sign"), room_service::sign(Key("demo-api-key"), expires, "anna_lee"));
}

#[test]
fn a_missing_key_is_named() {
    for (arguments, key) in [
        (&["usersig", "anna"][..], "tencent.im.secret"),
        (&["push-url", "1000_anna"], "media.push_key"),
        (&["cos"], "tencent.cos.appid"),
        (&["vod"], "tencent.vod.secret_id"),
        (&["callback", "1700000600"], "callback.key"),
        (&["room-service", "anna"], "tencent.api_key"),
    ] {
        let ran = sign("", arguments);
        assert!(!ran.ok && ran.out.is_empty(), "{key}");
        assert!(ran.err.starts_with(&format!("error: {key} is not configured")), "{}", ran.err);
    }
    for (without, key) in [
        ("bucket = \"covers\"\n", "tencent.cos.bucket"),
        ("secret_id = \"AKIDcos\"\n", "tencent.cos.secret_id"),
        ("secret_key = \"demo-cos-key\"\n", "tencent.cos.secret_key"),
    ] {
        assert!(sign(&KEYS.replace(without, ""), &["cos"]).err.contains(key), "{key}");
    }
    let without_id = sign(&KEYS.replace("sdkappid = 1400000001\n", ""), &["usersig", "anna"]);
    assert!(without_id.ok && without_id.err.contains("warning: tencent.im.sdkappid is not configured"));
}

/// `relive sign check` of these vectors.
fn check(vectors: &Value, arguments: &[&str]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vectors.json");
    fs::write(&file, vectors.to_string()).unwrap();
    let arguments: Vec<_> =
        ["sign", "check", file.to_str().unwrap()].iter().chain(arguments).copied().collect();
    // The command does not read the configuration, so a malformed one must not matter.
    run_reading("", &directory, "[http", &arguments)
}

#[test]
fn vectors_are_counted_and_failures_explained() {
    let vector = |name: &str, algorithm: &str, expected: Value| json!({ "name": name, "algorithm": algorithm, "inputs": { "bytes_hex": "fb" }, "expected": expected });
    let good = vector("good", "tls_base64", json!("*w__"));
    let ran = check(&json!([good, good]), &[]);
    assert_eq!((ran.ok, ran.out.as_str(), ran.err.as_str()), (true, "2 passed, 0 failed\n", ""));

    let tx = json!({
        "name": "tx", "algorithm": "css_txsecret",
        "inputs": { "key": "demoPushKey0001", "stream": "8888_anna_lee", "expire_unix": 1_700_000_000, "hex_case": "upper" },
        "expected": { "txTime": "6553F100", "txSecret": "no", "more": 1 },
    });
    let all = json!([
        good,
        vector("bad\n", "tls_base64", json!("x")),
        vector("odd", "rot13", json!("x")),
        tx,
        { "algorithm": "tls_base64" },
        7,
    ]);
    let ran = check(&all, &[]);
    assert_eq!((ran.ok, ran.err.as_str()), (false, ""));
    let expected = "bad\\n: expected \"x\", got \"*w__\"\n\
                    odd: unknown algorithm \"rot13\"\n\
                    tx: more: expected 1, got nothing; txSecret: expected \"no\", got \"db48538b4bd379a4737c52ee4978738b\"\n\
                    vector 5: malformed vector: expected\n\
                    vector 6: malformed vector: algorithm\n\
                    1 passed, 5 failed\n";
    assert_eq!(ran.out, expected);

    let ran = check(&all, &["--skip", "rot13", "--skip", "tx", "--skip", "bad\n", "--skip", "nobody"]);
    assert!(ran.out.ends_with("\n3 skipped\n1 passed, 2 failed\n") && !ran.ok, "{}", ran.out);
    let ran = check(&all, &["--skip", "tls_base64", "--skip", "odd"]);
    assert!(ran.out.ends_with("4 skipped\n0 passed, 2 failed\n"), "{}", ran.out);
}

#[test]
fn a_file_without_a_list_of_vectors_is_an_error() {
    let ran = check(&json!({}), &[]);
    assert!(!ran.ok && ran.out.is_empty() && ran.err.contains("not a JSON list"), "{}", ran.err);
    let ran = sign("", &["check", "no-such-file.json"]);
    assert!(!ran.ok && ran.err.contains("cannot read no-such-file.json"), "{}", ran.err);
}

#[test]
fn every_published_vector_of_a_known_algorithm_passes() {
    let text = include_str!("../../../../core/tests/vectors.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    let name = |vector: &Value| vector["algorithm"].as_str().unwrap().to_owned();
    let unknown: Vec<_> =
        vectors.iter().map(name).filter(|name| !vectors::algorithms().any(|known| known == name)).collect();
    let skip: Vec<_> = unknown.iter().flat_map(|name| ["--skip", name]).collect();
    let ran = check(&json!(vectors), &skip);
    let passed = vectors.len() - unknown.len();
    assert_eq!(ran.out, format!("{} skipped\n{passed} passed, 0 failed\n", unknown.len()));
    assert!(ran.ok);
}
