//! Rows about answers of a provider's API, over real sockets, with every client that authorises calls.
//!
//! One server is both token endpoint and API. Whether a client refreshes the token shows how it interprets an answer;
//! the API clients also report it. The caller must get the answer unchanged.

use std::sync::{Arc, OnceLock};
use std::thread;

use octo_auth_core::{
    ANSWER_LIMIT, AccessToken, Client, Now, Profile, Secret, Timestamp, TokenSet, TokenSpec, TokenStatus,
};
use octo_auth_system::{Clock, SystemClock};
use serde_json::Value;

use super::facts::Facts;
use super::input::{self, InFlight};
use super::resource;
use super::row::Row;
use super::wire;
use crate::caller::{Answered, Caller};
use crate::socket::Socket;

/// The concurrent calls for a row about a thousand of them; the layer of the machine makes them all.
const AT_ONCE: u64 = 50;

/// Longer than the longest header of a row.
const LONGEST_HEAD: usize = 400 * 1024;

/// A clock whose wall time is fixed at the row's time, so that dates in the row are relative to it.
struct OfRow(Timestamp);

impl Clock for OfRow {
    fn now(&self) -> Now {
        Now { wall: self.0, ..SystemClock.now() }
    }
}

/// What happens while a call is in flight.
type Meanwhile = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// Returns the facts of a row for each client. Empty if the row is not about an answer of an API, or if the provider's
/// tokens are not renewed by a refresh token, which is all that this server can observe.
pub(super) fn observe(row: &Row) -> Vec<(&'static str, Result<Facts, String>)> {
    if row.text("from") != Some("resource_server") || row.text("profile") == Some("octotable") {
        return Vec::new();
    }
    Caller::NAMES.iter().map(|name| (*name, call(row, name))).collect()
}

fn call(row: &Row, name: &str) -> Result<Facts, String> {
    let answer = wire::answer(row, None)?;
    let meanwhile = Meanwhile::default();
    let server = server(answer, row.input.contains_key("sent_generation").then(|| meanwhile.clone()));
    let profile = input::profile(row, Some(&format!("http://{}", server.address())))?;
    let client = Client::new(profile.clone(), "the-client", InFlight::of(row).client_secret);
    let wall = input::now(row)?.wall;
    let client = client.map_err(|error| error.to_string())?;
    let caller = Caller::new(name, &client, &TokenSpec::account("inn"), LONGEST_HEAD, OfRow(wall))?;
    caller.import(tokens(&profile, "AT0-in-flight", wall)?)?;
    // While the call is in flight, another token replaces the one that was sent.
    let (other, replacement) = (caller.clone(), tokens(&profile, "AT9-in-flight", wall)?);
    let _ = meanwhile.set(Box::new(move || {
        let _ = other.import(replacement.clone());
    }));
    let answers = calls(row, &caller, &profile)?;
    // A client that cannot repeat a call refreshes when the next call asks for its token.
    let _ = caller.token();
    let renewals = server.requests().iter().filter(|request| is_renewal(request)).count();
    if !row.input.contains_key("sent_generation") {
        unharmed(row, &answers)?;
    }
    Ok(facts(row, &answers, renewals))
}

/// Issues a token for each refresh, and answers each API call with the row's answer. To show what a refusal of an
/// older token does, it gives that answer only to the first call, which outlives its token.
fn server(answer: Vec<u8>, meanwhile: Option<Meanwhile>) -> Socket {
    let renewed = r#"{"access_token":"AT1-renewed","refresh_token":"RT1-renewed","token_type":"Bearer","expires_in":3600}"#;
    Socket::replying(move |request| match &meanwhile {
        _ if is_renewal(request) => json(renewed),
        Some(meanwhile) if request.contains("AT0-in-flight") => {
            if let Some(replace) = meanwhile.get() {
                replace();
            }
            answer.clone()
        }
        Some(_) => json("{}"),
        None => answer.clone(),
    })
}

fn json(body: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
    format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn is_renewal(request: &str) -> bool {
    request.starts_with("POST") && request.contains("RT0-in-flight")
}

fn tokens(profile: &Profile, access_token: &str, issued_at: Timestamp) -> Result<TokenSet, String> {
    let access_token = AccessToken::new(access_token).ok_or("the token cannot stand in a header")?;
    let refresh_token = Secret::from("RT0-in-flight");
    Ok(TokenSet::restore(profile, access_token, issued_at, None, Some(refresh_token)))
}

/// Returns the answers to the row's calls, concurrent or one after another.
fn calls(row: &Row, caller: &Caller, profile: &Profile) -> Result<Vec<Answered>, String> {
    let host = profile.api_origins().next().ok_or("the profile names no API host")?;
    let url = format!("{host}/things");
    let number = |name: &str| row.input.get(name).and_then(Value::as_u64);
    if row.input.contains_key("concurrent") {
        return thread::scope(|scope| {
            let calls = 0..number("repeat").unwrap_or(1).min(AT_ONCE);
            let calls: Vec<_> = calls.map(|_| scope.spawn(|| caller.get(&url))).collect();
            calls.into_iter().map(|call| call.join().map_err(|_| "a call panicked".to_owned())?).collect()
        });
    }
    (0..number("repeat_after_refresh").unwrap_or(1)).map(|_| caller.get(&url)).collect()
}

/// Checks that every answer arrived unchanged.
fn unharmed(row: &Row, answers: &[Answered]) -> Result<(), String> {
    let (status, body) = (row.input.get("status").and_then(Value::as_u64), input::body(row)?);
    // The API clients do not read more of a refusal.
    let cut = body.get(..=ANSWER_LIMIT).unwrap_or(&body);
    let whole = |answer: &Answered| answer.body == body || answer.meaning.is_some() && answer.body == cut;
    match answers.iter().find(|answer| Some(answer.status.into()) != status || !whole(answer)) {
        Some(answer) => {
            Err(format!("the answer came with {} and {} bytes", answer.status, answer.body.len()))
        }
        None => Ok(()),
    }
}

fn facts(row: &Row, answers: &[Answered], renewals: usize) -> Facts {
    let mut facts = Facts::new();
    facts.insert("refresh".into(), (renewals > 0).into());
    facts.insert("token_requests".into(), renewals.into());
    let said = answers.last().and_then(|answer| answer.meaning);
    let outcome = match said {
        _ if row.concerns_the_lifecycle() => None,
        Some(meaning) => Some(resource::word(meaning)),
        // A refresh shows a refusal. No refresh says nothing about throttling and scopes.
        None if renewals > 0 => Some("invalidate_generation"),
        None if matches!(row.expected("outcome"), Some("throttled" | "insufficient_scope")) => None,
        None => Some("no_change"),
    };
    if let Some(outcome) = outcome {
        facts.insert("outcome".into(), outcome.into());
    }
    if let Some(TokenStatus::Quota { retry_after }) = said {
        facts.insert("delay_s".into(), retry_after.map_or(0, |wait| wait.as_secs()).into());
    }
    facts
}
