//! Rows about settings: the file and the environment of a row are read, and the requests of the resulting client are
//! built.

use std::ffi::OsString;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Request;
use http::header::AUTHORIZATION;
use octo_auth_config::{ConfigError, Settings};
use octo_auth_core::{Body, Lead, TokenSpec};
use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::row::Row;

/// Input keys of these rows.
pub(super) const KEYS: [&str; 9] =
    ["config", "env", "argv", "config_text", "format", "dump", "derive", "types", "secrets_set"];

/// The name of the row's file in messages.
const FILE: &str = "config.toml";

/// The default of a row: a complete registration at a standard server.
const BASE: [(&str, &str); 5] = [
    ("profile", "rfc6749"),
    ("token_url", "https://as.example/token"),
    ("authorization_url", "https://as.example/authorize"),
    ("client_id", "the-client"),
    ("client_secret", "the-secret-of-the-client"),
];

/// Whether a row is about the settings of a program, not about its command line or its environment.
pub(super) fn is_read(row: &Row) -> bool {
    let variables = row.input.get("env").and_then(Value::as_object);
    let is_meant = |name: &String| {
        name.starts_with("OCTO_AUTH_")
            || matches!(name.as_str(), "HOME" | "XDG_CONFIG_HOME" | "XDG_STATE_HOME")
    };
    let config = row.input.get("config").and_then(Value::as_object);
    // How the callback of a sign-in arrives is not a setting.
    let is_of_listener = row.expect.contains_key("port") || row.expect.contains_key("mode");
    !is_of_listener
        && (config.is_some()
            || row.input.contains_key("config_text")
            || row.text("dump").is_some()
            || variables.is_some_and(|variables| variables.keys().all(is_meant)))
}

/// Returns the facts of a row about settings.
pub(super) fn observe(row: &Row) -> Option<Result<Facts, String>> {
    let duration = row.text("field").and_then(|field| field.strip_prefix("config."));
    match duration {
        Some(name) => Some(read(&json!({name: row.input.get("value")}), row).map(|read| timed(name, &read))),
        None if row.is_about_settings() => {
            let config = row.input.get("config").cloned().unwrap_or_else(|| json!({}));
            Some(read(&config, row).and_then(|read| facts(row, &read)))
        }
        None => None,
    }
}

/// The parsed settings, with all their outputs.
struct Read {
    settings: Result<Settings, ConfigError>,
    secrets: Vec<String>,
}

fn read(config: &Value, row: &Row) -> Result<Read, String> {
    let mut config = config.as_object().ok_or("the settings of the row are no object")?.clone();
    let mut environment = variables(row)?;
    if config.remove("source").is_some_and(|source| source == "env") {
        for (name, value) in std::mem::take(&mut config) {
            let name = format!("OCTO_AUTH_{}", name.to_ascii_uppercase());
            environment.push((name.into(), value.as_str().unwrap_or_default().into()));
        }
    }
    if let Some(content) = config.remove("client_secret_file_content") {
        let path = secret_file(&row.id, content.as_str().unwrap_or_default())?;
        config.insert("client_secret_file".into(), path.into());
    }
    let secrets = ["client_secret"].iter().filter_map(|name| config.get(*name)?.as_str().map(str::to_owned));
    let secrets: Vec<_> = secrets.filter(|secret| secret.len() > 1).chain([BASE[4].1.to_owned()]).collect();
    complete(&mut config, &environment);
    let text = row.text("config_text").map_or_else(|| toml(&config), str::to_owned);
    let settings = Settings::read(Some((FILE, &text)), environment);
    let settings = settings.and_then(|settings| settings.check().map(|()| settings));
    Ok(Read { settings, secrets })
}

/// Returns the file with the settings of a row.
pub(super) fn file(row: &Row) -> Result<String, String> {
    let mut config = row.input.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    complete(&mut config, &[]);
    Ok(toml(&config))
}

/// Converts JSON to TOML. A JSON string is also a TOML string.
fn toml(config: &Map<String, Value>) -> String {
    config.iter().map(|(name, value)| format!("{name} = {value}\n")).collect()
}

/// Adds the settings that the row omits.
fn complete(config: &mut Map<String, Value>, environment: &[(OsString, OsString)]) {
    let has_secret = config.contains_key("client_secret_file");
    let is_standard = !config.contains_key("profile");
    for (name, value) in BASE {
        let is_set = environment.iter().any(|(variable, _)| {
            variable.to_str() == Some(&format!("OCTO_AUTH_{}", name.to_ascii_uppercase()))
        });
        let is_foreign = !is_standard && name.ends_with("_url");
        let is_elsewhere = is_set || is_foreign || has_secret && name == "client_secret";
        if !is_elsewhere {
            config.entry(name).or_insert_with(|| value.into());
        }
    }
}

/// Returns the variables of a row, with a home directory unless the row has one.
fn variables(row: &Row) -> Result<Vec<(OsString, OsString)>, String> {
    let mut variables = vec![(OsString::from("HOME"), OsString::from("/home/person"))];
    let given = row.input.get("env").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let (name, value) = match (name.strip_suffix("_b64raw"), value) {
            (Some(name), Value::String(text)) => (name, Some(raw(text)?)),
            (_, Value::String(text)) => (name.as_str(), Some(text.into())),
            _ => (name.as_str(), None),
        };
        variables.retain(|(present, _)| present != name);
        variables.extend(value.map(|value| (name.into(), value)));
    }
    Ok(variables)
}

/// Decodes a value that need not be UTF-8.
fn raw(base64: &str) -> Result<OsString, String> {
    let bytes = BASE64_STANDARD.decode(base64).map_err(|error| error.to_string())?;
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        Ok(OsString::from_vec(bytes))
    }
    #[cfg(not(unix))]
    String::from_utf8(bytes).map(OsString::from).map_err(|error| error.to_string())
}

fn secret_file(id: &str, content: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tmp").join(format!("{id}.secret"));
    let written = || -> std::io::Result<String> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(&path, content)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        }
        Ok(path.canonicalize()?.display().to_string())
    };
    written().map_err(|error| error.to_string())
}

fn timed(name: &str, read: &Read) -> Facts {
    let mut facts = refusal(read, "duration");
    // The error names the field that the row is about.
    let is_named = facts.get("names_field").is_some_and(|named| named == name);
    facts.insert("names_field".into(), is_named.into());
    let lead =
        read.settings.as_ref().ok().and_then(|settings| settings.policy().ok()).map(|policy| policy.lead());
    match lead {
        Some(Lead::Fixed(lead)) => facts.insert("seconds".into(), lead.as_secs().into()),
        Some(Lead::OnlyWhenExpired) => facts.insert("seconds".into(), 0.into()),
        _ => None,
    };
    facts
}

/// Returns the facts of a refusal, or that there is none.
fn refusal(read: &Read, sound: &str) -> Facts {
    let mut facts = Facts::new();
    let (outcome, output) = match &read.settings {
        Ok(settings) => (sound, format!("{settings:?}{:?}", settings.shown())),
        Err(error) => {
            facts.insert("names_field".into(), error.faults()[0].name().into());
            facts.insert("text".into(), error.to_string().into());
            ("config_error", format!("{error}{error:?}"))
        }
    };
    facts.insert("outcome".into(), outcome.into());
    let shows_secret = read.secrets.iter().any(|secret| output.contains(secret));
    facts.insert("prints_secret".into(), shows_secret.into());
    facts.insert("secret_in_output".into(), shows_secret.into());
    // Settings are read without a transport, so nothing can be sent.
    facts.insert("requests".into(), 0.into());
    facts
}

fn facts(row: &Row, read: &Read) -> Result<Facts, String> {
    let mut facts = refusal(read, "ok");
    let Ok(settings) = &read.settings else { return Ok(facts) };
    let text = |error: ConfigError| error.to_string();
    let (client, scopes) = (settings.client().map_err(text)?, settings.scopes().map_err(text)?);
    let exchange = client.client_credentials(&scopes).map_err(|error| error.to_string());
    if let Ok(exchange) = exchange {
        request(row, exchange.request(), &mut facts);
    }
    let set = TokenSpec::client_credentials(&scopes);
    facts.insert("key_set".into(), json!(set.scopes()));
    if let Some(rules) = settings.allowlist().map_err(text)? {
        facts.insert("rules".into(), rules.len().into());
    }
    if let Lead::Fixed(lead) = settings.policy().map_err(text)?.lead() {
        facts.insert("lead_s".into(), lead.as_secs().into());
        // The row's tokens live for an hour.
        facts.insert("lead_fraction".into(), (lead.as_secs_f64() / 3600.0).into());
    }
    let shown: Vec<_> = settings.shown().into_iter().filter_map(|shown| shown.value).collect();
    facts.insert("shown".into(), shown.join("\n").into());
    Ok(facts)
}

/// Returns the facts of the client's request.
fn request(row: &Row, request: &Request<Body>, facts: &mut Facts) {
    let query = row
        .input
        .get("config")
        .and_then(|config| config["token_url"].as_str())
        .and_then(|url| url.split_once('?'))
        .map(|(_, query)| query);
    facts.insert("keeps_query".into(), (request.uri().query() == query).into());
    if let Some(value) = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        facts.insert("authorization".into(), value.into());
    }
    for (name, value) in form_urlencoded::parse(request.body().as_ref()) {
        match &*name {
            "scope" => facts.insert("sent".into(), value.into_owned().into()),
            "client_secret" => facts.insert("secret_len".into(), value.len().into()),
            _ => None,
        };
    }
}
