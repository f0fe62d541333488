//! A database has one owner: a second server and a command that replaces the data are refused, and a server whose files went
//! away acknowledges nothing more.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::server::{Server, free_address, post};

/// Runs a command of `relive` on the database in a folder.
fn relive(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_relive"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("relive runs");
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn register(server: &Server, id: u32) -> Option<Value> {
    let body = format!(r#"{{"id":"user{id}","pwd":"secret99"}}"#);
    post(&server.address, "/index.php?svc=account&cmd=regist", &body)
}

#[test]
fn beside_a_server_neither_a_second_one_nor_a_restore_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &free_address(), Stdio::null());
    server.ready();
    let (backed_up, said) = relive(folder.path(), &["db", "backup", "copy.db"]);
    assert!(backed_up, "{said}");

    let log = folder.path().join("second.log");
    let second = Server::start(folder.path(), &free_address(), File::create(&log).unwrap().into());
    assert!(!second.wait().success());
    let said = fs::read_to_string(&log).unwrap();
    assert!(said.contains("in use by another server"), "{said}");

    // Nor under another name of the file.
    let link = folder.path().join("link.db");
    symlink(folder.path().join("relive-data/relive.db"), &link).unwrap();
    let linked = format!("sqlite://{}", link.display());
    let second = Server::start_on(&linked, folder.path(), &free_address(), Stdio::null());
    assert!(!second.wait().success());

    let (restored, said) = relive(folder.path(), &["db", "restore", "--replace", "copy.db"]);
    assert!(!restored && said.contains("in use by another server") && said.contains("--force"), "{said}");
    assert_eq!(register(&server, 1).unwrap()["errorCode"], 0);
    let (listed, said) = relive(folder.path(), &["user", "list"]);
    assert!(listed && said.contains("user1"), "other commands may run: {said}");

    server.signal("-TERM");
    assert!(server.wait().success());
    let (restored, said) = relive(folder.path(), &["db", "restore", "--replace", "copy.db"]);
    assert!(restored, "{said}");
    let server = Server::start(folder.path(), &free_address(), Stdio::null());
    server.ready();
    // What the system did not release would keep the next server from starting.
    server.kill();
    let server = Server::start(folder.path(), &free_address(), Stdio::null());
    server.ready();
    server.kill();
}

#[test]
fn a_server_whose_file_is_gone_refuses_writes() {
    for end in ["", "-wal"] {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let server = Server::start(folder.path(), &free_address(), File::create(&log).unwrap().into());
        server.ready();
        assert_eq!(register(&server, 0).unwrap()["errorCode"], 0);
        fs::remove_file(folder.path().join(format!("relive-data/relive.db{end}"))).unwrap();
        let started = Instant::now();
        let mut id = 0;
        loop {
            id += 1;
            if register(&server, id).unwrap()["errorCode"] != 0 {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(10), "{id} writes were acknowledged");
        }
        for id in id..id + 3 {
            assert_ne!(register(&server, id).unwrap()["errorCode"], 0, "for good");
        }
        let said = fs::read_to_string(&log).unwrap();
        let line = format!("relive-data/relive.db{end} was deleted or moved under the running server");
        assert_eq!(said.matches(&line).count(), 1, "{said}");
        server.kill();
    }
}
