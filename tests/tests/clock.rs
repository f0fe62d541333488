//! Sets the clock of a running server, and stops its process for a while: clients stay where they are, and nothing stays that has
//! ended.

use contract_tests::{
    Client, Server,
    dialect::{Dialect, code, list, number, text},
};
use relive_core::Seconds;
use serde_json::{Value, json};

const HOUR: Seconds = Seconds(3_600);
const TEN_YEARS: Seconds = Seconds(315_576_000);

/// A live of sxb with viewers, and one of qplus.
struct Site {
    client: Client,
    /// The tokens of the host and of the viewers.
    tokens: Vec<String>,
    room: i64,
    session: String,
    qplus_room: i64,
}

impl Site {
    async fn begin(server: &Server, viewers: usize) -> Self {
        let client = server.client();
        let host = client.sxb_user("sonja").await;
        let room = json!({"token": host, "type": "live"});
        let room = number(&client.sxb("live/create", room).await, "/data/roomnum");
        let report = json!({"token": host, "room": {"title": "s", "roomnum": room, "type": "live",
            "groupid": "g", "appid": 1, "device": 1, "videotype": 0}});
        client.sxb("live/reportroom", report).await;
        let mut tokens = vec![host];
        for number in 0..viewers {
            let token = client.sxb_user(&format!("viewer{number}")).await;
            let enter = json!({"token": token, "roomnum": room, "role": 0, "operate": 0});
            client.sxb("live/reportmemid", enter).await;
            tokens.push(token);
        }
        let create = json!({"token": client.sxb_user("quinn").await, "type": "live"});
        let qplus_room = number(&client.sxb("live/create", create).await, "/data/roomnum");
        let session = client.qplus_login("quinn").await;
        let site = Self { client, tokens, room, session, qplus_room };
        site.push().await;
        site
    }

    async fn push(&self) {
        let push =
            json!({"sessionId": self.session, "liveRoomId": self.qplus_room, "status": 1, "timeout": 300});
        self.client.qplus("PushLiveStream", push).await;
    }

    /// Every client of the sxb live sends a heartbeat.
    async fn beat(&self) {
        for (place, token) in self.tokens.iter().enumerate() {
            let beat =
                json!({"token": token, "roomnum": self.room, "role": i32::from(place == 0), "thumbup": 0});
            self.client.sxb("live/heartbeat", beat).await;
        }
    }

    /// The lives in the list, each with the number of its members.
    async fn lives(&self) -> Vec<(String, i64)> {
        let token = self.client.sxb_login("quinn").await;
        let page = json!({"token": token, "type": "live", "index": 0, "size": 50});
        let found = self.client.sxb("live/roomlist", page).await;
        let mut lives: Vec<(String, i64)> = list(&found, "/data/rooms")
            .iter()
            .map(|room| (text(room, "/uid"), number(room, "/info/memsize")))
            .collect();
        lives.sort();
        lives
    }
}

/// Every gateway compares its time now, as it does each second.
async fn compare(server: &Server) {
    for gateway in server.gateways() {
        gateway.core.maintain().await.unwrap_or_else(|error| panic!("the upkeep failed: {error}"));
    }
}

fn both(viewers: i64) -> Vec<(String, i64)> {
    vec![("quinn".to_owned(), 1), ("sonja".to_owned(), viewers + 1)]
}

#[tokio::test]
async fn a_clock_set_an_hour_ahead_takes_nobody_off_the_air() {
    let server = Server::start().await;
    let site = Site::begin(&server, 30).await;
    server.clock.advance(Seconds(20));
    server.clock.set_forward(HOUR);
    compare(&server).await;
    assert_eq!(site.lives().await, both(30));
    for _ in 0..8 {
        server.clock.advance(Seconds(15));
        site.beat().await;
        compare(&server).await;
    }
    assert_eq!(site.lives().await, both(30));
    site.push().await;
}

#[tokio::test]
async fn a_clock_set_ten_years_ahead_and_back_keeps_nothing_and_refuses_nobody() {
    let mut server = Server::configured(&[("qplus.auth_code_delivery", "log".into())]).await;
    server.clock.set_forward(TEN_YEARS);
    compare(&server).await;
    let site = Site::begin(&server, 30).await;
    let login = async |client: &Client, pwd: &str| -> Value {
        client.try_sxb("account/login", json!({"id": "viewer0", "pwd": pwd})).await
    };
    for _ in 0..11 {
        assert_eq!(code(Dialect::Sxb, &login(&site.client, "wrong-9").await).0, 10_006);
    }
    let ask = json!({"phone": "13800000001", "flag": 1});
    site.client.qplus("AuthCode", ask.clone()).await;
    compare(&server).await;

    server.clock.set_forward(Seconds(-TEN_YEARS.0));
    compare(&server).await;
    server.clock.advance(Seconds(2));
    assert!(code(Dialect::Sxb, &login(&site.client, "secret-9").await).1);
    site.client.qplus("AuthCode", ask.clone()).await;
    assert_eq!(site.lives().await, both(30), "the minute of grace");
    server.restart().await;
    let site = Site { client: server.client(), ..site };
    assert_eq!(site.lives().await, both(30), "the minute of grace of the start");
    server.clock.advance(Seconds(320));
    assert!(site.lives().await.is_empty(), "nobody has sent a heartbeat");
    site.client.qplus("AuthCode", ask).await;
}

#[tokio::test]
async fn a_process_that_was_stopped_for_34_seconds_loses_no_member() {
    let server = Server::start().await;
    let site = Site::begin(&server, 100).await;
    server.clock.advance(Seconds(10));
    site.beat().await;
    server.clock.set_longest_gap(Seconds(5));
    server.clock.advance(Seconds(34));
    site.beat().await;
    compare(&server).await;
    assert_eq!(site.lives().await, both(100));
    server.clock.advance(Seconds(5));
    assert_eq!(site.lives().await, both(100));
}
