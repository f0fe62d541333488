//! Encrypted connections to PostgreSQL, and the check of the server's certificate. Run by `cargo xtask test`, which
//! provides a server with a certificate, and the root certificate of another server.

use std::{error::Error, sync::Arc};

use relive_core::{
    Config, Core, NewAccount, Password, StartError, SystemClock, SystemRandom, database::Scratch,
};

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Starts a core over a URL with additional parameters.
fn start(url: &str, parameters: &str) -> Result<Core, StartError> {
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut config = Config::sqlite("");
    config.database.url = format!("{url}{separator}{parameters}");
    config.accounts.argon2_memory_kib = 8;
    config.accounts.argon2_iterations = 1;
    Core::start(config, Arc::new(SystemClock), Arc::new(SystemRandom))
}

fn refusal(started: Result<Core, StartError>) -> String {
    match started {
        Err(StartError::Open { source, .. }) => source.to_string(),
        other => panic!(
            "{:?}",
            other.map(|_| "a connection").map_err(|error| error.source().map(ToString::to_string))
        ),
    }
}

#[tokio::test]
async fn only_a_server_with_a_valid_certificate_is_connected_to() {
    let (Some(server), Some(root), Some(other)) = (
        variable("RELIVE_TEST_POSTGRES"),
        variable("RELIVE_TEST_POSTGRES_ROOT"),
        variable("RELIVE_TEST_POSTGRES_OWN_ROOT"),
    ) else {
        return;
    };
    let database = Scratch::create(&server).unwrap();
    let url = database.url();
    let core = start(url, &format!("sslmode=verify-full&sslrootcert={root}")).unwrap();
    core.accounts().register(NewAccount::new("anna", Password::plain("secret"))).await.unwrap();
    assert!(core.accounts().find(&"anna".into()).await.unwrap().is_some());
    core.shutdown().await;

    let refused = refusal(start(url, &format!("sslmode=verify-full&sslrootcert={other}")));
    assert!(refused.contains("certificate verify failed"), "{refused}");
    let refused = refusal(start(url, &format!("sslmode=verify-full&sslrootcert={root}.missing")));
    assert!(refused.contains("root certificate file"), "{refused}");
    // The right server under a host name that its certificate does not have.
    let elsewhere = url.replacen("127.0.0.1", "db.example", 1);
    let parameters = |mode: &str| format!("sslmode={mode}&sslrootcert={root}&hostaddr=127.0.0.1");
    let refused = refusal(start(&elsewhere, &parameters("verify-full")));
    assert!(refused.contains("does not match host name"), "{refused}");
    start(&elsewhere, &parameters("verify-ca")).unwrap().shutdown().await;
}
