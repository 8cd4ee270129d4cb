//! What a layer observes of a row: a fact for each expectation that it knows.

use std::error::Error;

use octo_auth_core::{AdminToken, Answer, CreatedClient, Deviation, ExchangeError, Retry, TokenSet};
use serde_json::{Map, Value, json};

use super::input::{self, InFlight};
use super::row::Row;

/// Facts by name. The names are those of the expectations, except for measured quantities (see the judge).
pub(super) type Facts = Map<String, Value>;

/// Returns the facts of a token answer.
pub(super) fn token(row: &Row, result: &Result<Answer<TokenSet>, ExchangeError>) -> Facts {
    match result {
        Ok(answer) => {
            let mut facts = granted(row, &answer.value, &answer.deviations, answer.quota_remaining);
            shown(&mut facts, row, &format!("{answer:?}"), "");
            facts
        }
        Err(error) => rejected(row, error),
    }
}

/// Returns the facts of an ApiLogin answer.
pub(super) fn admin(row: &Row, result: &Result<Answer<AdminToken>, ExchangeError>) -> Facts {
    match result {
        Ok(answer) => {
            let inside = answer.value.clone().for_ip_authentication();
            let mut facts = granted(row, &inside, &answer.deviations, answer.quota_remaining);
            shown(&mut facts, row, &format!("{answer:?}"), "");
            facts
        }
        Err(error) => rejected(row, error),
    }
}

/// Returns the facts of a created client.
pub(super) fn client(row: &Row, result: &Result<Answer<CreatedClient>, ExchangeError>) -> Facts {
    match result {
        Ok(answer) => {
            let mut facts = Facts::new();
            facts.insert("outcome".into(), "accept_client".into());
            facts.insert("warn".into(), words(&answer.deviations));
            let debug = format!("{answer:?}");
            let made = [Some(&answer.value.client_secret), answer.value.password.as_ref()];
            let leaks = made.into_iter().flatten().any(|secret| debug.contains(secret.expose()));
            shown(&mut facts, row, &debug, "");
            if leaks {
                facts.insert("debug_contains_secret".into(), true.into());
            }
            facts
        }
        Err(error) => rejected(row, error),
    }
}

fn granted(row: &Row, token: &TokenSet, deviations: &[Deviation], remaining: Option<u64>) -> Facts {
    let lifetime = token.lifetime().map(|lifetime| lifetime.as_secs());
    let dead = lifetime == Some(0);
    let dated = row.input.contains_key("field");
    let refresh = match (token.refresh_token(), row.text("grant")) {
        (Some(_), _) => "replace",
        (None, Some("refresh_token")) => "keep",
        (None, _) => "none",
    };
    let outcome = match lifetime {
        _ if !dated => "accept",
        None => "unknown_lifetime",
        Some(_) if dead => "expired",
        Some(_) => "lifetime",
    };
    let mut facts = Facts::new();
    facts.insert("outcome".into(), outcome.into());
    facts.insert("lifetime_s".into(), json!(lifetime));
    facts.insert("refresh".into(), refresh.into());
    facts.insert("warn".into(), words(deviations));
    facts.insert("serve".into(), (!dead).into());
    facts.insert("access_token".into(), token.access_token().expose().into());
    facts.insert("text".into(), if remaining == Some(0) { "quota_exhausted" } else { "" }.into());
    if let Some(scopes) = token.scopes() {
        facts.insert("granted".into(), scopes.iter().collect());
    }
    if let Some(hint) = token.renew_after() {
        facts.insert("soft_s".into(), hint.as_secs().into());
    }
    facts
}

fn rejected(row: &Row, error: &ExchangeError) -> Facts {
    let (retry, delay) = match error.retry() {
        Retry::Never => ("never".to_owned(), 0),
        Retry::Cooldown => ("cooldown".to_owned(), 0),
        Retry::Backoff { at_least } => ("backoff".to_owned(), at_least.as_secs()),
        Retry::After(after) => (format!("at:{}", after.as_secs()), after.as_secs()),
        Retry::Ambiguous { at_least } => ("ambiguous".to_owned(), at_least.as_secs()),
        other => (format!("{other:?}"), 0),
    };
    let mut facts = Facts::new();
    facts.insert("outcome".into(), "reject".into());
    facts.insert("kind".into(), error.code().into());
    facts.insert("retry".into(), retry.into());
    facts.insert("delay_s".into(), delay.into());
    let salvaged = error.salvaged_refresh_token().is_some();
    facts.insert("refresh".into(), if salvaged { "replace" } else { "keep" }.into());
    facts.insert("warn".into(), words(error.deviations()));
    facts.insert("error_uri".into(), json!(error.error_uri()));
    let mut display = error.to_string();
    let mut debug = format!("{error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        display = format!("{display}\n{cause}");
        debug = format!("{debug}\n{cause:?}");
        source = cause.source();
    }
    facts.insert("display_chars".into(), error.to_string().chars().count().into());
    facts.insert("text".into(), display.clone().into());
    shown(&mut facts, row, &debug, &display);
    facts
}

/// Checks that Debug and Display show neither a secret in flight nor a control character.
pub(super) fn shown(facts: &mut Facts, row: &Row, debug: &str, display: &str) {
    let in_flight = InFlight::of(row);
    // The secrets of the request, and the tokens in the answers of the corpus.
    let mut secrets = vec![in_flight.client_secret.as_str(), &in_flight.refresh_token];
    secrets.extend(["code-in-flight", "PW0-in-flight-password", "AT1", "AT2", "RT1"]);
    let granted = input::secrets_of_answer(row);
    secrets.extend(granted.iter().map(String::as_str));
    // A secret of a few letters occurs in many words by chance.
    let contains = |text: &str| secrets.iter().any(|secret| secret.len() >= 3 && text.contains(secret));
    facts.insert("debug_contains_secret".into(), contains(debug).into());
    facts.insert("display_contains_secret".into(), contains(display).into());
    let control = display.chars().any(|character| character.is_control() && character != '\n');
    facts.insert("display_contains_control".into(), control.into());
}

fn words(deviations: &[Deviation]) -> Value {
    deviations.iter().map(|deviation| deviation.code()).collect()
}
