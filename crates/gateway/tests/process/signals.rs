//! Signals stop the server gracefully, and the log says where its data and its addresses are.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use crate::server::{Server, free_address, post};

const PROBE: &str = "/index.php?svc=live&cmd=probe";

#[test]
fn a_hangup_stops_the_server_gracefully_and_the_log_names_the_database() {
    let folder = tempfile::tempdir().unwrap();
    for (database, signal) in [("relive.db (new)", "-HUP"), ("relive.db", "-TERM"), ("relive.db", "-INT")] {
        let log = folder.path().join("log");
        let server = Server::start(folder.path(), &free_address(), File::create(&log).unwrap().into());
        server.ready();
        server.signal(signal);
        assert!(server.wait().success(), "{signal}");
        let log = fs::read_to_string(&log).unwrap();
        let path = folder.path().canonicalize().unwrap().join("relive-data");
        for expected in [
            format!("database {}/{database}\n", path.display()),
            "stopping: requests under way may finish".to_owned(),
            "stopped\n".to_owned(),
        ] {
            assert!(log.contains(&expected), "{expected} in {log}");
        }
        for route in ["/sxb_dev/index.php", "/index.php", "/interface.php"] {
            assert!(log.contains(route), "{route} in {log}");
        }
    }
}

#[test]
fn a_server_started_with_nohup_outlives_a_hangup() {
    let folder = tempfile::tempdir().unwrap();
    let mut nohup = Command::new("nohup");
    nohup.arg(env!("CARGO_BIN_EXE_relive"));
    let server = Server::start_with(
        nohup,
        "sqlite://relive-data/relive.db",
        folder.path(),
        &free_address(),
        Stdio::null(),
    );
    server.ready();
    server.signal("-HUP");
    for _ in 0..20 {
        assert!(post(&server.address, PROBE, "{}").is_some());
    }
    server.signal("-TERM");
    assert!(server.wait().success());
}
