use std::fs;

use super::*;

/// Exit code and output of `relive --config FILE ARGUMENTS…` with a database of its own.
fn relive(directory: &tempfile::TempDir, toml: &str, arguments: &[&str]) -> (ExitCode, String) {
    let file = directory.path().join("relive.toml");
    let database = format!(
        "[database]\nurl = \"sqlite://{}/relive.db\"\n",
        directory.path().display()
    );
    fs::write(&file, format!("{database}{toml}")).unwrap();
    let mut out = Vec::new();
    let all = ["relive", "--config"]
        .into_iter()
        .map(OsString::from)
        .chain([file.into_os_string()]);
    let code = run(all.chain(arguments.iter().map(OsString::from)), &mut out);
    (code, String::from_utf8(out).unwrap())
}

fn code(code: ExitCode) -> String {
    format!("{code:?}")
}

#[test]
fn config_check_answers_with_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let (ok, text) = relive(&directory, "", &["config", "check"]);
    assert_eq!(code(ok), code(ExitCode::SUCCESS));
    assert!(
        text.starts_with("The configuration is valid (") && text.contains("relive.toml"),
        "{text}"
    );
    for toml in ["[http]\nlisten = \"0.0.0.0:80\"\n", "[htpp]\nx = 1\n", "[http"] {
        assert_eq!(
            code(relive(&directory, toml, &["config", "check"]).0),
            code(ExitCode::FAILURE),
            "{toml}"
        );
    }
    assert_eq!(
        code(relive(&directory, "", &["config", "chekc"]).0),
        code(ExitCode::from(2))
    );
    assert_eq!(
        code(relive(&directory, "", &["--set", "x", "config", "check"]).0),
        code(ExitCode::from(2))
    );
}

#[test]
fn flags_may_stand_anywhere_and_listen_is_a_flag_like_any_other() {
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "config",
        "show",
        "--listen",
        "127.0.0.1:4000",
        "--set",
        "log.level=debug",
    ];
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
    for command in ["serve", "config", "user", "db", "--set", "--listen", "--config"] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn users_and_database_are_managed_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let (ok, text) = relive(&directory, "", &["user", "list"]);
    assert_eq!((code(ok), text.as_str()), (code(ExitCode::SUCCESS), ""));
    let (failed, _) = relive(&directory, "", &["user", "delete", "nobody", "--yes"]);
    assert_eq!(code(failed), code(ExitCode::FAILURE));
    assert_eq!(
        code(relive(&directory, "", &["db", "migrate"]).0),
        code(ExitCode::SUCCESS)
    );
    assert_eq!(
        relive(&directory, "", &["db", "check"]).1,
        "The database is sound.\n"
    );
    let copy = directory.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    assert_eq!(
        code(relive(&directory, "", &["db", "backup", copy]).0),
        code(ExitCode::SUCCESS)
    );
    assert!(fs::exists(copy).unwrap());
    assert_eq!(
        code(relive(&directory, "", &["db", "backup", copy]).0),
        code(ExitCode::FAILURE),
        "never overwrites"
    );
}
