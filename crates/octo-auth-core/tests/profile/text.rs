//! Profiles as text: all missing or wrong fields are reported together, and some fields may be omitted.

use octo_auth_core::profile::Profile;

const OCTORATE: &str = include_str!("../../profiles/octorate.toml");
const OCTOTABLE: &str = include_str!("../../profiles/octotable.toml");
const OFFICERND: &str = include_str!("../../profiles/officernd.toml");

/// A small, valid profile of a user.
const OWN: &str = r#"name = "acme"
title = "Acme"
client_authentication = "body"
scopes = "optional"
sources = [{ key = "DOC", title = "Acme's developer pages" }]

[[hosts]]
name = "login"
url = "https://login.acme.example"
source = "DOC hosts"

[calls.client_credentials]
method = "POST"
host = "login"
path = "/token"
encoding = "form"
parameters = [
  { name = "grant_type", value = "client_credentials" },
  { name = "client_id", value = "{client_id}" },
  { name = "client_secret", value = "{client_secret}" },
]
source = "DOC token"

[token_answer]
access_token = ["access_token"]
token_type = ["token_type"]
token_type_absent = "error"
expires_in = ["expires_in"]
expires_in_unit = "seconds"
source = "DOC token"
"#;

/// Returns the number of the line that contains a text.
fn line_of(text: &str, part: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(part)).map(|index| index + 1)
}

#[test]
fn all_missing_fields_are_reported_at_once() {
    let text = OWN
        .replace("title = \"Acme\"\n", "")
        .replace("path = \"/token\"\n", "")
        .replace("encoding = \"form\"\n", "")
        .replace("url = \"https://login.acme.example\"\n", "")
        .replace("token_type_absent = \"error\"\n", "");
    let error = Profile::from_toml(&text).unwrap_err();
    let all: Vec<_> = std::iter::once(&error)
        .chain(error.others())
        .map(|fault| (fault.field().to_owned(), fault.line(), fault.problem().to_string()))
        .collect();
    let expected = [
        ("", 1, "missing field `title`"),
        ("hosts[0]", line_of(&text, "[[hosts]]").unwrap(), "missing field `url`"),
        ("calls.client_credentials", line_of(&text, "[calls.client").unwrap(), "missing field `path`"),
        ("calls.client_credentials", line_of(&text, "[calls.client").unwrap(), "missing field `encoding`"),
        ("token_answer", line_of(&text, "[token_answer]").unwrap(), "missing field `token_type_absent`"),
    ];
    assert_eq!(all.len(), expected.len(), "{error}");
    for (field, line, problem) in expected {
        assert!(
            all.contains(&(field.to_owned(), Some(line), problem.to_owned())),
            "{field} {problem}: {error}"
        );
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert!(all.is_sorted_by_key(|(_, line, _)| *line), "{error}");
    let misspelt = text.replace("method =", "methud = \"x\"\nmethod =");
    let error = Profile::from_toml(&misspelt).unwrap_err();
    assert_eq!((error.field(), error.others().len()), ("calls.client_credentials.methud", 5), "{error}");
}

/// Removes each key of each table of the built-in profiles in turn. A required field must be among those that are
/// reported together.
#[test]
fn every_required_field_is_reported_together_with_the_others() {
    for text in [OCTORATE, OCTOTABLE, OFFICERND] {
        for (index, line) in text.lines().enumerate() {
            let Some((key, value)) = line.split_once(" = ") else { continue };
            let single_line = !value.trim_end().ends_with('[');
            if !single_line || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                continue;
            }
            let without: String = text
                .lines()
                .enumerate()
                .filter(|(at, _)| *at != index)
                .map(|(_, line)| format!("{line}\n"))
                .collect();
            let Err(error) = Profile::from_toml(&without) else { continue };
            if error.to_string().contains("missing field") {
                // If a second field is missing, both are reported.
                let both = Profile::from_toml(&without.replacen("title = ", "# ", 1)).unwrap_err();
                assert_eq!(both.to_string().matches("missing field").count(), 2, "{key}: {both}");
            }
        }
    }
}

#[test]
fn all_errors_are_reported_together_each_with_its_line() {
    let text = OWN
        .replace("value = \"{client_id}\"", "value = \"mine\"")
        .replace("value = \"{client_secret}\"", "value = \"hidden\"")
        .replace("path = \"/token\"", "path = \"token\"")
        .replace("name = \"login\"", "name = \"Login\"");
    let error = Profile::from_toml(&text).unwrap_err();
    let all: Vec<_> = std::iter::once(&error).chain(error.others()).collect();
    let codes: Vec<_> = all.iter().map(|fault| fault.code()).collect();
    let expected = [
        "profile_name",
        "profile_unknown_host",
        "profile_path",
        "profile_missing_role",
        "profile_missing_role",
    ];
    assert_eq!(codes, expected, "{error}");
    assert!(all.iter().all(|fault| fault.line().is_some()), "{error:?}");
    assert!(error.others().iter().all(|fault| fault.others().is_empty()), "{error:?}");
    assert_eq!(all[2].line(), line_of(&text, "path ="));
}

#[test]
fn a_profile_of_a_users_own_needs_no_sources() {
    let text: String =
        OWN.lines().filter(|line| !line.starts_with("source")).map(|line| format!("{line}\n")).collect();
    assert!(!text.contains("DOC"));
    let profile = Profile::from_toml(&text).unwrap();
    assert_eq!(profile.document().token_answer.source, "");
    // A named source is also in the list.
    let error = Profile::from_toml(
        &text.replace("scopes =", "sources = []\nscopes =").replace("path =", "source = \"DOC\"\npath ="),
    )
    .unwrap_err();
    assert_eq!(error.code(), "profile_unknown_source");
}

#[test]
fn a_limit_may_require_no_distance_after_a_failure() {
    let text = format!("{OWN}\n[token_limit]\nrequests = 100\nper_seconds = 60\nafter_failure_seconds = 0\n");
    let profile = Profile::from_toml(&text).unwrap();
    assert_eq!(profile.document().token_limit.as_ref().unwrap().after_failure_seconds, 0);
}
