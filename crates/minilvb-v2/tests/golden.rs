//! Replays the transcripts of contract minilvb-v2 §9 byte for byte. A scripted random generator issues the published
//! tokens, so that every published hash is valid.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed precondition fails the test")]

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use minilvb_v2::{Config, MinilvbV2};
use relive_core::{
    CallbackSource, Clock as _, Core, FileFormat, NewRecording, Random, Seconds, StreamEvent, TestClock,
    UnixSeconds, sign::Key,
};
use relive_wire::{Adapter as _, Body, Reply, Request};

const TOKEN: &str = "7f3a9c0e5b1d48628c04e2f6a7b91d35";
const REFRESH_TOKEN: &str = "c2d94b7706e84a1f9b3570d8e1f6a240";
const P: &str = "4890e6437019f3e6853ef41a27f99244";
const OK: &str = r#"{"code":200,"message":"OK","data":{}}"#;
const INVALID_TOKEN: &str = r#"{"code":498,"message":"Invalid Token","data":{}}"#;

/// Returns scripted values: salts and tokens for requests of 16 bytes, always the same number for requests of 4 bytes.
#[derive(Debug)]
struct Script(Mutex<VecDeque<u128>>);

impl Random for Script {
    fn fill(&self, buffer: &mut [u8]) {
        match buffer.len() {
            4 => buffer.copy_from_slice(&1_203_948_576_u32.to_le_bytes()),
            16 => {
                let next = self.0.lock().unwrap().pop_front().unwrap_or(0);
                buffer.copy_from_slice(&next.to_be_bytes());
            }
            _ => buffer.fill(7),
        }
    }
}

struct Server {
    adapter: MinilvbV2,
    core: Core,
    clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = relive_core::Config::sqlite(folder.path().join("relive.db"));
        config.accounts.argon2_memory_kib = 8;
        config.accounts.argon2_iterations = 1;
        config.background = false;
        let cloud = &mut config.cloud;
        cloud.api_key = "demo-api-key-0001".into();
        (cloud.im_sdkappid, cloud.im_secret) = (1_400_000_123, "demo-im-secret-key".into());
        (cloud.vod_secret_id, cloud.vod_secret_key) =
            ("AKIDdemoexample".to_owned(), "demo-vod-secret-key".into());
        (cloud.cos_secret_id, cloud.cos_secret_key) =
            ("AKIDdemocos".to_owned(), "demo-cos-secret-key".into());
        (cloud.cos_bucket, cloud.cos_region) = ("demo-bucket".to_owned(), "ap-shanghai".to_owned());
        cloud.cos_appid = "1250000000".into();
        let number = |hex| u128::from_str_radix(hex, 16).unwrap();
        let script = Script(Mutex::new([0, number(TOKEN), number(REFRESH_TOKEN)].into()));
        let clock = Arc::new(TestClock::at(UnixSeconds(1_767_225_600)));
        let core = Core::start(config, Arc::<TestClock>::clone(&clock), Arc::new(script)).unwrap();
        let adapter = MinilvbV2::new(core.clone(), Config::default());
        Self { adapter, core, clock, _folder: folder }
    }

    async fn post(&self, path: &str, headers: &[(&'static str, &str)], body: &str) -> Reply {
        assert!(self.adapter.endpoint(&Method::POST, path).is_some(), "{path}");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let request = Request {
            method: Method::POST,
            uri: path.parse().unwrap(),
            mount_len: 0,
            headers: map,
            body: Body::Whole(Bytes::copy_from_slice(body.as_bytes())),
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_exempt: true,
        };
        let reply = self.adapter.call(&request).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
        assert_eq!(reply.interface, path.trim_matches('/'));
        reply
    }

    async fn text(&self, path: &str, headers: &[(&'static str, &str)], body: &str) -> String {
        String::from_utf8(self.post(path, headers, body).await.body.to_vec()).unwrap()
    }

    async fn signed(&self, path: &str, signature: &str, body: &str) -> String {
        self.text(path, &[("liteav-sig", signature)], body).await
    }

    async fn bearer(&self, path: &str, body: &str) -> String {
        self.text(path, &[("authorization", &format!("Bearer {TOKEN}"))], body).await
    }

    async fn log_in(&self) -> String {
        let body = format!(r#"{{"userid":"ningmeng_07","password":"{P}"}}"#);
        assert_eq!(self.text("/register", &[], &body).await, OK);
        self.text("/login", &[], &body).await
    }
}

#[tokio::test]
async fn login_returns_tokens_and_a_ticket() {
    let server = Server::start();
    let reply = server.log_in().await;
    let user_sig = reply.split(r#""userSig":""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(server.core.cloud().verify_user_sig(user_sig, &"ningmeng_07".into()));
    assert_eq!(
        reply,
        format!(
            r#"{{"code":200,"message":"OK","data":{{"token":"{TOKEN}","refresh_token":"{REFRESH_TOKEN}","expires":86400,"roomservice_sign":{{"sdkAppID":1400000123,"accountType":"","userID":"ningmeng_07","userSig":"{user_sig}"}},"cos_info":{{"Bucket":"demo-bucket","Region":"ap-shanghai","Appid":"1250000000","SecretId":"AKIDdemocos"}}}}}}"#
        )
    );
    // The content of a ticket of this second and key is fixed; its compressed form may differ between compressors.
    let key = Key("demo-im-secret-key");
    let ticket = relive_core::sign::usersig::Ticket {
        sdkappid: 1_400_000_123,
        user_id: "ningmeng_07",
        issued: server.clock.now(),
        ttl: Seconds(15_552_000),
        userbuf: None,
    };
    assert_eq!(ticket.signature(key), "bZqmAhP+LqxST8oT0CCJwzV6/7aFgyYh6aPbGSxS/1c=");
    assert_eq!(user_sig, ticket.seal(key));
}

#[tokio::test]
async fn published_signatures_verify() {
    let server = Server::start();
    server.log_in().await;
    let profile = r#"{"code":200,"message":"OK","data":{"userid":"ningmeng_07","nickname":"","avatar":"","sex":-1,"frontcover":""}}"#;
    let android = r#"{"userid":"ningmeng_07","timestamp":1767225600,"expires":10}"#;
    let ios = r#"{"expires":86400,"userid":"ningmeng_07","timestamp":1767225600123.4561}"#;
    let path = "/get_user_info";
    assert_eq!((android.len(), ios.len()), (60, 71));
    assert_eq!(server.signed(path, "1a867148582ce276f26a4ccf7969cf01", android).await, profile);
    assert_eq!(server.signed(path, "1A867148582CE276F26A4CCF7969CF01", android).await, profile);
    assert_eq!(server.signed(path, "29640dc7f3bc0d868bea75e8995555c0", ios).await, profile);
    assert_eq!(server.bearer(path, "").await, profile);
    assert_eq!(server.text(path, &[], android).await, INVALID_TOKEN);
    assert_eq!(server.signed(path, "29640dc7f3bc0d868bea75e8995555c0", android).await, INVALID_TOKEN);
    let refresh = format!(r#"{{"userid":"ningmeng_07","refresh_token":"{REFRESH_TOKEN}"}}"#);
    let refreshed = server.text("/refresh", &[], &refresh).await;
    assert!(refreshed.starts_with(r#"{"code":200,"#), "{refreshed}");
    assert_eq!(server.text("/refresh", &[], &refresh).await, refreshed, "the answer may have been lost");
    server.clock.advance(Seconds(61));
    assert_eq!(server.text("/refresh", &[], &refresh).await, INVALID_TOKEN);
    assert_eq!(server.signed(path, "1a867148582ce276f26a4ccf7969cf01", android).await, INVALID_TOKEN);
}

#[tokio::test]
async fn a_broadcast_becomes_a_replay() {
    let server = Server::start();
    server.log_in().await;
    let profile = r#"{"nickname":"Lemon","avatar":"https:\/\/img.example.com\/a\/7.png","sex":1,"frontcover":"https:\/\/img.example.com\/c\/7.jpg","userid":"ningmeng_07","timestamp":1767225600,"expires":10}"#;
    assert_eq!(profile.len(), 185);
    let signature = "63b283ae560fcf2e3bf8d6f5e7d9cc83";
    assert_eq!(server.signed("/upload_user_info", signature, profile).await, OK);
    let changed = profile.replace("Lemon", "Melon");
    assert_eq!(server.signed("/upload_user_info", signature, &changed).await, INVALID_TOKEN);
    let room = r#"{"userid":"ningmeng_07","title":"Harbour at dusk","frontcover":"https:\/\/img.example.com\/c\/7.jpg","location":"Xiamen"}"#;
    assert_eq!(room.len(), 121);
    assert_eq!(server.signed("/upload_room", "0fbcf86a93eaa1c57bc8d76aa6b8e3de", room).await, OK);
    let recording = NewRecording {
        file_id: "5285890000000000017".into(),
        format: FileFormat::Mp4,
        url: "https://vod.example.com/17/f0.mp4".to_owned(),
        start_at: Some(UnixSeconds(1_767_225_000)),
        end_at: Some(UnixSeconds(1_767_225_540)),
        duration: None,
        size: None,
    };
    let event = StreamEvent::Recorded(recording);
    server.core.streams().event("8525_ningmeng_07".into(), CallbackSource::Shared, event).await.unwrap();
    let list = r#"{"index":"0","count":200,"userid":"ningmeng_07","timestamp":1767225600,"expires":10}"#;
    assert_eq!(list.len(), 84);
    assert_eq!(
        server.signed("/get_vod_list", "4dc9b224f2b033d42a20ed6f83b976f8", list).await,
        r#"{"code":200,"message":"OK","data":{"list":[{"userid":"ningmeng_07","nickname":"Lemon","avatar":"https://img.example.com/a/7.png","file_id":"5285890000000000017","title":"Harbour at dusk","like_count":0,"viewer_count":0,"likecount":0,"viewercount":0,"frontcover":"https://img.example.com/c/7.jpg","location":"Xiamen","play_url":"https://vod.example.com/17/f0.mp4","create_time":"2026-01-01 07:59:00","hls_play_url":"","start_time":"2026-01-01 07:50:00"}],"total":1}}"#
    );
    let clip = r#"{"file_id":"5285890000000000042","title":"Night market","frontcover":"https://img.example.com/n.jpg","location":"","play_url":"https://vod.example.com/42.mp4"}"#;
    assert_eq!(server.bearer("/upload_ugc", clip).await, OK);
    assert_eq!(
        server.bearer("/get_ugc_list", r#"{"index":0,"count":20}"#).await,
        r#"{"code":200,"message":"OK","data":{"list":[{"userid":"ningmeng_07","nickname":"Lemon","avatar":"https://img.example.com/a/7.png","file_id":"5285890000000000042","title":"Night market","frontcover":"https://img.example.com/n.jpg","location":"","play_url":"https://vod.example.com/42.mp4","create_time":"2026-01-01 08:00:00"}],"total":1}}"#
    );
}

#[tokio::test]
async fn cloud_signatures_are_as_published() {
    let server = Server::start();
    server.log_in().await;
    assert_eq!(
        server.bearer("/get_roomservice_sign", r#"{"userid":"ningmeng_07"}"#).await,
        r#"{"code":200,"message":"OK","data":{"txTime":1767226200,"sign":"f673cbea5cebc6a8007d37d033a243b8"}}"#
    );
    assert_eq!(
        server.bearer("/get_vod_sign", "").await,
        r#"{"code":200,"message":"OK","data":{"signature":"RN5CTJgdJCpj1IO4iB0seM41pz9zZWNyZXRJZD1BS0lEZGVtb2V4YW1wbGUmY3VycmVudFRpbWVTdGFtcD0xNzY3MjI1NjAwJmV4cGlyZVRpbWU9MTc2NzMxMjAwMCZwcm9jZWR1cmU9WElBT1pISUJPLURFRkFVTFQmcmFuZG9tPTEyMDM5NDg1NzY="}}"#
    );
    assert_eq!(
        server.bearer("/get_cos_sign", "").await,
        r#"{"code":200,"message":"OK","data":{"signKey":"cb9403101ce685fd8be420c920c2e25a222d02ac","keyTime":"1767225600;1767225630"}}"#
    );
}
