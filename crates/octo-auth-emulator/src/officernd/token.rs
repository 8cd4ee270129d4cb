//! `POST /oauth/token`: client credentials, authorization code, refresh; at most five requests a minute.

use serde_json::json;

use super::state::{Access, Refresh, State};
use crate::call::{Call, Fields};
use crate::reply::{Reply, ReplyResult};

/// The lifetime of a code, in milliseconds.
const CODE_LIFETIME: i64 = 60_000;

pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let form = call.form();
    let client_id = form.as_ref().and_then(|form| form.get("client_id")).unwrap_or_default();
    if !state.admit(client_id) {
        return Err(Reply::text(429, "Too many requests, please try again later"));
    }
    let wrong_type =
        || refuse("invalid_request", "The content type must be application/x-www-form-urlencoded");
    let form = form.as_ref().ok_or_else(wrong_type)?;
    let client_id = authenticate(state, form)?;
    match form.get("grant_type") {
        Some("client_credentials") => client_credentials(state, form, client_id),
        Some("authorization_code") => authorization_code(state, form, client_id),
        Some("refresh_token") => refresh(state, form, client_id),
        Some(_) => Err(refuse("unsupported_grant_type", "The grant type is not supported")),
        None => Err(refuse("invalid_request", "The field grant_type is missing")),
    }
}

/// Checks the credentials in the form; an `Authorization` header is ignored here.
fn authenticate<'a>(state: &State, form: &'a Fields) -> Result<&'a str, Reply> {
    let missing = |name: &str| refuse("invalid_request", &format!("The field {name} is missing"));
    let client_id = form.get("client_id").ok_or_else(|| missing("client_id"))?;
    let client_secret = form.get("client_secret").ok_or_else(|| missing("client_secret"))?;
    match state.applications.get(client_id) {
        Some(application) if application.secret == client_secret => Ok(client_id),
        _ => Err(error(401, "invalid_client", "The client credentials are invalid")),
    }
}

fn client_credentials(state: &mut State, form: &Fields, client_id: &str) -> ReplyResult {
    let scopes = scopes(form);
    if scopes.is_empty() {
        return Err(refuse("invalid_scope", "A token request must include a scope"));
    }
    let application = state.applications.get(client_id);
    if !application
        .is_some_and(|application| scopes.iter().all(|scope| application.permissions.contains(scope)))
    {
        return Err(refuse("invalid_scope", "The scope is beyond the permissions of the application"));
    }
    Ok(issue(state, client_id, scopes, None))
}

fn authorization_code(state: &mut State, form: &Fields, client_id: &str) -> ReplyResult {
    let invalid = || refuse("invalid_grant", "The code is not valid, was used or has expired");
    let code = form.get("code").ok_or_else(|| refuse("invalid_request", "The field code is missing"))?;
    if state.codes.get(code).is_none_or(|known| known.client_id != client_id) {
        return Err(invalid());
    }
    let issued = state.codes.remove(code).ok_or_else(invalid)?;
    if state.clock.now() - issued.issued_at > CODE_LIFETIME {
        return Err(invalid());
    }
    if form.get("redirect_uri") != Some(issued.redirect_uri.as_str()) {
        return Err(refuse("invalid_grant", "The redirect URI is not the one of the authorization"));
    }
    let scopes = narrowed(form, &issued.scopes)?;
    let refresh = Refresh { client_id: client_id.to_owned(), scopes: issued.scopes };
    Ok(issue(state, client_id, scopes, Some(refresh)))
}

fn refresh(state: &mut State, form: &Fields, client_id: &str) -> ReplyResult {
    let missing = || refuse("invalid_request", "The field refresh_token is missing");
    let token = form.get("refresh_token").ok_or_else(missing)?;
    let known = state.refresh.get(token).filter(|known| known.client_id == client_id).cloned();
    let known = known.ok_or_else(|| refuse("invalid_grant", "The refresh token is invalid"))?;
    let scopes = narrowed(form, &known.scopes)?;
    state.refresh.remove(token);
    Ok(issue(state, client_id, scopes, Some(known)))
}

/// Returns the requested scopes, in order; any white space separates them.
fn scopes(form: &Fields) -> Vec<String> {
    form.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Returns the requested scopes if they are within the granted ones, or all granted ones if none was requested.
fn narrowed(form: &Fields, granted: &[String]) -> Result<Vec<String>, Reply> {
    let asked = scopes(form);
    if asked.iter().any(|scope| !granted.contains(scope)) {
        return Err(refuse("invalid_scope", "The scope is beyond what was granted"));
    }
    Ok(if asked.is_empty() { granted.to_vec() } else { asked })
}

fn issue(state: &mut State, client_id: &str, scopes: Vec<String>, refresh: Option<Refresh>) -> Reply {
    let access_token = state.material.secret_hex(40);
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": state.access_lifetime / 1_000,
        "scope": scopes.join(" "),
    });
    if let Some(refresh) = refresh {
        let refresh_token = state.material.secret_hex(40);
        body["refresh_token"] = json!(refresh_token);
        state.refresh.insert(refresh_token, refresh);
    }
    let expires_at = state.clock.now().saturating_add(state.access_lifetime);
    state.access.insert(access_token, Access { client_id: client_id.to_owned(), scopes, expires_at });
    Reply::json(200, &body)
}

fn refuse(code: &str, description: &str) -> Reply {
    error(400, code, description)
}

fn error(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": code, "error_description": description }))
}
