//! `/token`: client credentials, authorization code with PKCE, refresh (RFC 6749 sections 4.1.3, 4.4, 6; RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::authorization::scopes;
use super::client::{self, Caller};
use super::refusal;
use super::state::{Code, State, Token};
use crate::call::{Call, Fields};
use crate::reply::{Outcome, Reply};

/// How long a code may be exchanged, in milliseconds.
const CODE_LIFETIME: i64 = 60_000;

pub(super) fn answer(state: &mut State, call: &Call) -> Outcome {
    let form = client::form(call)?;
    let caller = client::identify(state, call, &form)?;
    match form.get("grant_type") {
        Some("client_credentials") if caller.confidential => client_credentials(state, &form, &caller),
        Some("client_credentials") => {
            Err(refusal::error("unauthorized_client", "A public client has no credentials"))
        }
        Some("authorization_code") => authorization_code(state, &form, &caller),
        Some("refresh_token") => refresh(state, &form, &caller),
        Some(_) => Err(refusal::error("unsupported_grant_type", "The grant type is not supported")),
        None => Err(refusal::invalid_request("The parameter grant_type is missing")),
    }
}

fn client_credentials(state: &mut State, form: &Fields, caller: &Caller) -> Outcome {
    let scopes = scopes(form.get("scope")).ok_or_else(unknown_scope)?;
    let grant = state.new_grant();
    Ok(issue(state, caller, scopes, grant, None))
}

fn authorization_code(state: &mut State, form: &Fields, caller: &Caller) -> Outcome {
    let code = form.get("code").ok_or_else(|| refusal::invalid_request("The parameter code is missing"))?;
    let grant = state.new_grant();
    let now = state.clock.now();
    let known = state.codes.get_mut(code).filter(|known| known.client_id == caller.client_id);
    let known = known.ok_or_else(refusal::invalid_grant)?;
    if let Some(earlier) = known.redeemed.replace(grant) {
        state.end_grant(earlier);
        return Err(refusal::invalid_grant());
    }
    let fits = form.get("redirect_uri") == Some(known.redirect_uri.as_str());
    if !fits || now - known.issued_at > CODE_LIFETIME || !is_verified(known, form.get("code_verifier")) {
        return Err(refusal::invalid_grant());
    }
    let scopes = known.scopes.clone();
    let refresh_token = new_refresh_token(state, caller, &scopes, grant);
    Ok(issue(state, caller, scopes, grant, Some(&refresh_token)))
}

fn refresh(state: &mut State, form: &Fields, caller: &Caller) -> Outcome {
    let missing = || refusal::invalid_request("The parameter refresh_token is missing");
    let token = form.get("refresh_token").ok_or_else(missing)?;
    let known = state.refresh.get(token).filter(|known| known.client_id == caller.client_id).cloned();
    let known = known.ok_or_else(refusal::invalid_grant)?;
    let asked: Vec<String> = match form.get("scope") {
        Some(scope) => scope.split(' ').map(str::to_owned).collect(),
        None => known.scopes.clone(),
    };
    if asked.iter().any(|scope| !known.scopes.contains(scope)) {
        return Err(unknown_scope());
    }
    if !state.rotates {
        return Ok(issue(state, caller, asked, known.grant, None));
    }
    state.refresh.remove(token);
    let next = new_refresh_token(state, caller, &known.scopes, known.grant);
    Ok(issue(state, caller, asked, known.grant, Some(&next)))
}

/// RFC 7636 section 4.6; a verifier without a challenge is refused too (RFC 9700 section 2.1.1).
fn is_verified(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge
        }
        _ => false,
    }
}

fn new_refresh_token(state: &mut State, caller: &Caller, scopes: &[String], grant: u64) -> String {
    let token = state.material.alphanumerics(43);
    let refresh = Token {
        client_id: caller.client_id.clone(),
        scopes: scopes.to_vec(),
        grant,
        issued_at: state.clock.now(),
        expires_at: None,
    };
    state.refresh.insert(token.clone(), refresh);
    token
}

fn issue(
    state: &mut State,
    caller: &Caller,
    scopes: Vec<String>,
    grant: u64,
    refresh_token: Option<&str>,
) -> Reply {
    let access_token = state.material.alphanumerics(43);
    let issued_at = state.clock.now();
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": state.access_lifetime / 1_000,
        "scope": scopes.join(" "),
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    let expires_at = Some(issued_at.saturating_add(state.access_lifetime));
    let client_id = caller.client_id.clone();
    state.access.insert(access_token, Token { client_id, scopes, grant, issued_at, expires_at });
    Reply::json(200, &body)
}

fn unknown_scope() -> Reply {
    refusal::error("invalid_scope", "The scope is unknown or beyond what was granted")
}
