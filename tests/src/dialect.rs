//! Calls of the five dialects for tests: build the request, check the code of the answer.

#![expect(clippy::indexing_slicing, reason = "assigning to a member of a JSON object adds it")]

use http::Method;
use relive_core::sign::{digest::md5_hex, liteav};
use serde_json::{Value, json};

use crate::Client;

/// A dialect of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// 小直播, first generation.
    V1,
    /// 小直播, second generation.
    V2,
    /// 随心播.
    Sxb,
    /// QPlus.
    Qplus,
    /// RoomService.
    RoomService,
}

/// Returns the code of an answer, and whether it is a success.
///
/// # Panics
/// If the answer has no code of that dialect.
pub fn code(dialect: Dialect, answer: &Value) -> (i64, bool) {
    let (name, success) = match dialect {
        Dialect::V1 => ("returnValue", 0),
        Dialect::V2 => ("code", 200),
        Dialect::Sxb => ("errorCode", 0),
        Dialect::Qplus => ("status", 10_000),
        Dialect::RoomService => ("code", 0),
    };
    let code = answer.get(name).and_then(Value::as_i64).unwrap_or_else(|| panic!("no {name} in {answer}"));
    (code, code == success)
}

fn succeeded(dialect: Dialect, call: &str, answer: Value) -> Value {
    assert!(code(dialect, &answer).1, "{call} answered {answer}");
    answer
}

/// Returns the text at a JSON pointer.
///
/// # Panics
/// If there is none.
pub fn text(answer: &Value, pointer: &str) -> String {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no text at {pointer} in {answer}")).to_owned()
}

/// Returns the number at a JSON pointer.
///
/// # Panics
/// If there is none.
pub fn number(answer: &Value, pointer: &str) -> i64 {
    let found = answer.pointer(pointer).and_then(Value::as_i64);
    found.unwrap_or_else(|| panic!("no number at {pointer} in {answer}"))
}

/// Returns the elements of the list at a JSON pointer.
///
/// # Panics
/// If there is none.
pub fn list(answer: &Value, pointer: &str) -> Vec<Value> {
    let found = answer.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("no list at {pointer} in {answer}")).clone()
}

/// Returns the password in the form that minilvb-v2 sends: MD5 of the password's MD5 and the user id.
pub fn derived(password: &str, user: &str) -> String {
    md5_hex(format!("{}{user}", md5_hex(password)))
}

impl Client {
    /// Calls minilvb-v1, whatever the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_v1(&self, action: &str, mut fields: Value) -> Value {
        fields["Action"] = json!(action);
        self.post("/interface.php", &fields).await
    }

    /// Calls minilvb-v1.
    ///
    /// # Panics
    /// If it fails.
    pub async fn v1(&self, action: &str, fields: Value) -> Value {
        let answer = self.try_v1(action, fields).await;
        succeeded(Dialect::V1, action, answer)
    }

    /// Calls minilvb-v1 for a registered account, signed with its token of minilvb-v2.
    ///
    /// # Panics
    /// If it fails.
    pub async fn v1_signed(&self, token: &str, action: &str, mut fields: Value) -> Value {
        fields["Action"] = json!(action);
        let answer = self.signed("/interface.php", token, &fields).await;
        succeeded(Dialect::V1, action, answer)
    }

    async fn signed(&self, path: &str, token: &str, body: &Value) -> Value {
        let body = body.to_string();
        let headers = [("Liteav-Sig".to_owned(), liteav::sign(token, body.as_bytes()))];
        match self.send(Method::POST, path, &headers, body).await {
            Ok(answer) => answer.json(),
            Err(error) => panic!("{path}: {error:#}"),
        }
    }

    /// Calls minilvb-v2, signed if there is a token, whatever the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_v2(&self, api: &str, token: Option<&str>, body: Value) -> Value {
        match token {
            Some(token) => self.signed(&format!("/{api}"), token, &body).await,
            None => self.post(&format!("/{api}"), &body).await,
        }
    }

    /// Calls minilvb-v2, signed if there is a token.
    ///
    /// # Panics
    /// If it fails.
    pub async fn v2(&self, api: &str, token: Option<&str>, body: Value) -> Value {
        let answer = self.try_v2(api, token, body).await;
        succeeded(Dialect::V2, api, answer)
    }

    /// Calls sxb, such as `live/roomlist`, whatever the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_sxb(&self, command: &str, body: Value) -> Value {
        let (service, command) = command.split_once('/').unwrap_or(("live", command));
        self.post(&format!("/index.php?svc={service}&cmd={command}"), &body).await
    }

    /// Calls sxb.
    ///
    /// # Panics
    /// If it fails.
    pub async fn sxb(&self, command: &str, body: Value) -> Value {
        let answer = self.try_sxb(command, body).await;
        succeeded(Dialect::Sxb, command, answer)
    }

    /// Calls qplus, whatever the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_qplus(&self, api: &str, body: Value) -> Value {
        self.post(&format!("/live/{api}"), &body).await
    }

    /// Calls qplus.
    ///
    /// # Panics
    /// If it fails.
    pub async fn qplus(&self, api: &str, body: Value) -> Value {
        let answer = self.try_qplus(api, body).await;
        succeeded(Dialect::Qplus, api, answer)
    }

    /// Calls RoomService, with a query such as `userID=…&token=…`, whatever the answer.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_room_service(&self, api: &str, query: &str, body: Value) -> Value {
        self.post(&format!("/weapp/live_room/{api}?{query}"), &body).await
    }

    /// Calls RoomService.
    ///
    /// # Panics
    /// If it fails.
    pub async fn room_service(&self, api: &str, query: &str, body: Value) -> Value {
        let answer = self.try_room_service(api, query, body).await;
        succeeded(Dialect::RoomService, api, answer)
    }

    /// Logs in through minilvb-v2, and with what that hands out through RoomService. Returns the query of later calls.
    ///
    /// # Panics
    /// If it fails.
    pub async fn room_service_login(&self, id: &str) -> String {
        let who = json!({"userid": id, "password": derived("secret-9", id)});
        let answer = self.v2("login", None, who).await;
        let ticket = text(&answer, "/data/roomservice_sign/userSig");
        let application = number(&answer, "/data/roomservice_sign/sdkAppID");
        let query = format!("sdkAppID={application}&userID={id}&userSig={ticket}&platform=Android");
        let token = text(&self.room_service("login", &query, json!({})).await, "/token");
        format!("userID={id}&token={token}")
    }

    /// Registers an account through sxb, logs in, and returns the token.
    ///
    /// # Panics
    /// If it fails.
    pub async fn sxb_user(&self, id: &str) -> String {
        let who = json!({"id": id, "pwd": "secret-9"});
        self.sxb("account/regist", who.clone()).await;
        text(&self.sxb("account/login", who).await, "/data/token")
    }

    /// Logs in through sxb and returns the token.
    ///
    /// # Panics
    /// If it fails.
    pub async fn sxb_login(&self, id: &str) -> String {
        text(&self.sxb("account/login", json!({"id": id, "pwd": "secret-9"})).await, "/data/token")
    }

    /// Logs in through minilvb-v2 and returns the token.
    ///
    /// # Panics
    /// If it fails.
    pub async fn v2_login(&self, id: &str) -> String {
        let who = json!({"userid": id, "password": derived("secret-9", id)});
        text(&self.v2("login", None, who).await, "/data/token")
    }

    /// Logs in through qplus and returns the session id.
    ///
    /// # Panics
    /// If it fails.
    pub async fn qplus_login(&self, id: &str) -> String {
        text(&self.qplus("Login", json!({"account": id, "password": "secret-9"})).await, "/sessionId")
    }

    /// Sends a notice of the media cloud, signed with the harness' key.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn cloud(&self, mut notice: Value) {
        // As late as is allowed at the first time of the clock.
        let t = 1_700_000_000_i64 + 86_400;
        notice["t"] = json!(t);
        notice["sign"] = json!(md5_hex(format!("S3cr{t}")));
        let answer = self.post("/callback/tape_callback.php", &notice).await;
        assert_eq!(answer, json!({"code": 0}), "{notice}");
    }
}
