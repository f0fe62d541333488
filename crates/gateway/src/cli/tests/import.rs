//! `relive user import`: users of an original server can log in with their old passwords, through every dialect.

use relive_core::{Dialect, Identifier, Password, Sex, sign::password::derive};

use super::*;

fn import(directory: &TempDir, from: &str, lines: &str) -> Ran {
    run_reading(lines, directory, CHEAP_HASHES, &["user", "import", "--from", from])
}

#[test]
fn imported_users_log_in_with_their_passwords_of_every_original_server() {
    let directory = tempfile::tempdir().unwrap();
    // All passwords are password1. One of the two sxb clients sent the password as base64.
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
    let core = server_core(&directory);
    block_on(async {
        for (_, id, _) in originals {
            let sent_by_v2 = Password::canonical(derive("password1", &id.into()));
            let tries = [
                (Password::plain("password1"), true),
                (Password::plain("password2"), false),
                (sent_by_v2, true),
            ];
            for (password, right) in tries {
                let forms = [password];
                let user = Identifier::UserId(id.into());
                let logged_in = core.accounts().login(Dialect::Sxb, user, &forms, None).await.is_ok();
                assert_eq!(logged_in, right, "{id}");
            }
        }
        core.shutdown().await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn all_members_of_a_line_are_imported() {
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
    let ran = run_reading("", &directory, CHEAP_HASHES, &arguments);
    assert!(ran.ok && ran.err.contains("there is no database"), "{}", ran.err);
    assert_eq!(ran.out, "2 registered, 0 refused.\n");
    let core = server_core(&directory);
    block_on(async {
        let anna = core.accounts().find(&"anna".into()).await?.unwrap();
        assert_eq!(anna.phone.as_deref(), Some("13800000000"));
        assert_eq!(anna.email.as_deref(), Some("anna@example.org"));
        let profile = anna.profile;
        assert_eq!((profile.nickname.as_str(), profile.avatar.as_str()), ("安娜", "http://pic/a"));
        assert_eq!((profile.frontcover.as_str(), profile.address.as_str()), ("http://pic/f", "Bonn"));
        assert_eq!(profile.sex, Sex::Female);
        let bob = core.accounts().find(&"bob".into()).await?.unwrap();
        assert_eq!((bob.phone, bob.profile.sex), (None, Sex::Unknown));
        core.shutdown().await;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_refused_line_is_reported_and_does_not_stop_the_import() {
    let directory = tempfile::tempdir().unwrap();
    let line = |n: usize| format!("{{\"id\":\"user{n}\",\"password\":\"{n:032x}\"}}");
    let good = (0..200).map(line).collect::<Vec<_>>().join("\n");
    let bad = [
        (r#"{"id":"user0","password":"00000000000000000000000000000000"}"#, "the account exists already"),
        (r#"{"id":" eve","password":"00000000000000000000000000000000"}"#, "an id must not be empty"),
        (r#"{"id":"","password":"00000000000000000000000000000000"}"#, "an id must not be empty"),
        (r#"{"id":"eve","password":"password1"}"#, "32 hex digits"),
        (r#"{"id":"eve","password":""}"#, "the password is empty"),
        (r#"{"id":"eve"}"#, "not an account"),
        (r#"{"id":"eve","password":12345678}"#, "not an account"),
        (r#""12345678""#, "not an account"),
        (r#"{"id":"eve","password":"00000000000000000000000000000000","pwd":1}"#, "not an account"),
        ("eve,password1", "not JSON"),
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
    // An import may be repeated after an interruption: existing accounts are refused and stay unchanged.
    let again = import(&directory, "qplus", &good);
    assert_eq!(again.out, "0 registered, 200 refused.\n");
    assert_eq!(run_reading("", &directory, CHEAP_HASHES, &["user", "list"]).out.lines().count(), 201);
}

#[test]
fn a_line_that_is_not_utf_8_is_refused_and_does_not_stop_the_import() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.jsonl");
    let mut lines = b"{\"id\":\"\xd0\xc0\",\"password\":\"x\"}\n".to_vec();
    lines.extend(b"{\"id\":\"bob\",\"password\":\"x\"}\n");
    fs::write(&file, lines).unwrap();
    let arguments = ["user", "import", "--from", "plain", file.to_str().unwrap()];
    let ran = run_reading("", &directory, CHEAP_HASHES, &arguments);
    assert!(!ran.ok && ran.err.contains("line 1: this is not JSON"), "{}", ran.err);
    assert_eq!(ran.out, "1 registered, 1 refused.\n");
}
