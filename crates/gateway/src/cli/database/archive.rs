//! Backup and restore of a PostgreSQL database, by PostgreSQL's own tools.
//!
//! They are told where the database is on their command line, which every user of the machine can see, and the password in
//! their environment, which only this user can.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use percent_encoding::percent_decode_str;
use relive_core::{DatabaseConfig, database};

use crate::config::Sources;

/// Where Debian keeps the tools of each version, `<version>/bin`.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Parameters of a URL that are secret and that no variable can carry.
const SECRET: [&str; 4] = ["sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];
/// The table of the migrations that have run: each archive of relive has it.
const MIGRATIONS: &str = "__diesel_schema_migrations";
/// What is of no use without the process that wrote it: which parts of memory gateways have to read again.
const TRANSIENT: &str = "--exclude-table-data=changes";

/// A PostgreSQL database and the tools for it.
pub(super) struct Archive<'a> {
    config: &'a DatabaseConfig,
    /// The URL without the password.
    place: String,
    password: Option<OsString>,
    /// `PATH`.
    path: Option<&'a str>,
}

impl<'a> Archive<'a> {
    /// `None` for a database that is not PostgreSQL.
    pub(super) fn of(config: &'a DatabaseConfig, sources: &'a Sources) -> anyhow::Result<Option<Self>> {
        if !config.url.starts_with("postgres://") && !config.url.starts_with("postgresql://") {
            return Ok(None);
        }
        let (place, password) = without_password(&config.url)?;
        let path = sources.environment.iter().find(|(name, _)| name == "PATH");
        Ok(Some(Self { config, place, password, path: path.map(|(_, path)| path.as_str()) }))
    }

    /// Writes everything into a file: a consistent state, also while gateways run.
    pub(super) fn dump(&self, into: &File) -> anyhow::Result<()> {
        ensure!(!database::tables(self.config)?.is_empty(), "there is nothing of relive in this database");
        let mut command = self.command("pg_dump")?;
        command.args(["--format=custom", TRANSIENT, "--no-password", "--dbname", &self.place]);
        run(command.stdout(into.try_clone()?)).map(|_| ())
    }

    /// Puts an archive in the place of an empty database, or of what relive has in it: all of it, or nothing changes.
    pub(super) fn restore(&self, file: &Path, replace: bool) -> anyhow::Result<()> {
        let no_archive = || format!("{} is no archive made by relive db backup", file.display());
        let archived = self.archived(file).with_context(no_archive)?;
        let there = database::tables(self.config)?;
        ensure!(
            there.is_empty() || replace,
            "the database is not empty; --replace drops what relive has in it"
        );
        if let Some(table) = there.iter().find(|table| !archived.contains(table)) {
            bail!("the archive, of an older relive, has no table {table}: restore it into an empty database");
        }
        let mut command = self.command("pg_restore")?;
        command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]);
        if replace {
            command.args(["--clean", "--if-exists"]);
        }
        command.args(["--no-password", "--dbname", &self.place]);
        run(command.stdin(File::open(file)?)).context("nothing was changed")?;
        database::migrate(self.config)?;
        let problems = database::check(self.config)?;
        ensure!(problems.is_empty(), "restored, but it is damaged: {}", problems.join("; "));
        Ok(())
    }

    /// The tables in an archive, which is one this version understands.
    fn archived(&self, file: &Path) -> anyhow::Result<Vec<String>> {
        let read = |arguments: &[&str]| -> anyhow::Result<String> {
            let text = run(self.command("pg_restore")?.args(arguments).stdin(File::open(file)?))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let tables = listed(&read(&["--list"])?);
        ensure!(tables.iter().any(|table| table == MIGRATIONS), "it has no table {MIGRATIONS}");
        let versions = read(&["--data-only", "--table", MIGRATIONS, "--file=-"])?;
        database::accepts(versions_in(&versions))?;
        Ok(tables)
    }

    /// A tool that cannot ask and reads nothing, with all it has to know in its environment.
    fn command(&self, tool: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(program(tool, self.path, Path::new(VERSIONS))?);
        command.stdin(Stdio::null());
        command.env("PGCONNECT_TIMEOUT", self.config.connect_timeout.as_secs().max(1).to_string());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        Ok(command)
    }
}

/// Runs a tool to its end and returns its output, unless that goes elsewhere.
fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let program = PathBuf::from(command.get_program());
    let tool = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::piped()).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{}", said(&tool, &String::from_utf8_lossy(&output.stderr)));
    Ok(output.stdout)
}

/// What a tool that failed said itself. The server's lines below that may quote rows, and in these are secrets.
fn said(tool: &str, text: &str) -> String {
    let own: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("{tool}: "))).collect();
    if own.is_empty() { format!("{tool} failed") } else { own.join("; ") }
}

/// The tool an operator would get, else that of the newest version in `versions`.
fn program(tool: &str, path: Option<&str>, versions: &Path) -> anyhow::Result<PathBuf> {
    let mut folders: Vec<_> = path.map(|path| env::split_paths(path).collect()).unwrap_or_default();
    let mut installed: Vec<_> =
        fs::read_dir(versions).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    installed.sort_by_key(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        std::cmp::Reverse(name.split('.').next().and_then(|major| major.parse::<u32>().ok()))
    });
    folders.extend(installed.into_iter().map(|folder| folder.join("bin")));
    let found = folders.into_iter().map(|folder| folder.join(tool)).find(|program| program.is_file());
    found.with_context(|| {
        format!(
            "there is no {tool} in PATH or in {}/*/bin; Debian's package postgresql-client has it",
            versions.display()
        )
    })
}

/// The names of the tables in what `pg_restore --list` prints: `215; 1259 16389 TABLE public accounts relive`.
fn listed(list: &str) -> Vec<String> {
    let table = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.get(3..)? {
            ["TABLE", "DATA", ..] => None,
            ["TABLE", _schema, name, ..] => Some((*name).to_owned()),
            _ => None,
        }
    };
    list.lines().filter(|line| !line.starts_with(';')).filter_map(table).collect()
}

/// The first column of the rows between `COPY … FROM stdin;` and `\.`.
fn versions_in(data: &str) -> impl Iterator<Item = &str> {
    let rows = data.lines().skip_while(|line| !line.starts_with("COPY ")).skip(1);
    rows.take_while(|line| *line != "\\.").filter_map(|row| row.split('\t').next())
}

/// Takes the password out of a URL, reading it as libpq does; everything else stays as it is.
fn without_password(url: &str) -> anyhow::Result<(String, Option<OsString>)> {
    let (scheme, rest) = url.split_once("://").context("this is no URL")?;
    let mut password = None;
    let end = rest.find(['@', '/']).unwrap_or(rest.len());
    let rest = match rest.split_at(end) {
        (user, host) if host.starts_with('@') => match user.split_once(':') {
            Some((user, given)) => {
                password = Some(decoded(given)?);
                format!("{user}{host}")
            }
            None => rest.to_owned(),
        },
        _ => rest.to_owned(),
    };
    let Some((base, parameters)) = rest.split_once('?') else {
        return Ok((format!("{scheme}://{rest}"), password));
    };
    let mut kept = Vec::new();
    for parameter in parameters.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        if name == "password" {
            password = Some(decoded(value)?);
        } else if SECRET.contains(&&*name) {
            bail!("{name} in the URL cannot be handed on to PostgreSQL's tools without being seen");
        } else {
            kept.push(parameter);
        }
    }
    let parameters = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Ok((format!("{scheme}://{base}{parameters}"), password))
}

/// The bytes a part of a URL stands for.
fn decoded(part: &str) -> anyhow::Result<OsString> {
    let is_code = |rest: &str| rest.get(..2).is_some_and(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
    // Not a word of it in the message.
    ensure!(part.split('%').skip(1).all(is_code), "a % in the password of the URL has to be written %25");
    let bytes: Vec<u8> = percent_decode_str(part).collect();
    ensure!(!bytes.contains(&0), "a password cannot have a zero byte");
    Ok(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_leaves_the_url_and_nothing_else_does() {
        let cases = [
            ("postgres://h/d", "postgres://h/d", None),
            ("postgres://anna@h/d", "postgres://anna@h/d", None),
            ("postgresql://anna:p%40ss:%2Fx@h/d", "postgresql://anna@h/d", Some("p@ss:/x")),
            (
                "postgres://a:p@h1:5433,h2/d?target_session_attrs=read-write&sslmode=verify-full",
                "postgres://a@h1:5433,h2/d?target_session_attrs=read-write&sslmode=verify-full",
                Some("p"),
            ),
            (
                "postgres://a@h/d?password=p%26&sslmode=require",
                "postgres://a@h/d?sslmode=require",
                Some("p&"),
            ),
            ("postgres://a:old@h/d?%70assword=new", "postgres://a@h/d", Some("new")),
            ("postgres:///d?host=%2Frun&user=a:b@c", "postgres:///d?host=%2Frun&user=a:b@c", None),
            ("postgres://:p@h", "postgres://@h", Some("p")),
            ("postgres://a:@h/d", "postgres://a@h/d", Some("")),
        ];
        for (url, place, password) in cases {
            assert_eq!(
                without_password(url).unwrap(),
                (place.to_owned(), password.map(OsString::from)),
                "{url}"
            );
        }
        for url in ["postgres://a:hunter2%@h/d", "postgres://a@h/d?sslpassword=hunter2", "hunter2"] {
            let error = format!("{:#}", without_password(url).unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_password_is_in_the_environment_only() {
        let config = DatabaseConfig {
            url: "postgres://anna:hunter2@h/d".to_owned(),
            ..relive_core::Config::sqlite("").database
        };
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pg_dump"), "").unwrap();
        let environment = vec![("PATH".to_owned(), folder.path().display().to_string())];
        let sources = Sources { environment, ..Sources::default() };
        let archive = Archive::of(&config, &sources).unwrap().unwrap();
        assert_eq!(archive.place, "postgres://anna@h/d");
        let command = archive.command("pg_dump").unwrap();
        let password = command.get_envs().find(|(name, _)| *name == "PGPASSWORD").unwrap().1;
        assert_eq!(password.unwrap(), "hunter2");
        let sqlite = relive_core::Config::sqlite("relive.db").database;
        assert!(Archive::of(&sqlite, &sources).unwrap().is_none());
    }

    #[test]
    fn the_path_comes_first_and_then_the_newest_version() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for bin in ["versions/9.6/bin", "versions/15/bin", "versions/other/bin", "mine"] {
            fs::create_dir_all(at(bin)).unwrap();
        }
        let found = |path: Option<&str>| program("pg_dump", path, &at("versions"));
        let error = format!("{:#}", found(Some("/nowhere")).unwrap_err());
        assert!(error.contains("postgresql-client"), "{error}");
        for bin in ["versions/9.6/bin", "versions/15/bin", "versions/other/bin", "mine"] {
            fs::write(at(bin).join("pg_dump"), "").unwrap();
        }
        assert_eq!(found(None).unwrap(), at("versions/15/bin/pg_dump"));
        let path = format!("/nowhere:{}", at("mine").display());
        assert_eq!(found(Some(&path)).unwrap(), at("mine/pg_dump"));
    }

    #[test]
    fn a_tool_that_cannot_be_started_or_fails_is_named() {
        let error = run(&mut Command::new("/nowhere/pg_dump")).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot start /nowhere/pg_dump: "), "{error:#}");
        let text = "pg_restore: error: COPY failed for table \"sessions\": ERROR:  too long\n\
                    CONTEXT:  COPY sessions, line 1, column token: \"hunter2\"\n\
                    pg_restore: detail: more\n";
        assert_eq!(
            said("pg_restore", text),
            "pg_restore: error: COPY failed for table \"sessions\": ERROR:  too long; pg_restore: detail: more"
        );
        assert_eq!(said("pg_dump", "Killed\n"), "pg_dump failed");
    }

    #[test]
    fn lists_and_rows_are_read() {
        let list = ";\n; Archive created at 2026\n; TABLE public x y\n\
                    215; 1259 16389 TABLE public accounts relive\n\
                    3400; 0 16389 TABLE DATA public accounts relive\n\
                    216; 1259 16388 SEQUENCE public accounts_id_seq relive\n";
        assert_eq!(listed(list), ["accounts"]);
        let data =
            "SET x = 0;\n\nCOPY public.m (version, run_on) FROM stdin;\n0001\t2026\n0002\t2027\n\\.\n\n";
        assert_eq!(versions_in(data).collect::<Vec<_>>(), ["0001", "0002"]);
    }
}
