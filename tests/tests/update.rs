//! Checks that a review finds the differences of every step, and that the rewritten file fits the answers.
#![expect(clippy::expect_used, reason = "a test that cannot write its files fails")]

use std::path::{Path, PathBuf};

use contract_tests::replay::review;
use tempfile::TempDir;

const GIVEN: &str = r#"{
  "mei": [
    { "request": {"path": "/index.php?svc=account&cmd=regist", "body": {"id": "mei", "pwd": "secret99"}},
      "reply": {"body": {"errorCode": 0, "errorInfo": "", "errInfo": ""}} },
    { "request": {"path": "/index.php?svc=account&cmd=login", "body": {"id": "mei", "pwd": "secret99"}},
      "reply": {"body": {"errorCode": 0, "errorInfo": "", "errInfo": "", "data": {"userSig": "${string}", "token": "${hex32}"}}},
      "save": {"mei": "/data/token"} }
  ]
}
"#;

const CASE: &str = r#"{
  "about": "A case.",
  "given": ["mei"],
  "steps": [
    { "request": {"path": "/index.php?svc=live&cmd=create", "body": {"token": "${mei}", "type": "live"}},
      "reply": {"body": {"errorCode": 0, "errorInfo": "", "errInfo": "", "data": {"roomnum": "${integer}", "groupid": "${string}"}}},
      "save": {"room": "/data/roomnum"} },
    { "request": {"path": "/index.php?svc=live&cmd=roomlist", "body": {"token": "${mei}", "type": "live", "index": 0, "size": 10}},
      "times": 2,
      "reply": {"body": {"errorCode": 0, "errorInfo": "", "errInfo": "", "data": {"total": 0, "rooms": []}}} }
  ]
}
"#;

/// An adapter's folder with a file of givens and one case.
struct Folder(TempDir);

impl Folder {
    fn new(given: &str, case: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        std::fs::create_dir(folder.0.path().join("live.create")).expect("a folder");
        std::fs::write(folder.given(), given).expect("a file");
        std::fs::write(folder.case(), case).expect("a file");
        folder
    }

    fn given(&self) -> PathBuf {
        self.0.path().join("given.json")
    }

    fn case(&self) -> PathBuf {
        self.0.path().join("live.create/success.json")
    }
}

/// Checks that a review rewrites a file to `text` with `differences` differences, and that a second one finds none.
async fn assert_rewritten(file: &Path, text: &str, differences: usize) {
    let first = review(file).await.expect("a review");
    assert_eq!(first.text, text);
    assert_eq!(first.differences.len(), differences, "{:?}", first.differences);
    std::fs::write(file, &first.text).expect("a file");
    let second = review(file).await.expect("a review");
    assert_eq!(second.text, text);
    assert_eq!(second.differences, <[String; 0]>::default());
}

#[tokio::test]
async fn a_case_that_fits_stays_as_it_is() {
    let folder = Folder::new(GIVEN, CASE);
    assert_rewritten(&folder.case(), CASE, 0).await;
    assert_rewritten(&folder.given(), GIVEN, 0).await;
}

#[tokio::test]
async fn every_step_that_differs_is_rewritten() {
    let outdated = CASE
        .replace(
            r#""errInfo": "", "data": {"roomnum": "${integer}""#,
            r#""data": {"roomnum": "${integer}", "room": 1"#,
        )
        .replace(r#""total": 0, "rooms": []"#, r#""total": 1, "rooms": [{"uid": "mei"}]"#);
    let folder = Folder::new(GIVEN, &outdated);
    assert_rewritten(&folder.case(), CASE, 2).await;
}

#[tokio::test]
async fn a_given_is_rewritten_in_the_file_of_the_givens_only() {
    let folder = Folder::new(&GIVEN.replace(r#"{"errorCode": 0, "#, r#"{"errorCode": 1, "#), CASE);
    let error = format!("{:#}", review(&folder.case()).await.expect_err("the given differs"));
    assert!(error.contains(r#"step 1 of the given "mei""#) && error.contains("given.json"), "{error}");
    assert_rewritten(&folder.given(), GIVEN, 2).await;
}

#[tokio::test]
async fn an_answer_that_lacks_what_is_saved_is_an_error() {
    let folder = Folder::new(GIVEN, &CASE.replace(r#""/data/roomnum""#, r#""/data/room""#));
    let error = format!("{:#}", review(&folder.case()).await.expect_err("nothing to save"));
    assert!(error.contains("nothing at /data/room to save"), "{error}");
}
