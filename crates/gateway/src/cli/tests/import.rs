//! `relive user import`: users of an original server can log in with their old passwords, through every dialect.

use std::{cell::Cell, time::Duration};

use relive_core::{Dialect, Identifier, Password, Sex, sign::password::derive};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::*;
use crate::{Gateway, config::Guests, testing::Client};

/// Digest of "password1" as qplus stored it, and as minilvb-v2 stored it for "anna".
const QPLUS: &str = "7c6a180b36896a0a8c02787eeafb0e4c";
const ANNA_IN_V2: &str = "ff8b96e93254737e03f38221f40db13d";

fn import(directory: &TempDir, from: &str, lines: &str) -> Ran {
    run_reading(lines, directory, CHEAP_HASHES, &["user", "import", "--from", from])
}

#[test]
fn imported_users_log_in_with_their_passwords_of_every_original_server() {
    let directory = tempfile::tempdir().unwrap();
    // All passwords are password1. Some sxb clients sent the password as base64, one of them with a line feed behind it; the
    // first sxb servers stored a line feed behind every password, and the later ones ignored white space in what they stored.
    let originals = [
        ("plain", "paul", "password1"),
        ("minilvb-v2", "anna", ANNA_IN_V2),
        ("sxb", "mei", "cGFzc3dvcmQx"),
        ("sxb", "lin", "Y0dGemMzZHZjbVF4"),
        ("sxb", "wen", "cGFzc3dvcmQxCg=="),
        ("sxb", "han", "Y0dGemMzZHZjbVF4Cg=="),
        ("sxb", "fei", " IHBhc3Mgd29yZDEJ\n"),
        ("qplus", "gao", "7C6A180B36896A0A8C02787EEAFB0E4C"),
    ];
    for (from, id, password) in originals {
        let ran = import(&directory, from, &format!("{}\n", json!({"id": id, "password": password})));
        assert!(ran.ok, "{from}: {}", ran.err);
        assert!(ran.out.starts_with("1 registered, 0 refused.\n"), "{}", ran.out);
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
                let logged_in = core.accounts().login(Dialect::Sxb, user, &forms).await.is_ok();
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
    let line = json!({
        "id": "anna", "password": "password1", "phone": "13800000000", "email": "anna@example.org",
        "nickname": "安娜", "avatar": "http://pic/a", "sex": "Female", "frontcover": "http://pic/f",
        "address": "Bonn",
    });
    let bare = json!({"id": "bob", "password": "x", "phone": "", "nickname": null, "sex": null});
    fs::write(&file, format!("{line}\n\n{bare}")).unwrap();
    let arguments = ["user", "import", "--from", "plain", file.to_str().unwrap()];
    let ran = run_reading("", &directory, CHEAP_HASHES, &arguments);
    assert!(ran.ok && ran.err.contains("there is no database"), "{}", ran.err);
    let v2 = "1 of the ids cannot be used through minilvb-v2, which takes 4 to 24 of A-Z a-z 0-9 _ -, not only digits.\n";
    assert_eq!(ran.out, format!("2 registered, 0 refused.\n{v2}"));
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
    let digits = "00000000000000000000000000000000";
    let with = |field: &str, value: Value| {
        let mut line = json!({"id": "eve", "password": digits});
        line[field] = value;
        line.to_string()
    };
    let bad = [
        (with("id", json!("user0")), r#""user0": id: the account exists already"#),
        (
            with("id", json!("User0")),
            r#""User0": id: "user0" exists already and differs in letter case only"#,
        ),
        (with("id", json!(" eve")), r#"" eve": id: an id must not be empty"#),
        (with("id", json!("")), r#""": id: an id must not be empty"#),
        (with("id", json!("a\u{1b}[2J")), r#""a\u{1b}[2J": id: an id must not be empty"#),
        (with("id", json!(12_345_678)), "id: a number instead of a text"),
        (json!({"password": digits}).to_string(), "id: missing"),
        (with("password", json!("password1")), r#""eve": password: not 32 hex digits"#),
        (with("password", json!("")), r#""eve": password: empty"#),
        (with("password", json!(null)), r#""eve": password: null instead of a text"#),
        (with("password", json!(12_345_678)), r#""eve": password: a number instead of a text"#),
        (r#"{"id":"eve"}"#.to_owned(), r#""eve": password: missing"#),
        (
            r#"{"id":"eve","password":"12345678","password":"1"}"#.to_owned(),
            r#""eve": password: given twice"#,
        ),
        (with("phone", json!(["12345678"])), r#""eve": phone: a list instead of a text"#),
        (with("sex", json!("12345678")), r#""eve": sex: neither "male" nor "female""#),
        (
            with("password1", json!("x")),
            r#""eve": field 3 has an unknown name; known are id, password, phone"#,
        ),
        (r#""12345678""#.to_owned(), "not a JSON object"),
        ("eve,password1".to_owned(), "not JSON, at column 1"),
    ];
    let first = import(&directory, "qplus", &good);
    assert!(first.ok, "{}", first.err);
    let lines = bad.each_ref().map(|(line, _)| line.as_str()).join("\n")
        + "\n{\"id\":\"last\",\"password\":\"0123456789abcdef0123456789abcdef\"}";
    let ran = import(&directory, "qplus", &lines);
    assert!(!ran.ok);
    assert_eq!(ran.out, format!("1 registered, {} refused.\n", bad.len()));
    for (number, (_, reason)) in (1..).zip(bad) {
        let start = format!("line {number}: ");
        let line = ran.err.lines().find(|line| line.starts_with(&start)).unwrap_or_default();
        assert!(line.starts_with(&format!("{start}{reason}")), "{number}: {}", ran.err);
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
    assert!(!ran.ok && ran.err.contains("line 1: not UTF-8, at byte 8"), "{}", ran.err);
    assert!(ran.out.starts_with("1 registered, 1 refused.\n"), "{}", ran.out);
}

/// Writes lines to a file and imports the file.
fn import_file(directory: &TempDir, lines: &[Value], arguments: &[&str], input: &str) -> Ran {
    let file = directory.path().join("accounts.jsonl");
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let all = ["user", "import"].iter().chain(arguments).copied().chain([file.to_str().unwrap()]);
    run_reading(input, directory, CHEAP_HASHES, &all.collect::<Vec<_>>())
}

fn ids(directory: &TempDir) -> Vec<String> {
    let ran = run_reading("", directory, CHEAP_HASHES, &["user", "list"]);
    ran.out.lines().filter_map(|line| line.split('\t').next()).map(str::to_owned).collect()
}

#[test]
fn marks_are_skipped_and_utf_16_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let marked =
        "\u{feff}{\"id\":\"bob1\",\"password\":\"x\"}\r\n\u{feff}{\"id\":\"bob2\",\"password\":\"x\"}";
    let ran = import(&directory, "plain", marked);
    assert!(ran.ok && ran.out.starts_with("2 registered, 0 refused."), "{}{}", ran.out, ran.err);
    let file = directory.path().join("accounts.jsonl");
    let wide = "\u{feff}{\"id\":\"bob3\",\"password\":\"secret\"}\r\n";
    fs::write(&file, wide.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
    let arguments = ["user", "import", "--from", "plain", file.to_str().unwrap()];
    let ran = run_reading("", &directory, CHEAP_HASHES, &arguments);
    assert!(!ran.ok && ran.out.is_empty() && ran.err.contains("the lines are UTF-16"), "{}", ran.err);
    assert_eq!(ids(&directory), ["bob1", "bob2"]);
}

#[test]
fn a_dry_run_finds_what_an_import_would_refuse_and_stores_nothing() {
    let line = |id: &str, phone: &str| json!({"id": id, "password": "x", "phone": phone});
    let lines = [
        line("anna", "13800000000"),
        line("Anna", ""),
        line("13800000000", ""),
        line("carl", "13800000000"),
        json!({"id": "dora", "password": null}),
        line("小明", ""),
    ];
    let refused = |ran: &Ran| {
        assert!(!ran.ok);
        let lines = ran.err.lines().filter(|line| line.starts_with("line "));
        let mut names: Vec<_> = lines.filter_map(|line| line.split(':').next()).map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    let dry = ["--from", "plain", "--dry-run"];

    let directory = tempfile::tempdir().unwrap();
    let ran = import_file(&directory, &lines, &dry, "");
    assert_eq!(refused(&ran), ["line 2", "line 3", "line 4", "line 5"], "{}", ran.err);
    let v2 = "1 of the ids cannot be used through minilvb-v2, which takes 4 to 24 of A-Z a-z 0-9 _ -, not only digits.\n";
    let end = "This was a dry run: no account is stored.\n";
    assert_eq!(ran.out, format!("2 can be registered, 4 refused.\n{v2}{end}"));
    assert!(!directory.path().join("relive.db").exists(), "a dry run created a database");

    let real = import_file(&directory, &lines, &dry[..2], "");
    assert_eq!(refused(&real), ["line 2", "line 3", "line 4", "line 5"], "{}", real.err);
    assert_eq!(real.out, format!("2 registered, 4 refused.\n{v2}"));

    let again = import_file(&directory, &lines, &dry, "");
    assert_eq!(refused(&again).len(), 6, "{}", again.err);
    for reason in [
        r#"line 1: "anna": id: the account exists already"#,
        r#"line 2: "Anna": id: "anna" exists already and differs in letter case only"#,
        r#"line 3: "13800000000": id: this is the phone number or e-mail address of "anna""#,
        r#"line 4: "carl": phone: the phone number is taken"#,
    ] {
        assert!(again.err.lines().any(|line| line == reason), "{reason}\n{}", again.err);
    }
    assert_eq!(ids(&directory), ["anna", "小明"]);
    let new = import_file(&directory, &[line("erna", "")], &dry, "");
    assert!(new.ok && new.out.starts_with("1 can be registered, 0 refused."), "{}", new.err);
    assert_eq!(ids(&directory), ["anna", "小明"]);
}

#[test]
fn of_two_lines_with_one_id_the_first_is_imported() {
    let directory = tempfile::tempdir().unwrap();
    let both = |n: usize| [format!("anna{n:02}"), format!("ANNA{n:02}")];
    let lines: Vec<_> = (0..50).flat_map(both).map(|id| json!({"id": id, "password": "x"})).collect();
    let ran = import_file(&directory, &lines, &["--from", "plain"], "");
    assert_eq!(ran.out, "50 registered, 50 refused.\n", "{}", ran.err);
    assert!(ids(&directory).iter().all(|id| id.starts_with("anna")), "{:?}", ids(&directory));
}

#[test]
fn an_interrupted_import_is_continued() {
    let directory = tempfile::tempdir().unwrap();
    assert!(
        run_reading("secret\n", &directory, CHEAP_HASHES, &["user", "add", "eve0", "--password-stdin"]).ok
    );
    let line = |id: &str| json!({"id": id, "password": "x"});
    assert!(import_file(&directory, &[line("anna"), line("bert")], &["--from", "plain"], "").ok);
    let skipping = ["--from", "plain", "--skip-existing"];
    let all = [line("anna"), line("bert"), line("carl"), line("eve0")];
    for (registered, skipped, dry_run) in [("1 can be registered", 3, true), ("1 registered", 3, false)] {
        let arguments: Vec<_> = skipping.iter().copied().chain(dry_run.then_some("--dry-run")).collect();
        let ran = import_file(&directory, &all, &arguments, "");
        assert!(ran.ok && !ran.err.contains("line "), "{}", ran.err);
        let counts = format!("{registered}, {skipped} skipped, 0 refused.\n");
        let strangers = "1 of the skipped accounts were not imported: somebody registered them here.\n";
        assert!(ran.out.starts_with(&format!("{counts}{strangers}")), "{}", ran.out);
    }
    // An id of another person is never skipped.
    let other = import_file(&directory, &[line("anna"), line("ANNA")], &skipping, "");
    assert!(!other.ok && other.err.contains(r#"line 2: "ANNA": id: "anna" exists already"#), "{}", other.err);
    assert_eq!(other.out, "0 registered, 1 skipped, 1 refused.\n");
}

#[test]
fn a_file_whose_probe_does_not_log_in_is_refused() {
    let v2 = [json!({"id": "bert", "password": QPLUS}), json!({"id": "anna", "password": ANNA_IN_V2})];
    let qplus = [json!({"id": "anna", "password": QPLUS})];
    let sxb = [json!({"id": "anna", "password": "Y0dGemMzZHZjbVF4Cg=="})];
    let probe = |directory: &TempDir, lines: &[Value], from: &str, id: &str, password: &str| {
        let arguments = ["--from", from, "--probe", id, "--password-stdin"];
        import_file(directory, lines, &arguments, &format!("{password}\n"))
    };
    let directory = tempfile::tempdir().unwrap();
    for (lines, from, id, password, reason) in [
        (&qplus[..], "minilvb-v2", "anna", "password1", "it does with --from qplus"),
        (&v2, "qplus", "anna", "password1", "it does with --from minilvb-v2"),
        (&sxb, "plain", "anna", "password1", "it does with --from sxb"),
        (&v2, "minilvb-v2", "anna", "password2", "may be mistyped"),
        (&v2, "minilvb-v2", "Anna", "password1", "no line has the id \"Anna\""),
        (&v2, "minilvb-v2", "anna", "", "the password is empty"),
    ] {
        let ran = probe(&directory, lines, from, id, password);
        assert!(!ran.ok && ran.out.is_empty() && ran.err.contains(reason), "{from}: {}", ran.err);
        assert!(!ran.err.contains("password1") && !ran.err.contains(QPLUS), "{}", ran.err);
        assert!(!directory.path().join("relive.db").exists(), "{from}: the import began");
    }
    for (lines, from) in [(&v2[..], "minilvb-v2"), (&qplus, "qplus"), (&sxb, "sxb")] {
        let directory = tempfile::tempdir().unwrap();
        let ran = probe(&directory, lines, from, "anna", "password1");
        assert!(ran.ok && !ran.err.contains("look alike"), "{from}: {}", ran.err);
        assert!(ran.out.starts_with(&format!("{} registered, 0 refused.", lines.len())), "{}", ran.out);
        let core = server_core(&directory);
        let forms = [Password::plain("password1")];
        let anna = Identifier::UserId("anna".into());
        let logged_in = block_on(async { Ok(core.accounts().login(Dialect::Sxb, anna, &forms).await?) });
        assert!(logged_in.is_ok(), "{from}");
    }
    // Without a probe, the command says that it cannot tell the two forms apart.
    for (from, ambiguous) in [("minilvb-v2", true), ("qplus", true), ("sxb", false), ("plain", false)] {
        let ran = import_file(&directory, &[], &["--from", from, "--dry-run"], "");
        assert_eq!(ran.err.contains("--probe ID"), ambiguous, "{from}: {}", ran.err);
    }
    let piped =
        run_reading("", &directory, "", &["user", "import", "--from", "qplus", "--probe", "anna", "-"]);
    assert!(!piped.ok && piped.err.contains("--probe needs a FILE"), "{}", piped.err);
}

#[test]
fn ids_that_a_dialect_refuses_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let lines = ["anna", "an.na", "小明", "12345", &"a".repeat(51), &"b".repeat(129)]
        .map(|id| json!({"id": id, "password": "x"}));
    let ran = import_file(&directory, &lines, &["--from", "plain"], "");
    let [v1, v2, sxb] = [("1", "minilvb-v1"), ("5", "minilvb-v2"), ("2", "sxb")]
        .map(|(count, dialect)| format!("{count} of the ids cannot be used through {dialect}, which takes "));
    assert!([&v1, &v2, &sxb].iter().all(|line| ran.out.contains(*line)), "{}", ran.out);
    assert!(ran.err.contains("minilvb_v1.trust_imported"), "{}", ran.err);
    let quiet = "[minilvb_v2]\nenabled = false\n[minilvb_v1]\ntrust_imported = true\n";
    let line = json!({"id": "12346", "password": "x"}).to_string();
    let toml = format!("{CHEAP_HASHES}{quiet}");
    let ran = run_reading(&line, &directory, &toml, &["user", "import", "--from", "plain", "-"]);
    assert_eq!(ran.out, "1 registered, 0 refused.\n");
    assert!(!ran.err.contains("note:"), "{}", ran.err);
}

#[test]
fn progress_is_printed_without_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("accounts.jsonl");
    let line = |n: usize| format!("{}\n", json!({"id": format!("user{n:03}"), "password": "x"}));
    fs::write(&file, (0..100).map(line).collect::<Vec<_>>().concat()).unwrap();
    // Every look at the clock takes a second.
    let now = Cell::new(Instant::now());
    let clock = || {
        now.set(now.get() + Duration::from_secs(1));
        now.get()
    };
    let arguments = ["user", "import", "--from", "plain", "--dry-run", file.to_str().unwrap()];
    let (done, _, err) = code_and_outputs_at(&clock, "", &directory, CHEAP_HASHES, &arguments);
    assert_eq!(code(done), code(ExitCode::SUCCESS));
    let lines: Vec<_> = err.lines().filter(|line| line.contains(" lines, ")).collect();
    assert_eq!(lines.len(), 10, "{err}");
    assert_eq!(lines[4], "50 lines, 1 a second, 50% of the file, 50 seconds left");
}

/// Code and result of an action of minilvb-v1, sent to a server.
async fn v1(gateway: &Gateway, action: &str, user_id: &str) -> (i64, Value) {
    let mut body = json!({
        "Action": action, "userid": user_id, "groupid": "g", "title": "t", "status": 0, "flag": 0, "liveuserid": "anna"
    });
    body["userinfo"] = json!({"nickname": "changed"});
    let body = body.to_string();
    let mut client = Client(TcpStream::connect(gateway.addr).await.unwrap());
    let length = body.len();
    client
        .send(format!("POST /interface.php HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}"))
        .await;
    let reply = client.receive().await;
    let reply: Value = serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap();
    (reply["returnValue"].as_i64().unwrap(), reply["returnData"].clone())
}

#[test]
fn imported_accounts_act_through_minilvb_v1_if_the_operator_trusts_them() {
    let directory = tempfile::tempdir().unwrap();
    let lines = [json!({"id": "anna", "password": "x", "nickname": "Anna"})];
    assert!(import_file(&directory, &lines, &["--from", "plain"], "").ok);
    assert!(
        run_reading("secret\n", &directory, CHEAP_HASHES, &["user", "add", "bob1", "--password-stdin"]).ok
    );
    let codes = |trust: bool, guests: bool, calls: &[(&str, &str)]| {
        let mut settings = Settings::default();
        settings.http.listen = "127.0.0.1:0".parse().unwrap();
        settings.admin.listen.0 = None;
        settings.database.url = format!("sqlite://{}/relive.db", directory.path().display());
        settings.minilvb_v1.trust_imported = trust;
        settings.minilvb_v1.guests = if guests { Guests::Open } else { Guests::Closed };
        block_on(async {
            let gateway = Gateway::start(settings, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
            let mut codes = Vec::new();
            for (action, user_id) in calls {
                let (code, data) = v1(&gateway, action, user_id).await;
                let has_url =
                    data["pushurl"].as_str().is_some_and(|url| url.contains(&format!("_{user_id}?")));
                assert_eq!(has_url, code == 0 && *action == "RequestLVBAddr", "{action} {user_id}: {data}");
                codes.push(code);
            }
            gateway.shutdown().await;
            Ok(codes)
        })
        .unwrap()
    };
    let go_live = |id| [("RequestLVBAddr", id), ("ChangeStatus", id), ("EnterGroup", id)];
    for (trust, guests, id, expected) in [
        (false, true, "anna", [498, 498, 498]),
        (true, true, "anna", [0, 0, 0]),
        (true, false, "anna", [0, 0, 0]),
        // Another spelling of an imported id, and an account that was registered here.
        (true, true, "Anna", [498, 498, 498]),
        (true, true, "bob1", [498, 498, 498]),
        (true, true, "guest", [0, 0, 0]),
        (true, false, "visitor", [498, 498, 0]),
    ] {
        assert_eq!(codes(trust, guests, &go_live(id)), expected, "{id}, trust {trust}, guests {guests}");
    }
    let core = server_core(&directory);
    let anna = block_on(async { Ok(core.accounts().find(&"anna".into()).await?) }).unwrap().unwrap();
    assert_eq!((anna.imported, anna.profile.nickname.as_str()), (true, "Anna"), "the profile is not opened");
    drop(core);

    let show = |toml: &str| {
        run_reading("", &directory, &format!("{CHEAP_HASHES}{toml}"), &["user", "show", "anna"]).out
    };
    assert!(show("").contains("registered, imported") && show("").contains("with Liteav-Sig"));
    assert!(show("[minilvb_v1]\ntrust_imported = true\n").contains("without proof: it is imported"));
}
