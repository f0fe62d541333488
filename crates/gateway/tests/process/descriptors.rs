//! Idle connections never take the last file descriptor of the process.

use std::{
    fs::{self, File},
    net::TcpStream,
    process::Command,
};

use crate::server::{Server, free_address, post};

const PROBE: &str = "/index.php?svc=live&cmd=probe";

#[test]
fn a_server_with_few_descriptors_serves_again_when_idle_connections_close() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_relive")]);
    let server = Server::start_with(
        limited,
        "sqlite://relive-data/relive.db",
        folder.path(),
        &free_address(),
        File::create(&log).unwrap().into(),
    );
    server.ready();
    let idle: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    // The connections are refused or taken in the order of their arrival, so this one comes last.
    assert!(post(&server.address, PROBE, "{}").is_none(), "all connections are taken");
    drop(idle);
    server.ready();
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("this process may open 200 files: 100 connections are allowed"), "{said}");
    assert!(!said.contains("Too many open files"), "{said}");
    server.kill();
}
