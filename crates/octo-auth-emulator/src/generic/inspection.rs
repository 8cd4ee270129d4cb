//! The endpoints for issued tokens: revocation (RFC 7009), introspection (RFC 7662), use (RFC 6750).

use serde_json::json;

use super::state::State;
use super::{client, refusal};
use crate::call::{Call, Fields};
use crate::reply::{Reply, ReplyResult};

/// Revokes a token of the caller. An unknown token is also answered with 200 (RFC 7009 section 2.2).
pub(super) fn revoke(state: &mut State, call: &Call) -> ReplyResult {
    let form = client::form(call)?;
    let caller = client::identify(state, call, &form)?;
    let token = token(&form)?;
    let known = state.access.get(token).or_else(|| state.refresh.get(token));
    if known.is_some_and(|known| known.client_id != caller.client_id) {
        return Err(refusal::invalid_grant());
    }
    state.revoke(token);
    Ok(Reply::empty(200))
}

/// Introspects a token for an authenticated client. A token that is not live gets `{"active":false}` without a reason.
pub(super) fn introspect(state: &mut State, call: &Call) -> ReplyResult {
    let form = client::form(call)?;
    client::authenticate(state, call, &form)?;
    let Some(live) = state.live(token(&form)?) else {
        return Ok(Reply::json(200, &json!({ "active": false })));
    };
    let mut body = json!({
        "active": true,
        "client_id": live.client_id,
        "scope": live.scopes.join(" "),
        "iat": live.issued_at / 1_000,
        "iss": format!("{}/auth.example", call.origin),
    });
    if let Some(expires_at) = live.expires_at {
        body["exp"] = json!(expires_at / 1_000);
        body["token_type"] = json!("Bearer");
    }
    Ok(Reply::json(200, &body))
}

/// A protected resource (RFC 6750 section 3).
pub(super) fn resource(state: &State, call: &Call) -> ReplyResult {
    let challenge = |value: &str| Reply::empty(401).header("www-authenticate", value);
    let token = call.bearer().ok_or_else(|| challenge("Bearer realm=\"auth.example\""))?;
    let access = state.access.get(token).filter(|_| state.live(token).is_some());
    let invalid = || challenge("Bearer realm=\"auth.example\", error=\"invalid_token\"");
    let access = access.ok_or_else(invalid)?;
    Ok(Reply::json(200, &json!({ "client_id": access.client_id, "scope": access.scopes.join(" ") })))
}

fn token(form: &Fields) -> Result<&str, Reply> {
    form.get("token").ok_or_else(|| refusal::invalid_request("The parameter token is missing"))
}
