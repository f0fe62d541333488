//! Layers, origins, errors and secrets of the configuration.

use std::{fs, path::Path};

use figment::value::Dict;
use secrecy::ExposeSecret;

use super::*;

/// A directory with a `relive.toml`, whose secrets file does not exist.
struct Home(tempfile::TempDir);

impl Home {
    fn with(toml: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::write(home.path("relive.toml"), toml).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sources(&self, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let database = format!("sqlite://{}/relive.db", self.0.path().display());
        let mut environment: Vec<_> = environment.iter().map(owned).collect();
        if !environment.iter().any(|(name, _)| name.starts_with("RELIVE_DATABASE__URL")) {
            environment.push(("RELIVE_DATABASE__URL".to_owned(), database));
        }
        let flags = flags.iter().map(owned);
        let flags = flags.map(|(key, value)| Flag { name: format!("--set {key}"), key, value }).collect();
        Sources { file: Some(self.path("relive.toml")), environment, flags }
    }

    fn load(&self, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
        load(&self.sources(environment, flags))
    }

    /// The problems, with the directory cut off.
    fn problems(&self, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Vec<String> {
        let prefix = format!("{}/", self.0.path().display());
        let error = self.load(environment, flags).unwrap_err();
        error.problems().iter().map(|problem| problem.replace(&prefix, "")).collect()
    }
}

fn line(shown: &str, key: &str) -> String {
    let line = shown.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn later_layers_override_earlier_ones_and_origins_are_shown() {
    let home =
        Home::with("[http]\nlisten = \"127.0.0.1:1\"\nmax_connections = 1\n\n[media]\nbizid = \"b1\"\n");
    let environment = [("RELIVE_HTTP__MAX_CONNECTIONS", "2"), ("RELIVE_MEDIA__BIZID", "1400")];
    let loaded = home.load(&environment, &[("http.max_connections", "3")]).unwrap();
    assert_eq!(loaded.settings.http.listen.port(), 1);
    assert_eq!(loaded.settings.http.max_connections, 3);
    assert_eq!(loaded.settings.media.bizid, "1400", "a text that looks like a number stays a text");

    let shown = loaded.show().unwrap().replace(&format!("{}/", home.0.path().display()), "");
    assert_eq!(line(&shown, "http.listen"), "http.listen = \"127.0.0.1:1\" # relive.toml:2");
    assert_eq!(line(&shown, "http.max_connections"), "http.max_connections = 3 # --set http.max_connections");
    assert_eq!(line(&shown, "media.bizid"), "media.bizid = \"1400\" # RELIVE_MEDIA__BIZID");
    assert_eq!(line(&shown, "http.idle_timeout"), "http.idle_timeout = \"75s\" # default");
    assert_eq!(line(&shown, "tencent.im.usersig_ttl"), "tencent.im.usersig_ttl = \"180d\" # default");
    assert_eq!(line(&shown, "qplus.password_reset"), "qplus.password_reset = \"open\" # default");
    assert_eq!(line(&shown, "media.push_key"), "media.push_key = (generated at the first start) # default");
}

#[test]
fn a_variable_that_lacks_an_underscore_is_an_error() {
    let home = Home::with("");
    for (variable, right) in [
        ("RELIVE_DATABASE_URL", "RELIVE_DATABASE__URL"),
        ("RELIVE_HTTP_LISTEN", "RELIVE_HTTP__LISTEN"),
        ("RELIVE_MINILVB_V2_CLOCK_SKEW", "RELIVE_MINILVB_V2__CLOCK_SKEW"),
        ("RELIVE_ACCOUNTS_ARGON2_ITERATIONS", "RELIVE_ACCOUNTS__ARGON2__ITERATIONS"),
        ("RELIVE_MEDIA_PUSH_KEY_FILE", "RELIVE_MEDIA__PUSH_KEY_FILE"),
        ("RELIVE_QPLUS_PASSWORD_RESET", "RELIVE_QPLUS__PASSWORD_RESET"),
    ] {
        assert_eq!(
            home.problems(&[(variable, "x")], &[]),
            [format!("{variable}: sections and keys are joined by two underscores: {right}")]
        );
    }
    assert!(home.load(&[("RELIVE_PORT", "x"), ("RELIVE_HTTP", "y"), ("RELIVE_CONFIG", "z")], &[]).is_ok());
}

#[test]
fn plain_text_is_parsed_as_the_kind_of_its_key() {
    let home = Home::with("");
    let environment = [
        ("RELIVE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("RELIVE_SXB__ADMINS", "[\"a\", \"b\"]"),
        ("RELIVE_SXB__MOUNTS", ""),
        ("RELIVE_MEDIA__RECORD", "false"),
        ("RELIVE_ACCOUNTS__ARGON2", "{ iterations = 3 }"),
        ("RELIVE_ACCOUNTS__ARGON2__PARALLELISM", "2"),
        ("RELIVE_ACCOUNTS__HASH_THREADS", "3"),
        ("RELIVE_MEDIA__PUSH_KEY", "123456"),
        ("RELIVE_PORT", "tcp://10.0.0.1:80"),
        ("OTHER__LISTEN", "x"),
    ];
    assert_eq!(
        home.problems(&environment, &[]),
        ["RELIVE_SXB__MOUNTS: sxb.mounts: must not be empty; to switch the dialect off use its `enabled`"]
    );
    let settings = home.load(&environment, &[("sxb.mounts", "[\"\"]")]).unwrap().settings;
    assert_eq!(
        settings.http.trusted_proxies,
        ["10.0.0.0/8".parse().unwrap(), "192.0.2.1/32".parse().unwrap()]
    );
    assert_eq!(settings.sxb.admins, ["a", "b"]);
    assert!(!settings.media.record);
    assert_eq!((settings.accounts.argon2.iterations, settings.accounts.argon2.parallelism), (3, 2));
    assert_eq!(settings.core().accounts.hash_threads, 3);
    assert_eq!(settings.media.push_key.text().expose_secret(), "123456");
}

#[test]
fn errors_of_unknown_keys_name_the_origin_and_the_nearest_key() {
    let home = Home::with(
        "[http]\n\n# a comment\nlistne = 1\n[tencent.im]\nsecrets = 2\n[sxbb]\n[media.app]\nx = 1\n",
    );
    assert_eq!(
        home.problems(&[("RELIVE_HTTP__LISTENS", "x")], &[("log.levle", "x"), ("http.max_conn", "1")]),
        [
            "relive.toml:4: unknown key \"http.listne\", the nearest one is \"http.listen\"",
            "relive.toml:9: unknown key \"media.app.x\", the nearest one is \"media.app\"",
            "relive.toml:7: unknown key \"sxbb\", the nearest one is \"sxb.enabled\"",
            "relive.toml:6: unknown key \"tencent.im.secrets\", the nearest one is \"tencent.im.secret\"",
            "RELIVE_HTTP__LISTENS: unknown key \"http.listens\", the nearest one is \"http.listen\"",
            "--set log.levle: unknown key \"log.levle\", the nearest one is \"log.level\"",
            "--set http.max_conn: unknown key \"http.max_conn\", the nearest one is \"http.max_connections\"",
        ]
    );
}

#[test]
fn errors_of_values_of_the_wrong_type_name_origin_and_key() {
    for (toml, expected) in [
        ("[http]\nmax_connections = \"x\"", "invalid type: found string \"x\", expected u32"),
        (
            "[http]\nlisten = \"localhost\"",
            "\"localhost\" is not an IP address and a port, such as 0.0.0.0:8080 or [::]:8080",
        ),
        (
            "[http]\ntrusted_proxies = [\"10/8\"]",
            "\"10/8\" is neither a CIDR such as 10.0.0.0/8 nor an IP address",
        ),
        ("[minilvb_v1]\nmounts = [1]", "invalid type: found signed int `1`, expected a string"),
        ("[log]\nformat = \"xml\"", "unknown variant: found `xml`, expected ``pretty` or `json``"),
        ("[http]\nidle_timeout = 75", "invalid type: found signed int `75`, expected a duration"),
    ] {
        let key = toml
            .split(['[', ']', '\n', ' '])
            .filter(|part| !part.is_empty())
            .take(2)
            .collect::<Vec<_>>()
            .join(".");
        let problems = Home::with(toml).problems(&[], &[]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with(&format!("relive.toml:2: {key}")), "{problems:?}");
        assert!(problems[0].ends_with(expected), "{problems:?}");
    }
    let broken = Home::with("[http]\nlisten = \"hunter2\n").problems(&[], &[]);
    assert!(broken[0].starts_with("relive.toml:2: ") && !broken[0].contains("hunter2"), "{broken:?}");
}

#[test]
fn all_values_out_of_range_are_reported() {
    let toml = "[http]\nmax_connections = 0\nidle_timeout = \"1ms\"\n[media]\napp = \"a/b\"\npush_key = \"hunter2\"\nplay_key = \"hunter2\"\npush_ttl = \"169h\"\n[qplus]\nmounts = [\"/x/\"]\n\
                [sxb]\nrequire_sign = true\n[minilvb_v2]\nutc_offset = \"+08:00\"\nmounts = [\"\", \"\"]\n[database]\nurl = \"mysql://x\"";
    let problems = Home::with(toml).problems(&[("RELIVE_DATABASE__URL", "mysql://x")], &[]);
    let starts = [
        "relive.toml:2: http.max_connections: must be between 1 and 1000000, not 0",
        "relive.toml:3: http.idle_timeout: must be whole seconds",
        "RELIVE_DATABASE__URL: database.url: must be sqlite://PATH",
        "relive.toml:5: media.app: ",
        "relive.toml:8: media.push_ttl: must be whole seconds between 1s and 604800s",
        "relive.toml:7: media.play_key: must not equal media.push_key",
        "relive.toml:15: minilvb_v2.mounts: names a prefix twice",
        "default: sxb.sign_secret: must be set",
        "relive.toml:10: qplus.mounts: each must start with /",
    ];
    assert_eq!(problems.len(), starts.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start), "{problem}");
    }
}

#[test]
fn qplus_beyond_loopback_requires_password_reset_to_be_set() {
    let home = Home::with("[http]\nlisten = \"0.0.0.0:80\"\n");
    assert!(home.problems(&[], &[])[0].starts_with("default: qplus.password_reset: must be set"));
    assert!(home.load(&[], &[("qplus.password_reset", "open")]).is_ok());
    assert!(home.load(&[], &[("qplus.enabled", "false")]).is_ok());
    assert!(home.load(&[], &[("http.listen", "[::1]:80")]).is_ok());
}

#[test]
fn any_secret_may_come_from_a_file() {
    for key in SECRETS {
        let home = Home::with("");
        let (file, text) = match key {
            "database.url" => (home.path("secret"), format!("sqlite://{}/x.db", home.0.path().display())),
            "qplus.auth_code_delivery" => (home.path("secret"), "https://user:hunter2@sms/".to_owned()),
            _ => (home.path("secret"), " hunter2 \t".to_owned()),
        };
        fs::write(&file, format!("{text}\r\n")).unwrap();
        let variable = format!("RELIVE_{}_FILE", key.to_uppercase().replace('.', "__"));
        let loaded = home.load(&[(&variable, file.to_str().unwrap())], &[]).unwrap();
        assert_eq!(loaded.figment.extract_inner::<String>(key).unwrap(), text);
        let shown = loaded.show().unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(line(&shown, key).ends_with(&format!("# {} ({variable})", file.display())), "{shown}");
    }
}

#[test]
fn a_secret_given_twice_or_unreadable_is_an_error() {
    let home = Home::with("[media]\npush_key = \"hunter2\"\n[callback]\nkey_file = \"/does/not/exist\"\n");
    let problems = home.problems(&[("RELIVE_MEDIA__PUSH_KEY_FILE", "/x")], &[]);
    assert!(
        problems[0].starts_with("relive.toml:4: callback.key_file: cannot read /does/not/exist: "),
        "{problems:?}"
    );
    assert_eq!(
        problems[1],
        "RELIVE_MEDIA__PUSH_KEY_FILE: media.push_key_file: media.push_key is given too (relive.toml:2); give one of the two"
    );
    let number = Home::with("[media]\npush_key = 12345\n").problems(&[], &[]);
    assert_eq!(number, ["relive.toml:2: media.push_key: expected a text in quotes"]);
    assert!(Home::with("[http]\nlisten_file = \"x\"").problems(&[], &[])[0].contains("unknown key"));
}

#[test]
fn secrets_are_masked_and_empty_ones_are_shown_as_empty() {
    let home = Home::with("[media]\npush_key = \"hunter2\"\n[callback]\nkey = \"\"\n");
    let loaded = home.load(&[], &[("tencent.cos.secret_key", "hunter2")]).unwrap();
    let shown = loaded.show().unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(line(&shown, "media.push_key").starts_with("media.push_key = \"********\""));
    assert!(line(&shown, "callback.key").starts_with("callback.key = \"\""));
    assert!(line(&shown, "media.play_key").starts_with("media.play_key = \"\""));
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"));
}

/// The example file: with the lines enabled that are commented out for lack of a default, and as it is.
fn example() -> (String, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../relive.example.toml");
    let text = fs::read_to_string(path).unwrap();
    let complete = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if rest.contains(" = ") && rest.contains('#') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    });
    (complete.collect(), text)
}

#[test]
fn the_example_file_has_every_key_with_its_default() {
    let (complete, text) = example();
    let home = Home::with(&text);
    let without = |settings: &Settings| {
        let mut settings = settings.clone();
        settings.database = Database::default();
        for secret in
            [&mut settings.media.play_key, &mut settings.sxb.sign_secret, &mut settings.tencent.api_key]
        {
            assert!(std::mem::take(secret).is_empty());
        }
        for secret in [&mut settings.tencent.cos.secret_key, &mut settings.tencent.vod.secret_key] {
            assert!(std::mem::take(secret).is_empty());
        }
        serde_json::to_value(settings).unwrap()
    };
    let loaded = home.load(&[], &[]).unwrap().settings;
    assert_eq!(without(&loaded), without(&Settings::default()));
    assert!(
        ![&loaded.media.push_key, &loaded.callback.key, &loaded.tencent.im.secret]
            .iter()
            .any(|key| key.is_given())
    );

    let (schema, _) = Schema::new().unwrap();
    let layer = Layer::toml(Path::new("example"), &complete).unwrap();
    let mut given: Vec<_> = layer.origins().map(|(key, _)| key.to_owned()).collect();
    given.sort();
    assert_eq!(given, schema.keys().collect::<Vec<_>>(), "the example lacks a key or has an unknown one");
    assert!(toml::from_str::<Dict>(&complete).is_ok());
}

#[test]
fn the_defaults_are_those_of_the_core() {
    let ours = format!("{:?}", Settings::default().core());
    let own = relive_core::Config::sqlite("relive-data/relive.db");
    assert_eq!(ours, format!("{own:?}"));
}

#[test]
fn what_clients_need_and_the_operator_has_not_set_is_named() {
    let named = |toml: &str| {
        let advice = Home::with(toml).load(&[], &[]).unwrap().advice;
        ["media.push_host or", "sdkappid is 0", "70009", "tencent.cos"]
            .map(|part| advice.iter().filter(|line| line.contains(part)).count())
    };
    assert_eq!(named(""), [1, 1, 0, 1]);
    let im = "[tencent.im]\nsdkappid = 1400000123\n";
    assert_eq!(named(im), [1, 0, 1, 1]);
    assert_eq!(named(&format!("{im}secret = \"hunter2\"\n")), [1, 0, 0, 1]);
    let rest = "[media]\npush_host = \"a\"\nplay_host = \"a\"\n[tencent.cos]\nbucket = \"b\"\nsecret_key = \"hunter2\"\n";
    assert_eq!(named(&format!("{im}secret = \"hunter2\"\n{rest}")), [0, 0, 0, 0]);
    let without_im =
        "[sxb]\nenabled = false\n[minilvb_v2]\nenabled = false\n[roomservice]\nenabled = false\n";
    assert_eq!(named(without_im), [1, 0, 0, 1]);
    assert_eq!(named(&format!("{without_im}[minilvb_v1]\nenabled = false\n")), [1, 0, 0, 0]);
}

#[test]
fn generated_keys_that_the_media_server_has_to_have_are_named() {
    let named = |toml: &str| {
        let advice = Home::with(toml).load(&[], &[]).unwrap().advice;
        ["media.push_key", "callback.key"].map(|key| advice.iter().any(|line| line.contains(key)))
    };
    assert_eq!(named(""), [false, false]);
    assert_eq!(named("[media]\npush_host = \"a\"\n"), [true, true]);
    let own = "[media]\npush_host = \"a\"\npush_key = \"hunter2\"\n[callback]\nkey = \"hunter3\"\n";
    assert_eq!(named(own), [false, false]);
}

#[test]
fn what_opens_something_to_strangers_is_named() {
    for (section, key) in [
        ("minilvb_v1", "trust_imported"),
        ("roomservice", "test_users"),
        ("roomservice", "sign_accelerate_url"),
    ] {
        let named = |toml: &str| {
            let advice = Home::with(toml).load(&[], &[]).unwrap().advice;
            advice.iter().any(|line| line.contains(&format!("{section}.{key}")))
        };
        assert!(!named(""));
        assert!(named(&format!("[{section}]\n{key} = true\n")));
        assert!(!named(&format!("[{section}]\n{key} = true\nenabled = false\n")));
    }
}
