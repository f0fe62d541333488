//! Backs up and restores a PostgreSQL database with `pg_dump` and `pg_restore`.
//!
//! The tools get the URL without the password on their command line, which every user of the machine can see, and the
//! password in their environment, which only this user can see.

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

/// Debian's folder with the tools of each version, in `<version>/bin`.
const VERSIONS_FOLDER: &str = "/usr/lib/postgresql";
/// Secret parameters of a URL for which libpq reads no environment variable.
const SECRET_PARAMETERS: [&str; 4] =
    ["sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"];
/// The table of the migrations that have run: every archive of relive has it.
const MIGRATIONS_TABLE: &str = "__diesel_schema_migrations";
/// Leaves out the rows of `changes`: they only tell running gateways what to load again.
const WITHOUT_CHANGES: &str = "--exclude-table-data=changes";

/// A PostgreSQL database and the tools for it.
pub(super) struct Archive<'a> {
    config: &'a DatabaseConfig,
    /// The URL without the password.
    url: String,
    password: Option<OsString>,
    /// The environment variable `PATH`.
    path: Option<&'a str>,
}

impl<'a> Archive<'a> {
    /// `None` for a database that is not PostgreSQL.
    pub(super) fn of(config: &'a DatabaseConfig, sources: &'a Sources) -> anyhow::Result<Option<Self>> {
        if !config.url.starts_with("postgres://") && !config.url.starts_with("postgresql://") {
            return Ok(None);
        }
        let (url, password) = without_password(&config.url)?;
        let path = sources.environment.iter().find(|(name, _)| name == "PATH");
        Ok(Some(Self { config, url, password, path: path.map(|(_, path)| path.as_str()) }))
    }

    /// Writes a consistent snapshot of the database into a file, also while gateways run.
    pub(super) fn dump(&self, into: &File) -> anyhow::Result<()> {
        ensure!(!database::tables(self.config)?.is_empty(), "the database has no tables of relive");
        let mut command = self.command("pg_dump")?;
        command.args(["--format=custom", WITHOUT_CHANGES, "--no-password", "--dbname", &self.url]);
        run(command.stdout(into.try_clone()?)).map(|_| ())
    }

    /// Restores an archive in one transaction, into an empty database or, with `replace`, in place of relive's tables.
    pub(super) fn restore(&self, file: &Path, replace: bool, force: bool) -> anyhow::Result<()> {
        let not_an_archive = || format!("{} is not an archive made by relive db backup", file.display());
        let archived = self.archived(file).with_context(not_an_archive)?;
        let present = database::tables(self.config)?;
        ensure!(present.is_empty() || replace, "the database is not empty; --replace drops relive's tables");
        if let Some(table) = present.iter().find(|table| !archived.contains(table)) {
            bail!(
                "the archive is from an older relive and has no table {table}: restore it into an empty database"
            );
        }
        let mut command = self.command("pg_restore")?;
        command.args(["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]);
        if replace {
            command.args(["--clean", "--if-exists"]);
        }
        command.args(["--no-password", "--dbname", &self.url]);
        let lock = if force { None } else { Some(super::lock(self.config)?) };
        run(command.stdin(File::open(file)?)).context("nothing was changed")?;
        match lock {
            Some(mut lock) => lock.migrate(self.config)?,
            None => database::migrate(self.config)?,
        }
        super::ensure_sound(self.config).context("the restored database is damaged")
    }

    /// The tables in an archive; an error if this version of relive cannot use the archive.
    fn archived(&self, file: &Path) -> anyhow::Result<Vec<String>> {
        let read = |arguments: &[&str]| -> anyhow::Result<String> {
            let text = run(self.command("pg_restore")?.args(arguments).stdin(File::open(file)?))?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        };
        let tables = table_names(&read(&["--list"])?);
        let has_migrations = tables.iter().any(|table| table == MIGRATIONS_TABLE);
        ensure!(has_migrations, "the file has no table {MIGRATIONS_TABLE}");
        let versions = read(&["--data-only", "--table", MIGRATIONS_TABLE, "--file=-"])?;
        database::accepts(versions_in(&versions))?;
        Ok(tables)
    }

    /// A command that starts a tool with an empty standard input and the password in its environment.
    fn command(&self, tool: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(program(tool, self.path, Path::new(VERSIONS_FOLDER))?);
        command.stdin(Stdio::null());
        command.env("PGCONNECT_TIMEOUT", self.config.connect_timeout.as_secs().max(1).to_string());
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        Ok(command)
    }
}

/// Runs a tool to its end and returns its standard output, which is empty if the command redirects it.
fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let program = PathBuf::from(command.get_program());
    let tool = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::piped()).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{}", own_errors(&tool, &String::from_utf8_lossy(&output.stderr)));
    Ok(output.stdout)
}

/// The error lines that a tool wrote itself. Other lines come from the server and may quote rows, which hold secrets.
fn own_errors(tool: &str, text: &str) -> String {
    let own: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("{tool}: "))).collect();
    if own.is_empty() { format!("{tool} failed") } else { own.join("; ") }
}

/// Finds a tool in `path`, else in the folder of the newest version below `versions`.
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
            "{tool} is neither in PATH nor in {}/*/bin; Debian's package postgresql-client has it",
            versions.display()
        )
    })
}

/// The names of the tables in the output of `pg_restore --list`: `215; 1259 16389 TABLE public accounts relive`.
fn table_names(list: &str) -> Vec<String> {
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

/// The versions of the migrations: the first column of the rows between `COPY … FROM stdin;` and `\.`.
fn versions_in(data: &str) -> impl Iterator<Item = &str> {
    let rows = data.lines().skip_while(|line| !line.starts_with("COPY ")).skip(1);
    rows.take_while(|line| *line != "\\.").filter_map(|row| row.split('\t').next())
}

/// Splits a URL, as libpq reads it, into the URL without the password and the password. Keeps the rest unchanged.
fn without_password(url: &str) -> anyhow::Result<(String, Option<OsString>)> {
    let (scheme, rest) = url.split_once("://").context("database.url is not a URL")?;
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
        } else if SECRET_PARAMETERS.contains(&&*name) {
            bail!("{name} in the URL cannot be passed to PostgreSQL's tools without other users seeing it");
        } else {
            kept.push(parameter);
        }
    }
    let parameters = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Ok((format!("{scheme}://{base}{parameters}"), password))
}

/// Percent-decodes a part of a URL.
fn decoded(part: &str) -> anyhow::Result<OsString> {
    let is_code = |rest: &str| rest.get(..2).is_some_and(|code| code.bytes().all(|b| b.is_ascii_hexdigit()));
    // The error does not quote the password.
    ensure!(part.split('%').skip(1).all(is_code), "a % in the password of the URL must be written %25");
    let bytes: Vec<u8> = percent_decode_str(part).collect();
    ensure!(!bytes.contains(&0), "the password must not have a zero byte");
    Ok(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_is_removed_from_the_url() {
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
        for (url, expected, password) in cases {
            assert_eq!(
                without_password(url).unwrap(),
                (expected.to_owned(), password.map(OsString::from)),
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
        assert_eq!(archive.url, "postgres://anna@h/d");
        let command = archive.command("pg_dump").unwrap();
        let password = command.get_envs().find(|(name, _)| *name == "PGPASSWORD").unwrap().1;
        assert_eq!(password.unwrap(), "hunter2");
        let sqlite = relive_core::Config::sqlite("relive.db").database;
        assert!(Archive::of(&sqlite, &sources).unwrap().is_none());
    }

    #[test]
    fn a_tool_is_taken_from_path_before_the_newest_version() {
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
            own_errors("pg_restore", text),
            "pg_restore: error: COPY failed for table \"sessions\": ERROR:  too long; pg_restore: detail: more"
        );
        assert_eq!(own_errors("pg_dump", "Killed\n"), "pg_dump failed");
    }

    #[test]
    fn table_names_and_versions_are_read_from_the_output_of_pg_restore() {
        let list = ";\n; Archive created at 2026\n; TABLE public x y\n\
                    215; 1259 16389 TABLE public accounts relive\n\
                    3400; 0 16389 TABLE DATA public accounts relive\n\
                    216; 1259 16388 SEQUENCE public accounts_id_seq relive\n";
        assert_eq!(table_names(list), ["accounts"]);
        let data =
            "SET x = 0;\n\nCOPY public.m (version, run_on) FROM stdin;\n0001\t2026\n0002\t2027\n\\.\n\n";
        assert_eq!(versions_in(data).collect::<Vec<_>>(), ["0001", "0002"]);
    }
}
