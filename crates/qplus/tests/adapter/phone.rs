//! Tests of verification codes: contract qplus §4.3, §5.1.

use crate::server::{Phones, Server, phone};
use qplus::PasswordReset;
use relive_core::Seconds;
use serde_json::json;

const PHONE: &str = "13900002222";

#[tokio::test]
async fn a_code_is_valid_for_one_registration() {
    let server = Server::start();
    assert_eq!(server.status("AuthCode", json!({"phone": PHONE})).await, 10_000);
    let code = server.code();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let form = json!({"phone": PHONE, "password": "s3cret!", "authCode": code});
    let reply = server.post("Register", form.clone()).await;
    assert_eq!(reply, json!({"access": "/live/Register", "status": 10_000, "desc": "成功"}));
    let login = server.post("Login", json!({"account": PHONE, "password": "s3cret!"})).await;
    assert!(login["nickName"].as_str().unwrap().starts_with("nick-"), "{login}");
    assert_eq!((&login["sex"], &login["liveRoomId"]), (&json!(1), &json!(0)));
    let account = login["account"].as_str().unwrap();
    assert!(server.login(account, "s3cret!").await.is_some());
    let found = server.core.accounts().find(&account.into()).await.unwrap().unwrap();
    assert_eq!((found.email, found.profile.address.as_str()), (None, "中国,上海"));

    assert_eq!(server.status("Register", form).await, 10_105, "the code is used up");
    assert_eq!(server.status("AuthCode", json!({"phone": PHONE})).await, 10_103);
}

#[tokio::test]
async fn a_phone_registered_after_the_code_was_sent_is_refused() {
    let server = Server::start();
    server.status("AuthCode", json!({"phone": PHONE})).await;
    let code = server.code();
    let other = json!({"account": "mira", "phone": PHONE, "email": "m@example.org", "password": "s3cret!"});
    assert_eq!(server.status("Register", other).await, 10_000);
    let form = json!({"phone": PHONE, "password": "s3cret!", "authCode": code});
    assert_eq!(server.status("Register", form).await, 10_103);
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes_and_after_five_tries() {
    let server = Server::start();
    let register = |code: String| json!({"phone": PHONE, "password": "s3cret!", "authCode": code});
    server.status("AuthCode", json!({"phone": PHONE})).await;
    server.clock.advance(Seconds(600));
    assert_eq!(server.status("Register", register(server.code())).await, 10_105);

    server.status("AuthCode", json!({"phone": PHONE})).await;
    let wrong = if server.code() == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(server.status("Register", register(wrong.to_owned())).await, 10_105);
    }
    assert_eq!(server.status("Register", register(server.code())).await, 10_105);

    server.clock.advance(Seconds(60));
    let old = server.code();
    server.status("AuthCode", json!({"phone": PHONE})).await;
    assert_eq!(server.status("Register", register(old)).await, 10_105, "a newer code replaces it");
    server.clock.advance(Seconds(599));
    assert_eq!(server.status("Register", register(server.code())).await, 10_000);
}

#[tokio::test]
async fn a_code_that_cannot_be_delivered_is_a_server_error() {
    let phones = Phones { out_of_order: true, ..Phones::default() };
    let server = Server::with(PasswordReset::Open, phones);
    let reply = server.post("AuthCode", json!({"phone": PHONE})).await;
    assert_eq!(reply, json!({"access": "/live/AuthCode", "status": 10_001, "desc": "系统异常"}));
}

#[tokio::test]
async fn a_code_proves_the_phone_for_a_new_password() {
    let server = Server::with(PasswordReset::Proof, Phones::default());
    let session = server.user("mira").await;
    let number = phone("mira");
    assert_eq!(server.status("AuthCode", json!({"phone": number, "purpose": "reset"})).await, 10_000);
    assert_eq!(server.phones.received.lock().unwrap()[0].0, number);
    let reset = |code: String| json!({"phone": number, "password": "n3w-pass", "authCode": code});
    assert_eq!(server.status("ModifyUserPwd", reset("wrong".to_owned())).await, 10_002);
    assert!(server.login("mira", "s3cret!").await.is_some());
    assert_eq!(server.status("ModifyUserPwd", reset(server.code())).await, 10_000);
    assert!(server.login("mira", "s3cret!").await.is_none());
    assert!(server.login("mira", "n3w-pass").await.is_some());
    assert_eq!(server.status("GetMyLiveRoomId", json!({"sessionId": session})).await, 10_003);
    assert_eq!(server.status("ModifyUserPwd", reset(server.code())).await, 10_002, "used up");
}

#[tokio::test]
async fn a_code_to_register_is_no_proof_for_a_reset() {
    let server = Server::with(PasswordReset::Proof, Phones::default());
    server.status("AuthCode", json!({"phone": PHONE})).await;
    let other = json!({"account": "mira", "phone": PHONE, "email": "m@example.org", "password": "s3cret!"});
    assert_eq!(server.status("Register", other).await, 10_000);
    let reset = json!({"phone": PHONE, "password": "n3w-pass", "authCode": server.code()});
    assert_eq!(server.status("ModifyUserPwd", reset).await, 10_002);
}

#[tokio::test]
async fn a_grant_allows_one_reset_without_proof() {
    let server = Server::with(PasswordReset::Proof, Phones::default());
    server.user("mira").await;
    let form = json!({"phone": phone("mira"), "password": "n3w-pass"});
    assert_eq!(server.status("ModifyUserPwd", form.clone()).await, 10_002);
    server.core.accounts().grant_reset(&phone("mira")).await.unwrap();
    assert_eq!(server.status("ModifyUserPwd", form.clone()).await, 10_000);
    assert!(server.login("mira", "n3w-pass").await.is_some());
    assert_eq!(server.status("ModifyUserPwd", form.clone()).await, 10_002);
    server.core.accounts().grant_reset(&phone("mira")).await.unwrap();
    server.clock.advance(Seconds(600));
    assert_eq!(server.status("ModifyUserPwd", form).await, 10_002, "the grant expires after ten minutes");
}

#[tokio::test]
async fn maintenance_keeps_a_code_that_is_still_valid() {
    let server = Server::start();
    server.status("AuthCode", json!({"phone": PHONE})).await;
    server.clock.advance(Seconds(599));
    server.core.maintain().await.unwrap();
    let form = json!({"phone": PHONE, "password": "s3cret!", "authCode": server.code()});
    assert_eq!(server.status("Register", form).await, 10_000);
}
