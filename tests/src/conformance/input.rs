//! The inputs of a row: bodies and headers with their generators, and the exchange to which they are the answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use octo_auth_core::{
    ANSWER_LIMIT, AdminToken, Client, CreatedClient, Entropy, Exchange, NewClient, Now, Profile, Scopes,
    Secret, Timestamp, TokenSet,
};
use serde_json::Value;

use super::row::Row;

/// The time of every row without another one, 2026-01-01T00:00:00Z.
const NOW_SECONDS: i64 = 1_767_225_600;

/// Returns the row's time, on a machine that has run for an hour.
pub(super) fn now(row: &Row) -> Result<Now, String> {
    let wall = match row.text("now") {
        Some(date) => {
            humantime::parse_rfc3339(date).map(Timestamp::from).map_err(|error| error.to_string())?
        }
        None => Timestamp::from_unix_seconds(NOW_SECONDS),
    };
    Ok(Now { wall, boot: std::time::Duration::from_secs(3600) })
}

/// An exchange with the kind of reply of the row's grant.
pub(super) enum Asked {
    Token(Exchange<TokenSet>),
    Admin(Exchange<AdminToken>),
    Client(Exchange<CreatedClient>),
}

/// The secrets in flight of a row.
pub(super) struct InFlight {
    pub(super) client_secret: String,
    pub(super) refresh_token: String,
}

impl InFlight {
    pub(super) fn of(row: &Row) -> Self {
        let text = |key: &str, other: &str| row.text(key).unwrap_or(other).to_owned();
        Self {
            client_secret: text("client_secret", "CS0-in-flight-client-secret"),
            refresh_token: text("refresh_sent", "RT0-in-flight-refresh-token"),
        }
    }
}

/// Returns the row's profile, with its hosts behind a gateway if one is given.
pub(super) fn profile(row: &Row, gateway: Option<&str>) -> Result<Profile, String> {
    let name =
        row.text("profile").unwrap_or(if row.input.contains_key("field") { "octorate" } else { "rfc" });
    let generic = || {
        Profile::rfc6749("https://auth.example/token")
            .and_then(|profile| profile.with_authorization_url("https://auth.example/authorize"))
    };
    let profile = match name {
        "rfc" if row.text("from").is_some() => {
            generic().and_then(|profile| profile.with_api_host("https://api.example"))
        }
        "rfc" => generic(),
        "rfc+form" => {
            generic().and_then(|profile| profile.edit(|document| document.token_answer.form = true))
        }
        other => return_builtin(other)?.edit(|document| {
            document.token_answer.assume_utc |= row.input.get("assume_utc") == Some(&Value::Bool(true));
        }),
    };
    let profile = match gateway {
        Some(gateway) => profile.and_then(|profile| profile.via_gateway(gateway)),
        None => profile,
    };
    profile.map_err(|error| error.to_string())
}

fn return_builtin(name: &str) -> Result<Profile, String> {
    Profile::builtin(name).ok_or_else(|| format!("the profile {name} is not known"))
}

/// Returns the exchange to which the row is an answer.
pub(super) fn asked(row: &Row, gateway: Option<&str>) -> Result<Asked, String> {
    let profile = profile(row, gateway)?;
    let secrets = InFlight::of(row);
    let client =
        Client::new(profile.clone(), "the-client", secrets.client_secret).map_err(|e| e.to_string())?;
    let grant = row.text("grant").unwrap_or("apilogin");
    // OfficeRND requires a scope, so a row without one still requests one.
    let unnamed = if profile.name() == "officernd" { "flex.community.members.read" } else { "" };
    let scopes = Scopes::parse(row.text("scope").unwrap_or(unnamed)).map_err(|error| error.to_string())?;
    let asked = match grant {
        // Octorate has no client credentials grant; ApiLogin replaces it.
        "client_credentials" | "apilogin" if profile.name() == "octorate" => {
            client.api_login().map(Asked::Admin)
        }
        "client_credentials" => client.client_credentials(&scopes).map(Asked::Token),
        "refresh_token" => client.refresh(&Secret::new(secrets.refresh_token)).map(Asked::Token),
        "authorization_code" => return code_exchange(&client, now(row)?).map(Asked::Token),
        "create_client" => new_client().exchange(&profile).map(Asked::Client),
        other => return Err(format!("the grant {other} is not known")),
    };
    asked.map_err(|error| error.to_string())
}

fn code_exchange(client: &Client, now: Now) -> Result<Exchange<TokenSet>, String> {
    let entropy = Entropy::from_bytes([7; 64]);
    let redirect_uri = "https://app.example/callback";
    let (_, pending) =
        client.authorize(redirect_uri, &Scopes::none(), entropy, now).map_err(|error| error.to_string())?;
    let query = format!("?code=code-in-flight&state={}", pending.state().expose());
    let code = pending.receive(&query, now).map_err(|rejected| rejected.to_string())?;
    code.exchange(client, now).map_err(|error| error.to_string())
}

fn new_client() -> NewClient {
    NewClient {
        redirect_uri: "https://app.example/".to_owned(),
        name: "A property".to_owned(),
        username: "user@app.example".to_owned(),
        password: Secret::new("PW0-in-flight-password"),
        email: "post@app.example".to_owned(),
        description: None,
        website: None,
        phone: None,
        position: None,
    }
}

/// Returns the row's body. An endless one has four times the limit.
pub(super) fn body(row: &Row) -> Result<Vec<u8>, String> {
    bytes(row, "body").map(Option::unwrap_or_default)
}

/// Returns the bytes under a key, or those of its generator, or of its base64 form.
pub(super) fn bytes(row: &Row, key: &str) -> Result<Option<Vec<u8>>, String> {
    if let Some(text) = row.text(key) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    if let Some(encoded) = row.text(&format!("{key}_b64")) {
        return STANDARD.decode(encoded).map(Some).map_err(|error| error.to_string());
    }
    let generator = row.input.get(&format!("{key}_gen"));
    let unit = row.input.get(&format!("{key}_repeat"));
    match (generator, unit) {
        (Some(generator), _) => generate(generator).map(Some),
        (None, Some(unit)) => {
            only(unit, &["unit", "times"])?;
            let times = unit.get("times").and_then(Value::as_u64).unwrap_or_default();
            let unit = unit.get("unit").and_then(Value::as_str).unwrap_or_default();
            Ok(Some(unit.repeat(usize::try_from(times).unwrap_or(usize::MAX)).into_bytes()))
        }
        (None, None) => Ok(None),
    }
}

/// Generates `prefix`, `repeat` this count of `times`, `suffix`, and the same a second time with a `2`.
fn generate(generator: &Value) -> Result<Vec<u8>, String> {
    let known =
        ["prefix", "repeat", "times", "suffix", "repeat2", "times2", "suffix2", "endless", "gzip_of", "name"];
    let foreign =
        generator.as_object().and_then(|parts| parts.keys().find(|key| !known.contains(&key.as_str())));
    if let Some(key) = foreign {
        return Err(format!("the generator key {key} is not known"));
    }
    let text = |key: &str| generator.get(key).and_then(Value::as_str).unwrap_or_default();
    let times = |key: &str| generator.get(key).and_then(Value::as_u64).unwrap_or_default();
    let repeated = |unit: &str, times: u64| unit.repeat(usize::try_from(times).unwrap_or(usize::MAX));
    if let Some(inner) = generator.get("gzip_of") {
        return gzip(inner);
    }
    let mut bytes = [
        text("prefix"),
        &repeated(text("repeat"), times("times")),
        text("suffix"),
        &repeated(text("repeat2"), times("times2")),
        text("suffix2"),
    ]
    .concat()
    .into_bytes();
    if let Some(unit) = generator.get("endless").and_then(Value::as_str) {
        // This exceeds every transport's limit, so that a transport without a limit is detected.
        bytes.extend(unit.bytes().cycle().take(4 * ANSWER_LIMIT));
    }
    Ok(bytes)
}

/// Refuses a generator with an unknown key.
fn only(generator: &Value, known: &[&str]) -> Result<(), String> {
    let parts = generator.as_object().ok_or("a generator is no object")?;
    match parts.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("the generator key {key} is not known")),
        None => Ok(()),
    }
}

/// Builds a small gzip stream that expands to the generator's size: many copies of one compressed mebibyte.
fn gzip(inner: &Value) -> Result<Vec<u8>, String> {
    use std::io::Write;
    only(inner, &["repeat", "times"])?;
    let unit = inner.get("repeat").and_then(Value::as_str).unwrap_or_default();
    let times = inner.get("times").and_then(Value::as_u64).unwrap_or_default();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(unit.repeat(1 << 20).as_bytes()).map_err(|error| error.to_string())?;
    let member = encoder.finish().map_err(|error| error.to_string())?;
    Ok(member.repeat(usize::try_from(times >> 20).unwrap_or_default().max(1)))
}

/// Returns the row's headers, including generated ones.
pub(super) fn headers(row: &Row) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for pair in row.input.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let text = |place: usize| pair.get(place).and_then(Value::as_str);
        let (Some(name), Some(value)) = (text(0), text(1)) else {
            return Err("a header is no pair of texts".to_owned());
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    for generator in row.input.get("headers_gen").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| generator.get(key).and_then(Value::as_str);
        match (text("name"), text("name_prefix")) {
            (Some(name), _) => {
                let value = String::from_utf8(generate(generator)?).map_err(|error| error.to_string())?;
                headers.push((name.to_owned(), value));
            }
            (None, Some(prefix)) => {
                only(generator, &["name_prefix", "value", "times"])?;
                let times = generator.get("times").and_then(Value::as_u64).unwrap_or_default();
                let value = text("value").unwrap_or_default();
                headers.extend((0..times).map(|number| (format!("{prefix}{number}"), value.to_owned())));
            }
            (None, None) => return Err("a header generator has no name".to_owned()),
        }
    }
    Ok(headers)
}

/// Whether a header determines where a body ends.
pub(super) fn is_framing(name: &str) -> bool {
    ["content-length", "transfer-encoding"].iter().any(|own| name.eq_ignore_ascii_case(own))
}

/// The secrets of the row's answer, in every form in which they can be read.
pub(super) fn secrets_of_answer(row: &Row) -> Vec<String> {
    let body = body(row).unwrap_or_default();
    let Ok(Value::Object(members)) = serde_json::from_slice(&body) else { return Vec::new() };
    let names = ["access_token", "accessToken", "refresh_token", "id_token", "client_secret", "password"];
    let values = names.iter().filter_map(|name| members.get(*name).and_then(Value::as_str));
    values.filter(|value| value.len() >= 6).map(str::to_owned).collect()
}
