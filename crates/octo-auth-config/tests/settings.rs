//! The values that a program gets from its file and environment, and the errors if something is wrong there.

use std::ffi::OsString;
use std::time::Duration;

use octo_auth_config::{ConfigError, KeySource, Origin, SETTINGS, Settings};
use octo_auth_core::Policy;

const SOUND: &str = "profile = 'octorate'\nclient_id = 'c'\nclient_secret = 'hunter2'\n";

fn read(file: &str) -> Result<Settings, ConfigError> {
    with_environment(file, &[])
}

fn with_environment(file: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Settings::read(Some(("a.toml", file)), environment)
}

fn policy(lines: &str) -> Result<Policy, ConfigError> {
    read(&format!("{SOUND}{lines}"))?.policy()
}

#[test]
fn a_variable_overrides_the_same_setting_in_the_file() {
    let settings = with_environment(SOUND, &[("OCTO_AUTH_CLIENT_ID", "d")]).expect("settings");
    assert_eq!(settings.client().expect("client").client_id(), "d");
    let shown = settings.shown();
    let origin = |name: &str| &shown.iter().find(|shown| shown.name == name).expect("shown").origin;
    assert_eq!(*origin("client_id"), Origin::Environment("OCTO_AUTH_CLIENT_ID".to_owned()));
    assert_eq!(*origin("profile"), Origin::File { file: "a.toml".to_owned(), line: 1 });
    assert_eq!(*origin("scope"), Origin::Default);
}

#[test]
fn every_fault_is_named_with_its_place_and_shows_no_value() {
    let file = "client_secert = 'hunter2'\npkce = 'hunter2'\nscope = 7\n[store]\npath = 'hunter2'\nunrelated_name = 1\n";
    let environment = [("OCTO_AUTH_CLIENT_SECERT", "hunter2"), ("OCTO_AUTH_AUTH", ""), ("OTHER", "x")];
    let error = with_environment(file, &environment).unwrap_err();
    let text = "a.toml, line 1: there is no setting `client_secert`: did you mean `client_secret`?
a.toml, line 2: `pkce` must be `S256`
a.toml, line 3: `scope` must be a text, or an array of texts
a.toml, line 5: `store.path` must be an absolute path
a.toml, line 6: there is no setting `store.unrelated_name`: remove it, or see the list of settings
the environment variable OCTO_AUTH_CLIENT_SECERT: there is no setting `OCTO_AUTH_CLIENT_SECERT`: did you mean `OCTO_AUTH_CLIENT_SECRET`?
the environment variable OCTO_AUTH_AUTH: `OCTO_AUTH_AUTH` is empty: give it a value, or remove it";
    assert_eq!(error.to_string(), text);
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_file_that_is_no_toml_is_named_by_its_line_and_not_shown() {
    let error = read("client_id = 'c'\nclient_secret = hunter2\n").unwrap_err();
    assert_eq!(error.faults()[0].name(), "config");
    assert!(error.to_string().starts_with("a.toml, line 2: `config` is not TOML"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn no_output_of_the_settings_shows_the_secret() {
    let settings = read(SOUND).expect("settings");
    let shown = settings.shown();
    assert!(shown.iter().any(|shown| shown.value.as_deref() == Some("[redacted]")));
    for output in [format!("{settings:?}"), format!("{shown:?}")] {
        assert!(!output.contains("hunter2"), "{output}");
    }
}

#[test]
fn no_password_and_no_parameter_in_a_url_is_shown_also_where_the_url_is_refused() {
    let written = [
        ("https://me:hunter2@a.example/token", "https://[redacted]@a.example/token"),
        ("https://hunter2@a.example", "https://[redacted]@a.example"),
        ("https://me:hun/hunter2#?@a.example/", "https://[redacted]@a.example/"),
        ("me:hunter2@a.example", "[redacted]@a.example"),
        ("https://a.example/token?key=hunter2&hunter2", "https://a.example/token?key=[redacted]&[redacted]"),
        ("https://a.example/#hunter2", "https://a.example/#[redacted]"),
    ];
    let shown = |settings: &Settings, name: &str| {
        let shown = settings.shown().into_iter().find(|shown| shown.name == name).expect("shown");
        shown.value.expect("a value")
    };
    for (url, expected) in written {
        for name in ["token_url", "authorization_url", "revocation_url", "base_url", "redirect_uri"] {
            let sound = ["token_url", "authorization_url"].into_iter().filter(|sound| *sound != name);
            let sound: String = sound.map(|name| format!("{name} = 'https://b.example/x'\n")).collect();
            let file = format!("client_id = 'c'\nclient_secret = 's'\n{sound}{name} = '{url}'");
            let settings = read(&file).expect("settings");
            assert_eq!(shown(&settings, name), expected);
            let checked = settings.check();
            assert!(!url.contains('@') || checked.is_err(), "{name}: a password is taken");
            assert!(!format!("{settings:?}{checked:?}").contains("hunter2"), "{checked:?}");
            let told = checked.map_err(|error| error.to_string()).err().unwrap_or_default();
            assert!(!told.contains("hunter2"), "{told}");
        }
        let settings = read(&format!("base_url = ['api={url}', 'https://b.example']")).expect("settings");
        assert!(!shown(&settings, "base_url").contains("hunter2"), "{settings:?}");
        assert!(shown(&settings, "base_url").ends_with(" https://b.example"));
    }
}

#[test]
fn a_duration_has_a_unit() {
    for (text, seconds) in [("300s", 300), ("5m", 300), ("30m10s", 1810)] {
        let policy = policy(&format!("wait_timeout = '{text}'")).expect("policy");
        assert_eq!(policy.wait(), Duration::from_secs(seconds));
    }
    let error = policy("wait_timeout = '1h30m'").unwrap_err();
    assert!(error.to_string().contains("`wait_timeout`: the wait must be from 0"), "{error}");
    for text in ["300", "0", "-1s", "1e3s", "1.5h", " 5m", "5m ", "5 m", "m", "5x"] {
        let error = policy(&format!("refresh_lead = '{text}'")).unwrap_err();
        assert!(
            error.to_string().contains("line 4: `refresh_lead` must be a duration with a unit"),
            "{text}: {error}"
        );
    }
    let error = policy("refresh_lead = 300").unwrap_err();
    assert!(error.to_string().contains("with a unit"), "{error}");
}

#[test]
fn a_lead_is_at_most_half_of_the_typical_lifetime() {
    let lead = |lines: &str| policy(lines).expect("policy").lead();
    let half = lead("refresh_lead = '30m'");
    assert_eq!(lead("refresh_lead = '2h'\ntypical_lifetime = '1h'"), half);
}

#[test]
fn a_limit_above_what_the_provider_documents_is_refused() {
    let file = |limit: &str| {
        let limit = format!("max_token_requests_per_minute = {limit}");
        read(&format!("profile = 'officernd'\nclient_id = 'c'\nclient_secret = 's'\n{limit}"))
    };
    assert!(file("5").expect("settings").policy().is_ok());
    for limit in ["6", "0"] {
        let error = file(limit).expect("settings").policy().unwrap_err();
        assert_eq!(error.faults()[0].name(), "max_token_requests_per_minute");
    }
    assert!(file("-1").unwrap_err().to_string().contains("whole number"));
}

#[test]
fn two_sources_of_a_secret_are_refused() {
    let error = read(&format!("{SOUND}client_secret_file = '/nowhere'")).unwrap_err().to_string();
    assert!(error.contains("`client_secret` is set, and `client_secret_file` as well"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_secret_file_is_read_without_the_end_of_its_line_and_only_if_it_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("secret");
    let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("a mode");
    let client = || {
        let file =
            format!("profile = 'octorate'\nclient_id = 'c'\nclient_secret_file = '{}'", path.display());
        read(&file).expect("settings").client().map_err(|error| error.to_string())
    };
    std::fs::write(&path, "s3cret\r\n").expect("a file");
    mode(0o600);
    assert!(client().is_ok());
    mode(0o644);
    assert!(client().unwrap_err().contains("run chmod 600"));
    mode(0o600);
    for (content, says) in [("", "is empty"), ("two\nlines\n", "control character")] {
        std::fs::write(&path, content).expect("a file");
        assert!(client().unwrap_err().contains(says), "{content:?}");
    }
}

#[test]
fn without_a_home_no_directory_is_invented() {
    let settings = |environment: &[(&str, &str)]| with_environment(SOUND, environment);
    let error = settings(&[]).expect("settings").store_path().unwrap_err().to_string();
    assert!(error.starts_with("`store.path` is not set"), "{error}");
    let path = |environment| settings(environment).expect("settings").store_path().expect("a path");
    assert_eq!(path(&[("HOME", "/home/me")]).as_os_str(), "/home/me/.local/state/octo-auth");
    assert_eq!(path(&[("XDG_STATE_HOME", "/state"), ("HOME", "/home/me")]).as_os_str(), "/state/octo-auth");
    let error = settings(&[("HOME", "/home/me"), ("XDG_STATE_HOME", "state")]).unwrap_err().to_string();
    assert!(error.contains("`XDG_STATE_HOME`: it is no absolute path"), "{error}");
}

#[test]
fn clear_text_to_this_computer_needs_a_switch() {
    let file = |more: &str| {
        let file = format!(
            "token_url = 'http://127.0.0.1:4000/token'\nclient_id = 'c'\nclient_secret = 's'\n{more}"
        );
        read(&file).expect("settings").client().map_err(|error| error.to_string())
    };
    assert!(file("").unwrap_err().contains("`token_url`: it is not encrypted"));
    assert!(file("allow_http_loopback = true").is_ok());
}

#[test]
fn every_setting_has_its_own_variable() {
    let mut variables: Vec<_> = SETTINGS.iter().map(octo_auth_config::Setting::variable).collect();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), SETTINGS.len());
    assert!(variables.contains(&"OCTO_AUTH_STORE_PATH".to_owned()));
}

#[test]
fn a_program_sets_settings_from_its_arguments_and_no_secret() {
    let argument = |name: &str| Origin::Argument(name.to_owned());
    let settings = read(SOUND).expect("settings");
    let settings = settings.with("profile", "octotable", argument("--provider")).expect("settings");
    assert_eq!(settings.client().expect("client").profile().name(), "octotable");
    assert_eq!(settings.origin("profile"), Some(&argument("--provider")));
    assert_eq!((settings.get("client_id"), settings.get("client_secret")), (Some("c"), None));
    for (name, text, says) in [
        (
            "client_secret",
            "hunter2",
            "the argument --x: `client_secret`: a secret is not taken from an argument",
        ),
        ("profil", "hunter2", "the argument --x: there is no setting `profil`: did you mean `profile`?"),
        ("auth", "hunter2", "the argument --x: `auth` must be one of"),
    ] {
        let error = settings.clone().with(name, text, argument("--x")).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
        assert!(!format!("{error:?}{error}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_secret_that_a_program_sets_overrides_a_secret_file() {
    let file = "profile = 'octorate'\nclient_id = 'c'\nclient_secret_file = '/nowhere'\n";
    let settings = read(file).expect("settings");
    assert!(settings.client().unwrap_err().to_string().contains("`client_secret_file` cannot be read"));
    let settings =
        settings.with("client_secret", "hunter2", Origin::Stored("inn".to_owned())).expect("settings");
    assert!(settings.client().is_ok());
}

#[test]
fn hosts_are_moved_one_by_one_or_behind_a_gateway() {
    let profile = |lines: &str| read(&format!("{SOUND}{lines}")).expect("settings").profile();
    let hosts = |lines: &str| {
        let profile = profile(lines).expect("a profile");
        ["api", "admin"].map(|host| profile.host(host).expect("a host").as_str().to_owned())
    };
    let moved = hosts("base_url = 'api=https://api.example'");
    assert_eq!(moved[0], "https://api.example");
    assert!(moved[1].ends_with("octorate.com"), "{moved:?}");
    assert!(hosts("base_url = 'https://gateway.example'").iter().all(|url| url.contains("gateway.example/")));
    for (value, says) in [
        ("['https://a.example', 'https://b.example']", "a gateway for all hosts, and something else"),
        ("['api=https://a.example', 'api=https://b.example']", "it names the host `api` twice"),
        ("'apu=https://x.example'", "there is no host `apu`, but api, admin"),
        ("'http://127.0.0.1:1'", "it is not encrypted: write https, or set `allow_http_loopback`"),
        ("'nonsense'", "not an absolute URL"),
    ] {
        let error = profile(&format!("base_url = {value}")).unwrap_err().to_string();
        assert!(error.starts_with("a.toml, line 4: `base_url`") && error.contains(says), "{error}");
    }
    assert!(profile("base_url = 'http://127.0.0.1:1'\nallow_http_loopback = true").is_ok());
    // An argument cannot be left over from a test.
    let argument = Origin::Argument("--base-url".to_owned());
    let settings = read(SOUND).expect("settings").with("base_url", "http://127.0.0.1:1", argument);
    assert!(settings.expect("settings").profile().is_ok());
}

#[test]
fn a_key_of_the_store_is_in_one_place() {
    let settings = |lines: &str| read(&format!("{SOUND}[store]\npath = '/p'\n{lines}")).expect("settings");
    let source = |lines: &str| settings(lines).store_key().expect("a source");
    assert_eq!(source(""), None);
    assert!(matches!(source("key = 'hunter2'"), Some(KeySource::Here(..))));
    assert!(!format!("{:?}", source("key = 'hunter2'")).contains("hunter2"));
    assert_eq!(source("key_file = '/k'"), Some(KeySource::File("/k".into())));
    let command = KeySource::Command(["pass", "show", "k"].map(str::to_owned).into());
    assert_eq!(source("key_command = ['pass', 'show', 'k']"), Some(command));
    assert_eq!(source("key_keyring = 'octo-auth'"), Some(KeySource::Keyring("octo-auth".to_owned())));
    let fault = |lines: &str| settings(lines).check().unwrap_err().to_string();
    let both = fault("key_file = '/k'\nkey_keyring = 'k'");
    assert!(both.contains("`store.key_file` is set, and `store.key_keyring` as well"), "{both}");
    let old = fault("old_key_file = '/k'");
    assert!(old.contains("`store.key` is not set: an old key goes with a key"), "{old}");
}
