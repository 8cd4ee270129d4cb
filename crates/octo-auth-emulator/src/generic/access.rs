//! Access tokens and the answer that contains them (RFC 6749 section 5.1).

use serde_json::json;

use super::client::Caller;
use super::state::{AnnouncedLifetime, State, Token};
use crate::reply::Reply;

/// Answers with an access token under a grant, and with a refresh token if there is one.
pub(super) fn issue(
    state: &mut State,
    caller: &Caller,
    scopes: Vec<String>,
    grant: u64,
    refresh_token: Option<&str>,
) -> Reply {
    let scope = scopes.join(" ");
    let token = Token {
        client_id: caller.client_id.clone(),
        scopes,
        grant,
        issued_at: state.clock.now(),
        expires_at: Some(state.clock.now().saturating_add(state.access_lifetime)),
        replaced_at: None,
    };
    let (access_token, expires_at) = repeated(state, &token).unwrap_or_else(|| insert(state, token));
    let mut body = json!({ "access_token": access_token, "token_type": "Bearer", "scope": scope });
    match state.announced_lifetime {
        AnnouncedLifetime::Actual => {
            body["expires_in"] = json!(expires_at.saturating_sub(state.clock.now()) / 1_000);
        }
        AnnouncedLifetime::Omitted => {}
        AnnouncedLifetime::Seconds(seconds) => body["expires_in"] = json!(seconds),
    }
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    Reply::json(200, &body)
}

fn insert(state: &mut State, token: Token) -> (String, i64) {
    let access_token = state.material.secret_alphanumerics(43);
    let expires_at = token.expires_at.unwrap_or(i64::MAX);
    state.access.insert(access_token.clone(), token);
    (access_token, expires_at)
}

/// Returns the valid access token to send again, and its expiry. If there are several, returns the one that lives
/// longest.
fn repeated(state: &State, new: &Token) -> Option<(String, i64)> {
    let same = |old: &Token| {
        (&old.client_id, &old.scopes, old.grant) == (&new.client_id, &new.scopes, new.grant)
            && state.is_good(old)
    };
    let valid = state.access.iter().filter(|(_, old)| state.repeats && same(old));
    let expiring = valid.filter_map(|(token, old)| Some((old.expires_at?, token)));
    expiring.max().map(|(expires_at, token)| (token.clone(), expires_at))
}
