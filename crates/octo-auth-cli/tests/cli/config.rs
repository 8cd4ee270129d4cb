//! `octo-auth config`: the effective settings, their sources, and their errors.

#[cfg(unix)]
use crate::program::set_mode;
use crate::program::{CANARY, Ran, file, program, run};

fn shown(name: &str, text: &str, environment: &[(&str, &str)]) -> (Ran, String) {
    let path = file(name, text);
    let mut command = program(&["config", "show", "--config", &path]);
    command.envs(environment.iter().copied()).env("HOME", "/home/me").env_remove("XDG_STATE_HOME");
    (Ran::from(command.output().expect("the program starts")), path)
}

#[test]
fn each_setting_is_shown_with_its_origin_and_no_secret() {
    let text = "profile = 'octorate'\nclient_id = 'from the file'\n";
    let environment = [("OCTO_AUTH_CLIENT_ID", "hotel"), ("OCTO_AUTH_CLIENT_SECRET", CANARY)];
    let (ran, path) = shown("config-sound.toml", text, &environment);
    assert_eq!(
        (ran.code, ran.out),
        (
            Some(0),
            format!(
                "profile       = octorate  # {path}, line 1\n\
                 client_id     = hotel  # the environment variable OCTO_AUTH_CLIENT_ID\n\
                 client_secret = [redacted]  # the environment variable OCTO_AUTH_CLIENT_SECRET\n"
            )
        )
    );
}

#[test]
fn a_password_in_a_url_is_shown_in_no_line_and_in_no_message() {
    let url = format!("https://me:{CANARY}@login.example/token?key={CANARY}");
    let (ran, _) = shown("config-password.toml", &format!("token_url = '{url}'\nclient_id = 'c'\n"), &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(
        ran.out.starts_with("token_url = https://[redacted]@login.example/token?key=[redacted]  # "),
        "{ran:?}"
    );
    ran.gave_nothing_away();
}

#[test]
fn every_fault_is_named_with_its_line_and_shows_no_value() {
    let text = format!("profile = 'octorate'\nclient_secert = '{CANARY}'\nrefresh_lead = 300\n");
    let (ran, path) = shown("config-faults.toml", &text, &[]);
    assert_eq!(ran.code, Some(3));
    for says in [
        format!("{path}, line 2: there is no setting `client_secert`: did you mean `client_secret`?"),
        format!("{path}, line 3: `refresh_lead` must be a duration with a unit"),
    ] {
        assert!(ran.err.contains(&says), "{}", ran.err);
    }
    assert!(!ran.err.contains(CANARY) && !ran.out.contains(CANARY), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_secret_that_others_can_read_is_refused() {
    let text = format!("profile = 'octorate'\nclient_id = 'c'\nclient_secret = '{CANARY}'\n");
    let path = file("config-shared.toml", &text);
    set_mode(&path, 0o644);
    let ran = run(&["config", "show", "--config", &path]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("run chmod 600"), "{}", ran.err);
}

#[test]
fn the_names_are_listed_with_their_variables() {
    let ran = run(&["config", "names"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.out.contains("OCTO_AUTH_STORE_PATH"), "{}", ran.out);
}

/// The file may say that the store is sealed, so tokens would be stored in plain text without it.
#[cfg(unix)]
#[test]
fn settings_of_the_user_that_exist_and_cannot_be_read_are_an_error() {
    let home = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("home-with-a-dangling-link");
    let folder = home.join(".config/octo-auth");
    std::fs::create_dir_all(&folder).expect("a folder");
    let link = folder.join("config.toml");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink("moved-away.toml", &link).expect("a link");
    let ran = Ran::from(program(&["config", "show"]).env("HOME", &home).output().expect("it starts"));
    ran.failed(3, &["cannot be read", "config.toml", "No such file"]);
}
