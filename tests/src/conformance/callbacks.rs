//! Rows about callbacks: a listener on loopback, a pasted address, and the page that is opened.

mod endpoint;
mod flood;
mod http;
mod listening;
mod paste;

use std::time::Duration;

use form_urlencoded::parse;
use octo_auth_blocking::{Runner, SetupError};
use octo_auth_core::{
    AuthorizationCode, CallbackError, Client, Diagnostic, Entropy, ErrorKind, PendingAuthorization, Profile,
    Scopes,
};
use octo_auth_system::{Clock, SystemClock};
use serde_json::Value;

use super::Verdict;
use super::facts::Facts;
use super::judge;
use super::row::Row;
use crate::socket::Socket;

/// Input keys of these rows.
pub(super) const KEYS: [&str; 28] = [
    "redirect_path",
    "port",
    "state",
    "issuer",
    "iss_required",
    "method",
    "target",
    "target_gen",
    "headers",
    "bound",
    "times",
    "concurrent",
    "peer",
    "raw",
    "raw_b64",
    "hold_open_s",
    "connections",
    "idle",
    "port_in_use",
    "check",
    "after",
    "authorization_endpoint",
    "mode",
    "redirect_uri",
    "text",
    "text_gen",
    "seconds_after_issue",
    "exchange_result",
];

/// What a row needs and this machine does not have.
enum Lack {
    Needs(&'static str),
    Failed(String),
}

impl<E: std::fmt::Display> From<E> for Lack {
    fn from(error: E) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Returns the verdict of a row.
pub(super) fn verdict(row: &Row) -> Verdict {
    let (layer, facts) = if row.text("mode") == Some("paste") {
        ("core", paste::observe(row))
    } else if row.input.contains_key("authorization_endpoint") {
        ("core", endpoint::observe(row))
    } else {
        ("listener", listening::observe(row))
    };
    match facts {
        Ok(facts) => judge::verdict(row, vec![(layer, Ok(facts))]),
        Err(Lack::Failed(problem)) => judge::verdict(row, vec![(layer, Err(problem))]),
        Err(Lack::Needs(needs)) => Verdict::NotRun { needs },
    }
}

/// A server that issues tokens for a code, and its client.
struct Stage {
    endpoint: Socket,
    client: Client,
    runner: Runner,
}

const TOKENS: &[u8] =
    br#"{"access_token":"AT1","refresh_token":"RT1","token_type":"Bearer","expires_in":3600}"#;

impl Stage {
    fn new(row: &Row) -> Result<Self, Lack> {
        let silent = row.text("exchange_result") == Some("timeout");
        let endpoint = if silent {
            Socket::stalling_after("")
        } else {
            Socket::responding("200 OK", &["Content-Type: application/json"], TOKENS)
        };
        let gateway = format!("http://{}", endpoint.address());
        let is_octorate = row.text("redirect_uri").is_some_and(|uri| uri.starts_with("https:"));
        let profile = if is_octorate {
            Profile::octorate().via_gateway(&gateway)?
        } else {
            let server = Profile::rfc6749(&format!("{gateway}/token"))?;
            with_issuer(server.with_authorization_url("https://as.example/authorize")?, row)?
        };
        let client = Client::new(profile, "the-client", "the-secret-of-the-client")?;
        let deadline = Duration::from_millis(if silent { 200 } else { 10_000 });
        let runner = Runner::new().map_err(|error: SetupError| error.to_string())?.with_deadline(deadline);
        Ok(Self { endpoint, client, runner })
    }

    /// Starts a sign-in with the state of the row.
    fn sign_in(&self, row: &Row, redirect_uri: &str) -> Result<PendingAuthorization, Lack> {
        let entropy = Entropy::from_bytes([7; 64]);
        let (_, pending) =
            self.client.authorize(redirect_uri, &Scopes::none(), entropy, SystemClock.now())?;
        let mut stored: Value = serde_json::from_str(pending.to_json().expose())?;
        stored["state"] = row.text("state").unwrap_or(STATE).into();
        PendingAuthorization::from_json(&stored.to_string()).ok_or_else(|| Lack::Failed("no sign-in".into()))
    }

    /// Exchanges a code and records the outcome.
    fn exchange(&self, code: AuthorizationCode, later: Duration, facts: &mut Facts) {
        let now = SystemClock.now();
        let now = octo_auth_core::Now { wall: now.wall.saturating_add(later), boot: now.boot + later };
        match code.exchange(&self.client, now) {
            Err(error) => failed(&error, facts),
            Ok(exchange) => {
                let outcome = self.runner.run(exchange);
                let sent = self.endpoint.requests();
                let body =
                    sent.first().and_then(|request| request.split_once("\r\n\r\n")).unwrap_or_default().1;
                let code = parse(body.as_bytes()).find(|(name, _)| name == "code");
                match outcome {
                    Ok(_) => {
                        facts.insert("outcome".into(), "code".into());
                        facts.insert("code".into(), code.map(|(_, code)| code.into_owned()).into());
                    }
                    Err(error) => {
                        facts.insert("outcome".into(), "failed".into());
                        // The code was sent, and no answer says whether it was used.
                        let is_unknown =
                            matches!(error.kind(), ErrorKind::Timeout | ErrorKind::MaybeProcessed);
                        let kind = if is_unknown { "ambiguous".into() } else { error.code() };
                        facts.insert("kind".into(), kind.into());
                    }
                }
            }
        }
    }

    fn count_exchanges(&self, facts: &mut Facts) {
        facts.insert("exchange_requests".into(), self.endpoint.requests().len().into());
    }
}

/// The state for rows without one.
const STATE: &str = "st4teAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn with_issuer(profile: Profile, row: &Row) -> Result<Profile, Lack> {
    let is_required = row.input.get("iss_required") == Some(&Value::Bool(true));
    Ok(match row.text("issuer") {
        Some(issuer) if is_required => profile.with_issuer(issuer.to_owned())?,
        Some(issuer) => profile.with_optional_issuer(issuer.to_owned())?,
        None => profile,
    })
}

/// Returns the facts of a callback without a code.
fn failed(error: &CallbackError, facts: &mut Facts) {
    let text = error.to_string();
    facts.insert("outcome".into(), "failed".into());
    facts.insert("kind".into(), Diagnostic::code(error).into());
    facts.insert("display_contains_control".into(), text.contains(char::is_control).into());
}
