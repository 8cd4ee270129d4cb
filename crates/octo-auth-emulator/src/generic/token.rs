//! `/token`: client credentials, authorization code with PKCE, refresh (RFC 6749 sections 4.1.3, 4.4, 6; RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::client::{self, Caller};
use super::scopes::scopes;
use super::state::{Code, OWN_GRANT, State};
use super::{access, family, refusal};
use crate::call::{Call, Fields};
use crate::reply::ReplyResult;

/// The lifetime of a code, in milliseconds.
const CODE_LIFETIME: i64 = 60_000;

pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
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

fn client_credentials(state: &mut State, form: &Fields, caller: &Caller) -> ReplyResult {
    let scopes = scopes(form.get("scope")).ok_or_else(refusal::invalid_scope)?;
    Ok(access::issue(state, caller, scopes, OWN_GRANT, None))
}

fn authorization_code(state: &mut State, form: &Fields, caller: &Caller) -> ReplyResult {
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
    Ok(access::issue(state, caller, scopes, grant, Some(&refresh_token)))
}

/// Checks the verifier (RFC 7636 section 4.6). A verifier without a challenge is also refused (RFC 9700 section 2.1.1).
fn is_verified(code: &Code, verifier: Option<&str>) -> bool {
    match (&code.challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge
        }
        _ => false,
    }
}
