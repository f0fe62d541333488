//! No log line contains a secret, at level `trace`, in any dialect, whether the request was accepted or refused.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
};

use relive_core::sign::{digest::md5_hex, liteav};
use serde_json::{Value, json};

use crate::server::{CALLBACK_KEY, Server, free_address, notice_time, send, text};

const PASSWORD: &str = "Sunny-2024-day!";
const PASSWORD_BASE64: &str = "U3VubnktMjAyNC1kYXkh";
const NEW_PASSWORD: &str = "Moon-2025-night!";
const WRONG_PASSWORD: &str = "Wrong-guess-77";
const PHONE: &str = "13912345678";
const OTHER_PHONE: &str = "13987654321";
const EMAIL: &str = "anna.private@example.org";
const ROOM_PASSWORDS: [&str; 3] = ["anchor-pw-5511", "assist-pw-5522", "viewer-pw-5533"];
/// A secret that a client sends in the wrong place.
const MISPLACED: &str = "astray-secret-4711";

/// A configuration with every key, each with a value of its own.
const CONFIG: &str = r#"
[log]
level = "trace"
format = "json"
[media]
push_key = "media-push-key-01"
play_key = "media-play-key-02"
[tencent]
api_key = "tencent-api-key-03"
[tencent.im]
sdkappid = 1400000123
secret = "tencent-im-secret-04"
[tencent.cos]
appid = "1250000000"
bucket = "covers"
region = "ap-shanghai"
secret_id = "AKIDcosid"
secret_key = "tencent-cos-key-05"
[tencent.vod]
secret_id = "AKIDvodid"
secret_key = "tencent-vod-key-06"
[sxb]
admins = ["boss"]
sign_secret = "sxb-sign-secret-07"
[qplus]
password_reset = "open"
auth_code_delivery = "command:{folder}/sms"
"#;

const KEYS: [&str; 8] = [
    "media-push-key-01",
    "media-play-key-02",
    "tencent-api-key-03",
    "tencent-im-secret-04",
    "tencent-cos-key-05",
    "tencent-vod-key-06",
    "sxb-sign-secret-07",
    CALLBACK_KEY,
];

/// Sends requests to the server and collects every secret in requests and answers.
struct Wiretap {
    agent: ureq::Agent,
    address: String,
    secrets: BTreeSet<String>,
}

impl Wiretap {
    /// Adds a secret to the collection.
    fn add(&mut self, secret: impl Into<String>) -> String {
        let secret = secret.into();
        assert!(secret.len() >= 6, "{secret:?} is too short to be searched for");
        self.secrets.insert(secret.clone());
        secret
    }

    fn send(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
        let answer = send(&self.agent, &self.address, path, headers, body);
        let answer = answer.unwrap_or_else(|| panic!("{path}: no answer"));
        self.collect(&answer);
        answer
    }

    /// Collects the members of an answer whose names say that they hold a token, a sign or a password.
    fn collect(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => {
                for (name, value) in members {
                    let name = name.to_lowercase();
                    let secret = ["token", "sig", "sign", "pwd", "session", "pushurl", "keytime", "priv"];
                    match value {
                        Value::String(text)
                            if secret.iter().any(|part| name.contains(part)) && text.len() >= 6 =>
                        {
                            self.add(text);
                            // The secrets of a URL are in its query.
                            text.split(['?', '&', '=']).filter(|part| part.len() == 32).for_each(|part| {
                                self.add(part);
                            });
                        }
                        value => self.collect(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            _ => {}
        }
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.send(path, &[], &body.to_string())
    }

    fn sxb(&mut self, command: &str, body: &Value) -> Value {
        self.post(&format!("/index.php?{command}"), body)
    }

    fn v1(&mut self, body: &Value) -> Value {
        self.post("/interface.php", body)
    }

    fn signed(&mut self, token: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let sign = self.add(liteav::sign(token, body.as_bytes()));
        self.send(path, &[("Liteav-Sig", &sign)], &body)
    }
}

fn through_sxb(tap: &mut Wiretap) {
    for (id, pwd) in [("boss", PASSWORD), ("mei_lin", PASSWORD_BASE64), ("mei_lin", PASSWORD)] {
        tap.sxb("svc=account&cmd=regist", &json!({"id": id, "pwd": pwd}));
    }
    for pwd in [WRONG_PASSWORD, PASSWORD, PASSWORD_BASE64] {
        tap.sxb("svc=account&cmd=login", &json!({"id": "mei_lin", "pwd": pwd}));
    }
    let login = tap.sxb("svc=account&cmd=login", &json!({"id": "mei_lin", "pwd": PASSWORD}));
    let (token, sig) = (text(&login, "/data/token"), text(&login, "/data/userSig"));
    let room =
        tap.sxb("svc=live&cmd=create", &json!({"token": token, "type": "live"}))["data"]["roomnum"].clone();
    let report = json!({"token": token, "room": {"title": "t", "roomnum": room, "type": "live", "groupid": "g",
        "appid": 1, "device": 1, "videotype": 0}});
    tap.sxb("svc=live&cmd=reportroom", &report);
    tap.sxb("svc=live&cmd=getroomplayurl", &json!({"token": token, "roomnum": room}));
    tap.sxb("svc=cos&cmd=get_sign", &json!({}));
    for sig in [sig.as_str(), MISPLACED] {
        tap.sxb("svc=account&cmd=verify", &json!({"id": "mei_lin", "sig": sig}));
    }
    for pwd in [PASSWORD, WRONG_PASSWORD] {
        let entry = json!({"identifier": "mei_lin", "pwd": pwd, "roomnum": room});
        tap.sxb("svc=account&cmd=authPrivMap", &entry);
        tap.sxb("svc=account&cmd=kickout", &json!({"id": "boss", "pwd": pwd, "kickid": "mei_lin"}));
    }
    let t = notice_time();
    let sign = tap.add(md5_hex(format!("{CALLBACK_KEY}{t}")));
    for sign in [sign.as_str(), MISPLACED] {
        let notice = json!({"event_type": 100, "stream_id": "nobody", "video_id": "1", "video_url": "http://v/1.mp4",
            "t": t, "sign": sign, "start_time": 1, "end_time": 100, "file_format": "mp4"});
        tap.sxb("svc=live&cmd=callback", &notice);
        tap.post("/callback/tape_callback.php", &notice);
    }
    tap.sxb(&format!("svc=live&cmd=roomlist&timeStamp=1&sign={MISPLACED}"), &json!({"token": token}));
    tap.sxb("svc=account&cmd=logout", &json!({"token": token}));
    tap.sxb("svc=account&cmd=logout", &json!({"token": token}));
}

fn through_v2(tap: &mut Wiretap) {
    let derived = tap.add(md5_hex(format!("{}anna", md5_hex(PASSWORD))));
    for password in [derived.as_str(), "Wrongformat99-"] {
        tap.post("/register", &json!({"userid": "anna", "password": password}));
    }
    for password in [derived.as_str(), PASSWORD, WRONG_PASSWORD] {
        tap.post("/login", &json!({"userid": "anna", "password": password}));
    }
    let login = tap.post("/login", &json!({"userid": "anna", "password": derived}));
    let refresh = json!({"userid": "anna", "refresh_token": text(&login, "/data/refresh_token")});
    let token = text(&tap.post("/refresh", &refresh), "/data/token");
    tap.post("/refresh", &refresh);
    for api in ["/get_user_info", "/get_cos_sign", "/get_vod_sign", "/get_roomservice_sign"] {
        tap.signed(&token, api, &json!({"userid": "anna"}));
        tap.send(api, &[("Authorization", &format!("Bearer {token}"))], r#"{"userid":"anna"}"#);
        tap.post(api, &json!({"userid": "anna", "token": token}));
        tap.post(api, &json!({"userid": "anna", "token": MISPLACED}));
        tap.send(api, &[("Liteav-Sig", MISPLACED)], r#"{"userid":"anna"}"#);
        tap.send(api, &[("Authorization", &format!("Bearer {MISPLACED}"))], r#"{"userid":"anna"}"#);
    }
    tap.signed(&token, "/upload_room", &json!({"userid": "anna", "title": "t"}));
    let announce = json!({"Action": "RequestLVBAddr", "userid": "anna", "groupid": "g", "title": "t"});
    tap.signed(&token, "/interface.php", &announce);
    tap.send("/interface.php", &[("Liteav-Sig", MISPLACED)], &announce.to_string());
}

fn through_v1(tap: &mut Wiretap) {
    let url = tap.v1(&json!({"Action": "RequestLVBAddr", "userid": "guest", "groupid": "g", "title": "t"}));
    let url = text(&url, "/returnData/pushurl");
    tap.v1(&json!({"Action": "ChangeStatus", "userid": "guest", "status": 0}));
    tap.v1(&json!({"Action": "RequestLVBAddrForLinkMic", "userid": "guest", "title": "t"}));
    let origin = url.split('?').next().unwrap_or_default().replace("livepush2", "liveplay");
    let play =
        json!({"Action": "RequestPlayUrlWithSignForLinkMic", "userid": "guest", "originStreamUrl": origin});
    tap.v1(&play);
    for action in ["GetCOSSign", "GetCOSSignV2", "GetVodSignature", "GetVodSignatureV2"] {
        tap.v1(&json!({"Action": action}));
    }
    tap.v1(&json!({"Action": "FetchList", "flag": 1, "pageno": 1, "pagesize": 20}));
}

fn through_qplus(tap: &mut Wiretap, folder: &Path) {
    let new = json!({"account": "tom", "phone": PHONE, "email": EMAIL, "password": PASSWORD});
    tap.post("/live/Register", &new);
    tap.post("/live/Register", &new);
    for (account, password) in [(PHONE, WRONG_PASSWORD), (EMAIL, PASSWORD), ("tom", PASSWORD)] {
        tap.post("/live/Login", &json!({"account": account, "password": password}));
    }
    let login = tap.post("/live/Login", &json!({"account": "tom", "password": PASSWORD}));
    let session = text(&login, "/sessionId");
    let [anchor, assist, viewer] = ROOM_PASSWORDS;
    let room = json!({"sessionId": session, "liveRoomName": "n", "liveRoomAnchorPwd": anchor,
        "liveRoomAssistPwd": assist, "liveRoomUserPwd": viewer});
    let room = tap.post("/live/CreateLiveRoom", &room)["liveRoomId"].clone();
    tap.post("/live/GetMyLiveRoom", &json!({"sessionId": session}));
    tap.post("/live/ModifyMyLiveRoom", &json!({"sessionId": session, "liveRoomUserPwd": anchor}));
    tap.post("/live/PushLiveStream", &json!({"sessionId": session, "liveRoomId": room, "status": 1}));
    tap.post("/live/GetLiveRoomList", &json!({"sessionId": session, "type": 1}));
    tap.post("/live/GetMyLiveRoom", &json!({"sessionId": MISPLACED}));
    tap.post("/live/ModifyUserPwd", &json!({"phone": PHONE, "password": NEW_PASSWORD}));
    tap.post("/live/ModifyUserPwd", &json!({"phone": OTHER_PHONE, "password": NEW_PASSWORD}));
    assert_eq!(tap.post("/live/AuthCode", &json!({"phone": OTHER_PHONE}))["status"], 10_000);
    let note = fs::read_to_string(folder.join("note")).expect("the code was delivered");
    let code = tap.add(note.lines().nth(1).expect("a code"));
    for code in ["000000", &code] {
        let new = json!({"phone": OTHER_PHONE, "password": PASSWORD, "authCode": code});
        tap.post("/live/Register", &new);
    }
}

fn send_misplaced_secrets(tap: &mut Wiretap) {
    for path in
        ["/register", "/live/Login", "/interface.php", "/index.php?svc=account&cmd=login", "/tape_callback"]
    {
        for body in
            [format!("{{\"pwd\":\"{MISPLACED}"), format!("\"{MISPLACED}\""), format!("{{\"{MISPLACED}\":1}}")]
        {
            tap.send(
                path,
                &[("Authorization", MISPLACED), ("Cookie", MISPLACED), ("Liteav-Sig", MISPLACED)],
                &body,
            );
        }
    }
    for path in ["/nope", "/live/Nope", "/login", "/index.php", "/live/GetUserHeadPic"] {
        tap.send(&format!("{path}?token={MISPLACED}&sign={MISPLACED}"), &[], "");
    }
    tap.sxb(&format!("svc={MISPLACED}&cmd={MISPLACED}"), &json!({}));
    tap.v1(&json!({"Action": MISPLACED}));
}

#[test]
fn no_secret_is_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let config = CONFIG.replace("{folder}", &folder.display().to_string());
    fs::write(folder.join("relive.toml"), config).expect("the configuration");
    let sms = folder.join("sms");
    fs::write(&sms, "#!/bin/sh\ncat > note\ncat note; cat note >&2\n")
        .expect("a program that delivers codes");
    fs::set_permissions(&sms, fs::Permissions::from_mode(0o700)).expect("an executable program");
    let log = File::create(folder.join("log")).expect("a file");
    let address = free_address();
    let server = Server::start(folder, &address, Stdio::from(log));
    server.ready();

    let mut tap = Wiretap { agent: ureq::agent(), address, secrets: BTreeSet::new() };
    for secret in KEYS.into_iter().chain(ROOM_PASSWORDS).chain([
        PASSWORD,
        PASSWORD_BASE64,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        PHONE,
        OTHER_PHONE,
        EMAIL,
        MISPLACED,
    ]) {
        tap.add(secret);
        tap.add(md5_hex(secret));
    }
    through_sxb(&mut tap);
    through_v2(&mut tap);
    through_v1(&mut tap);
    through_qplus(&mut tap, folder);
    send_misplaced_secrets(&mut tap);
    server.kill();

    let log = fs::read_to_string(folder.join("log")).expect("log lines");
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    for adapter in ["minilvb-v1", "minilvb-v2", "sxb", "qplus", "callback"] {
        let logged = lines.iter().any(|line| line["adapter"] == adapter && line["message"] == "request");
        assert!(logged, "no request of {adapter} is logged, so this test shows nothing");
    }
    assert!(tap.secrets.len() > 60, "only {} secrets were seen", tap.secrets.len());
    for secret in &tap.secrets {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{secret:?} is in {found:?}");
    }
}
