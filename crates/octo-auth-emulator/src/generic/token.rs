//! `/token`: client credentials, authorization code with PKCE, refresh (RFC 6749 sections 4.1.3, 4.4, 6; RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::authorization::scopes;
use super::client::{self, Caller};
use super::state::{Code, OWN_GRANT, State, Token};
use super::{family, refusal};
use crate::call::{Call, Fields};
use crate::reply::{Outcome, Reply};

/// What a token answer says of the access token's lifetime, in `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AnnouncedLifetime {
    /// What is left of it, in whole seconds.
    #[default]
    Actual,
    /// Nothing: the member is missing, which RFC 6749 section 5.1 allows.
    Omitted,
    /// So many seconds, whatever is true; zero and less are sent as they are.
    Seconds(i64),
}

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
        Some("refresh_token") => family::refresh(state, &form, &caller),
        Some(_) => Err(refusal::error("unsupported_grant_type", "The grant type is not supported")),
        None => Err(refusal::invalid_request("The parameter grant_type is missing")),
    }
}

fn client_credentials(state: &mut State, form: &Fields, caller: &Caller) -> Outcome {
    let scopes = scopes(form.get("scope")).ok_or_else(unknown_scope)?;
    Ok(issue(state, caller, scopes, OWN_GRANT, None))
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
    let refresh_token = family::new_refresh_token(state, &caller.client_id, &scopes, grant);
    Ok(issue(state, caller, scopes, grant, Some(&refresh_token)))
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

/// Answers with an access token under a grant, and with a refresh token if there is one to hand over.
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

/// The valid access token that stands for a new one, and when it expires; the one that lives longest, if there are
/// several.
fn repeated(state: &State, new: &Token) -> Option<(String, i64)> {
    let same = |old: &Token| {
        (&old.client_id, &old.scopes, old.grant) == (&new.client_id, &new.scopes, new.grant)
            && state.is_good(old)
    };
    let valid = state.access.iter().filter(|(_, old)| state.repeats && same(old));
    let expiring = valid.filter_map(|(token, old)| Some((old.expires_at?, token)));
    expiring.max().map(|(expires_at, token)| (token.clone(), expires_at))
}

pub(super) fn unknown_scope() -> Reply {
    refusal::error("invalid_scope", "The scope is unknown or beyond what was granted")
}
