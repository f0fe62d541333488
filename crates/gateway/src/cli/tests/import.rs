//! `relive user import`: whoever could log in at an original server can log in here, through every dialect.

use relive_core::{Dialect, Identifier, Password, Sex, sign::password::derive};
use tempfile::TempDir;

use super::*;

const CHEAP: &str = "[accounts]\nargon2 = { memory_kib = 8, iterations = 1 }\n";

fn import(directory: &TempDir, from: &str, lines: &str) -> Ran {
    run_reading(lines, directory, CHEAP, &["user", "import", "--from", from])
}

fn core(directory: &TempDir) -> Core {
    let mut settings = Settings::default();
    settings.database.url = format!("sqlite://{}/relive.db", directory.path().display());
    (settings.accounts.argon2.memory_kib, settings.accounts.argon2.iterations) = (8, 1);
    start(&settings).unwrap()
}

#[test]
fn passwords_of_all_originals_are_the_passwords_here() {
    let directory = tempfile::tempdir().unwrap();
    // All are password1; the second client of sxb sent it as base64.
    let originals = [
        ("plain", "paul", "password1"),
        ("minilvb-v2", "anna", "ff8b96e93254737e03f38221f40db13d"),
        ("sxb", "mei", "cGFzc3dvcmQx"),
        ("sxb", "lin", "Y0dGemMzZHZjbVF4"),
        ("qplus", "gao", "7C6A180B36896A0A8C02787EEAFB0E4C"),
    ];
    for (from, id, password) in originals {
        let ran = import(&directory, from, &format!("{{\"id\":\"{id}\",\"password\":\"{password}\"}}\n"));
        assert!(ran.ok, "{from}: {}", ran.err);
        assert_eq!(ran.out, "1 registered, 0 refused.\n");
    }
    let core = core(&directory);
    block_on(async {
        for (_, id, _) in originals {
            let sent_by_v2 = Password::canonical(derive("password1", id));
            let tries = [
                (Password::plain("password1"), true),
                (Password::plain("password2"), false),
                (sent_by_v2, true),
            ];
            for (password, right) in tries {
                let forms = [password];
                let who = Identifier::UserId(id.to_owned());
                let entered = core.accounts().login(Dialect::Sxb, who, &forms, None).await.is_ok();
                assert_eq!(entered, right, "{id}");
            }
        }
        core.shutdown().await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn everything_a_line_says_is_taken_over() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.jsonl");
    let line = serde_json::json!({
        "id": "anna", "password": "password1", "phone": "13800000000", "email": "anna@example.org",
        "nickname": "安娜", "avatar": "http://pic/a", "sex": "female", "frontcover": "http://pic/f",
        "address": "Bonn",
    });
    let bare = serde_json::json!({"id": "bob", "password": "x", "phone": "", "nickname": null, "sex": null});
    fs::write(&file, format!("{line}\n\n{bare}")).unwrap();
    let arguments = ["user", "import", "--from", "plain", file.to_str().unwrap()];
    let ran = run_reading("", &directory, CHEAP, &arguments);
    assert!(ran.ok && ran.err.contains("there is no database"), "{}", ran.err);
    assert_eq!(ran.out, "2 registered, 0 refused.\n");
    let core = core(&directory);
    block_on(async {
        let anna = core.accounts().find("anna").await?.unwrap();
        assert_eq!(anna.phone.as_deref(), Some("13800000000"));
        assert_eq!(anna.email.as_deref(), Some("anna@example.org"));
        let profile = anna.profile;
        assert_eq!((profile.nickname.as_str(), profile.avatar.as_str()), ("安娜", "http://pic/a"));
        assert_eq!((profile.frontcover.as_str(), profile.address.as_str()), ("http://pic/f", "Bonn"));
        assert_eq!(profile.sex, Sex::Female);
        let bob = core.accounts().find("bob").await?.unwrap();
        assert_eq!((bob.phone, bob.profile.sex), (None, Sex::Unknown));
        core.shutdown().await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_cannot_be_taken_over_is_named_and_holds_up_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let line = |n: usize| format!("{{\"id\":\"user{n}\",\"password\":\"{n:032x}\"}}");
    let good = (0..200).map(line).collect::<Vec<_>>().join("\n");
    let bad = [
        (r#"{"id":"user0","password":"00000000000000000000000000000000"}"#, "the account exists already"),
        (r#"{"id":" eve","password":"00000000000000000000000000000000"}"#, "an id is not empty"),
        (r#"{"id":"","password":"00000000000000000000000000000000"}"#, "an id is not empty"),
        (r#"{"id":"eve","password":"password1"}"#, "32 hex digits"),
        (r#"{"id":"eve","password":""}"#, "the password is empty"),
        (r#"{"id":"eve"}"#, "no account"),
        (r#"{"id":"eve","password":12345678}"#, "no account"),
        (r#""12345678""#, "no account"),
        (r#"{"id":"eve","password":"00000000000000000000000000000000","pwd":1}"#, "no account"),
        ("eve,password1", "no JSON"),
    ];
    let first = import(&directory, "qplus", &good);
    assert!(first.ok, "{}", first.err);
    let lines = bad.map(|(line, _)| line).join("\n")
        + "\n{\"id\":\"last\",\"password\":\"0123456789abcdef0123456789abcdef\"}";
    let ran = import(&directory, "qplus", &lines);
    assert!(!ran.ok);
    assert_eq!(ran.out, format!("1 registered, {} refused.\n", bad.len()));
    for (number, (_, reason)) in (1..).zip(bad) {
        let start = format!("line {number}: ");
        let line = ran.err.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
        assert!(line.contains(reason), "{number}: {}", ran.err);
    }
    assert!(!ran.err.contains("12345678") && !ran.err.contains("password1"), "{}", ran.err);
    // Once more after an interruption: who is there stays, the others follow.
    let again = import(&directory, "qplus", &good);
    assert_eq!(again.out, "0 registered, 200 refused.\n");
    assert_eq!(run_reading("", &directory, CHEAP, &["user", "list"]).out.lines().count(), 201);
}

#[test]
fn a_line_in_another_encoding_is_refused_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.jsonl");
    let mut lines = b"{\"id\":\"\xd0\xc0\",\"password\":\"x\"}\n".to_vec();
    lines.extend(b"{\"id\":\"bob\",\"password\":\"x\"}\n");
    fs::write(&file, lines).unwrap();
    let arguments = ["user", "import", "--from", "plain", file.to_str().unwrap()];
    let ran = run_reading("", &directory, CHEAP, &arguments);
    assert!(!ran.ok && ran.err.contains("line 1: this is no JSON"), "{}", ran.err);
    assert_eq!(ran.out, "1 registered, 1 refused.\n");
}
