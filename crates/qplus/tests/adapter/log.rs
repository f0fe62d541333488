//! Checks that no secret is logged, at any level.

use std::{
    io,
    sync::{Arc, Mutex},
};

use qplus::PasswordReset;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::server::{Phones, Server, phone};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_logged() {
    let lines = Lines::default();
    // The subscriber is global, so that the core's threads are included. It logs no times: their digits may equal a
    // code.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(lines.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();

    let server = Server::with(PasswordReset::Proof, Phones::default());
    let session = server.user("logged").await;
    let number = phone("logged");
    let room = json!({"sessionId": session, "liveRoomName": "n", "liveRoomAnchorPwd": "anchor-secret"});
    assert_eq!(server.status("CreateLiveRoom", room).await, 10_000);
    assert!(server.login("logged", "wr0ng-guess").await.is_none());
    assert_eq!(server.status("AuthCode", json!({"phone": number, "purpose": "reset"})).await, 10_000);
    let code = server.code();
    let reset = json!({"phone": number, "password": "n3w-secret", "authCode": code});
    assert_eq!(server.status("ModifyUserPwd", reset).await, 10_000);
    let other = Server::with(PasswordReset::Proof, Phones { out_of_order: true, ..Phones::default() });
    assert_eq!(other.status("AuthCode", json!({"phone": number})).await, 10_001);

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let changed =
        log.lines().find(|line| line.contains(r#"account="logged""#)).expect("the change is logged");
    assert!(
        changed.contains("password replaced by phone") && changed.contains("client=127.0.0.1"),
        "{changed}"
    );
    assert!(log.contains("verification code not delivered") && log.contains("out of order"));
    for secret in [&session, "s3cret!", "wr0ng-guess", "n3w-secret", "anchor-secret", &number, &code] {
        assert!(!log.contains(secret), "{secret}");
    }
}
