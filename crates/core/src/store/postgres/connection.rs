//! Opens connections to a PostgreSQL server.

use std::{error::Error, time::Duration};

use diesel::{Connection as _, connection::SimpleConnection as _, pg::PgConnection};

use super::lock;
use crate::DatabaseConfig;

/// Opens a connection with the time limits of the configuration and the settings of the session.
pub(in crate::store) fn open(
    url: &str,
    config: &DatabaseConfig,
) -> Result<PgConnection, Box<dyn Error + Send + Sync>> {
    // libpq quotes text that it cannot decode, and that may be the password.
    let is_code = |rest: &str| rest.get(..2).is_some_and(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
    if !url.split('%').skip(1).all(is_code) {
        return Err("a % in the URL has to be written %25".into());
    }
    let mut conn = PgConnection::establish(&with_limits(url, config))?;
    // synchronous_commit: an acknowledged write is on disk, whatever the server's default is.
    // enable_seqscan, jit: the statements look rows up by key. A plan that was made while a table was small would go on reading
    // the whole table when it has grown.
    // enable_mergejoin: a merge reads one of its tables from the start to the row that it looks for.
    // plan_cache_mode: a generic plan is right for all values. By default the server may plan a statement for each value, which
    // takes as long as running it, and prefers to read a small table as a whole for many keys.
    // max_parallel_workers_per_gather: a generic plan does not know the length of a page and would start workers to sort the
    // whole list.
    conn.batch_execute(&format!(
        "SET statement_timeout = {0}; SET lock_timeout = {0}; SET idle_in_transaction_session_timeout = {1}; \
         SET synchronous_commit = on; SET client_min_messages = warning; \
         SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan; \
         SET max_parallel_workers_per_gather = 0;",
        millis(config.statement_timeout),
        // Bounds how long a gateway that freezes inside a transaction holds its locks.
        millis(config.statement_timeout.saturating_mul(2)),
    ))?;
    if !lock::share(&mut conn)? {
        return Err("a command replaces the data (relive db restore or copy)".into());
    }
    Ok(conn)
}

fn millis(duration: Duration) -> u128 {
    duration.as_millis().max(1)
}

/// Adds the parameters with which libpq notices a dead peer in time. Parameters that the operator wrote into the URL stay.
fn with_limits(url: &str, config: &DatabaseConfig) -> String {
    let limit = millis(config.statement_timeout);
    let parameters = [
        ("connect_timeout", config.connect_timeout.as_secs().max(1).to_string()),
        ("tcp_user_timeout", limit.to_string()),
        ("keepalives_idle", "1".to_owned()),
        ("keepalives_interval", "1".to_owned()),
        ("keepalives_count", "2".to_owned()),
        ("application_name", "relive".to_owned()),
    ];
    let given = url.split_once('?').map_or("", |(_, given)| given).to_owned();
    let has = |name: &str| {
        given.split('&').any(|one| one.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
    };
    let mut url = url.to_owned();
    let mut separator = match (url.contains('?'), given.is_empty()) {
        (false, _) => "?",
        (true, true) => "",
        (true, false) => "&",
    };
    for (name, value) in parameters {
        if !has(name) {
            url.extend([separator, name, "=", &value]);
            separator = "&";
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn urls_get_limits_and_keep_what_they_say() {
        let config = Config::sqlite("").database;
        let plain = with_limits("postgres://u:p@h/d", &config);
        assert!(plain.starts_with("postgres://u:p@h/d?connect_timeout=") && !plain.contains("?&"), "{plain}");
        let given = with_limits("postgres://h/d?sslmode=require&connect_timeout=9", &config);
        assert!(
            given.starts_with("postgres://h/d?sslmode=require&connect_timeout=9&tcp_user_timeout="),
            "{given}"
        );
        assert_eq!(given.matches("connect_timeout").count(), 1);
    }
}
