//! The commands, run as the operator runs them.

mod backup;
mod import;
mod sign;
mod user;

use std::{fs, os::unix::fs::PermissionsExt};

use tempfile::TempDir;

use super::*;

/// Configuration of cheap password hashes, which keep the tests fast.
const CHEAP_HASHES: &str = "[accounts]\nargon2 = { memory_kib = 8, iterations = 1 }\n";

/// A core as a running server has it, on the database that the commands use.
fn server_core(directory: &TempDir) -> Core {
    let mut settings = Settings::default();
    settings.database.url = format!("sqlite://{}/relive.db", directory.path().display());
    (settings.accounts.argon2.memory_kib, settings.accounts.argon2.iterations) = (8, 1);
    start_core(&settings).unwrap()
}

/// Result of a command.
struct Ran {
    ok: bool,
    out: String,
    err: String,
}

/// Exit code and output of `relive --config FILE ARGUMENTS…` with a database of its own.
fn relive(directory: &TempDir, toml: &str, arguments: &[&str]) -> (ExitCode, String) {
    relive_reading("", directory, toml, arguments)
}

fn relive_reading(input: &str, directory: &TempDir, toml: &str, arguments: &[&str]) -> (ExitCode, String) {
    let (code, out, _) = code_and_outputs(input, directory, toml, arguments);
    (code, out)
}

fn run_reading(input: &str, directory: &TempDir, toml: &str, arguments: &[&str]) -> Ran {
    let (done, out, err) = code_and_outputs(input, directory, toml, arguments);
    Ran { ok: code(done) == code(ExitCode::SUCCESS), out, err }
}

fn code_and_outputs(
    input: &str,
    directory: &TempDir,
    toml: &str,
    arguments: &[&str],
) -> (ExitCode, String, String) {
    let now = Instant::now();
    code_and_outputs_at(&|| now, input, directory, toml, arguments)
}

/// Like [`code_and_outputs`], with a clock that the test moves.
fn code_and_outputs_at(
    clock: &dyn Fn() -> Instant,
    input: &str,
    directory: &TempDir,
    toml: &str,
    arguments: &[&str],
) -> (ExitCode, String, String) {
    let file = directory.path().join("relive.toml");
    let database = format!("[database]\nurl = \"sqlite://{}/relive.db\"\n", directory.path().display());
    fs::write(&file, format!("{database}{toml}")).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = ["relive", "--config"].into_iter().map(OsString::from).chain([file.into_os_string()]);
    let mut standard = Standard {
        input: &mut input.as_bytes(),
        out: &mut out,
        err: &mut err,
        err_is_terminal: false,
        clock,
    };
    let code = run(all.chain(arguments.iter().map(OsString::from)), &mut standard);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn code(code: ExitCode) -> String {
    format!("{code:?}")
}

#[test]
fn config_check_reports_an_invalid_configuration_by_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let (ok, text) = relive(&directory, "", &["config", "check"]);
    assert_eq!(code(ok), code(ExitCode::SUCCESS));
    assert!(text.starts_with("The configuration is valid (") && text.contains("relive.toml"), "{text}");
    for toml in ["[http]\nlisten = \"0.0.0.0:80\"\n", "[htpp]\nx = 1\n", "[http"] {
        assert_eq!(code(relive(&directory, toml, &["config", "check"]).0), code(ExitCode::FAILURE), "{toml}");
    }
    assert_eq!(code(relive(&directory, "", &["config", "chekc"]).0), code(ExitCode::from(2)));
    assert_eq!(code(relive(&directory, "", &["--set", "x", "config", "check"]).0), code(ExitCode::from(2)));
}

#[test]
fn flags_may_follow_the_command_and_are_shown_as_origins() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = ["config", "show", "--listen", "127.0.0.1:4000", "--set", "log.level=debug"];
    let (_, text) = relive(&directory, "", &arguments);
    let find = |key: &str| text.lines().find(|line| line.starts_with(key)).unwrap();
    assert!(
        find("http.listen ").contains("\"127.0.0.1:4000\"") && find("http.listen ").ends_with("# --listen")
    );
    assert!(find("log.level ").ends_with("# --set log.level"));
}

#[test]
fn the_help_names_every_command() {
    use clap::CommandFactory;
    Cli::command().debug_assert();
    let help = Cli::command().render_long_help().to_string();
    for command in ["serve", "config", "user", "sign", "db", "--set", "--listen", "--config"] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn users_are_managed_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let toml = format!("{CHEAP_HASHES}registration = \"closed\"\n");
    let relive = |input: &str, arguments: &[&str]| {
        let (done, text) = relive_reading(input, &directory, &toml, arguments);
        (code(done) == code(ExitCode::SUCCESS), text)
    };
    let add = ["user", "add", "bob", "--password-stdin", "--phone", "13800000000"];
    assert_eq!(relive("secret\n", &add), (true, "bob is registered.\n".to_owned()));
    assert_eq!(relive("secret\n", &add), (false, String::new()), "registered twice");
    assert_eq!(
        relive("\n", &["user", "add", "eve", "--password-stdin"]),
        (false, String::new()),
        "no password"
    );
    assert_eq!(relive("x\n", &["user", "add", " eve", "--password-stdin"]), (false, String::new()), "bad id");
    let (_, list) = relive("", &["user", "list"]);
    assert!(list.starts_with("bob\tregistered\t13800000000\t-\t2") && list.lines().count() == 1, "{list}");
    let changed = relive("other\n", &["user", "passwd", "bob", "--password-stdin"]);
    assert_eq!(changed, (true, "bob has a new password.\n".to_owned()));
    assert_eq!(relive("other\n", &["user", "passwd", "eve", "--password-stdin"]), (false, String::new()));
    assert_eq!(relive("", &["user", "delete", "bob", "--yes"]), (true, "bob is deleted.\n".to_owned()));
    assert_eq!(relive("", &["user", "delete", "bob", "--yes"]), (false, String::new()));
    assert_eq!(relive("", &["user", "list"]), (true, String::new()));
}

#[test]
fn the_database_is_migrated_backed_up_restored_and_checked_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(code(relive(&directory, "", &["db", "migrate"]).0), code(ExitCode::SUCCESS));
    assert_eq!(relive(&directory, "", &["db", "check"]).1, "The database is sound.\n");
    let copy = directory.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    assert_eq!(code(relive(&directory, "", &["db", "backup", copy]).0), code(ExitCode::SUCCESS));
    let metadata = fs::metadata(copy).unwrap();
    assert!(metadata.len() > 0 && metadata.permissions().mode() & 0o777 == 0o600);
    assert_eq!(
        code(relive(&directory, "", &["db", "backup", copy]).0),
        code(ExitCode::FAILURE),
        "backup must not overwrite a file"
    );
    let (_, before) = relive(&directory, "", &["user", "list"]);
    let add = ["user", "add", "later", "--password-stdin"];
    assert_eq!(code(relive_reading("secret\n", &directory, "", &add).0), code(ExitCode::SUCCESS));
    assert_ne!(relive(&directory, "", &["user", "list"]).1, before);
    assert_eq!(
        code(relive(&directory, "", &["db", "restore", copy]).0),
        code(ExitCode::FAILURE),
        "the database exists"
    );
    assert_eq!(
        code(relive(&directory, "", &["db", "restore", "--replace", copy]).0),
        code(ExitCode::SUCCESS)
    );
    assert_eq!(relive(&directory, "", &["user", "list"]).1, before);
    assert!(directory.path().join("relive.db.before-restore").is_file());
    let junk = directory.path().join("junk");
    fs::write(&junk, "this is no database, however long it is").unwrap();
    let restored = relive(&directory, "", &["db", "restore", "--replace", junk.to_str().unwrap()]);
    assert_eq!(code(restored.0), code(ExitCode::FAILURE));
    assert_eq!(relive(&directory, "", &["user", "list"]).1, before, "a failed restore changed the database");
}
