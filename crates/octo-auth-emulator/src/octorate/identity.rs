//! The token endpoints: `/identity/token`, `/identity/refresh`, `/identity/apilogin`, `/identity/migrate`.

use serde_json::{Value, json};

use super::refusal;
use super::state::{Expiry, Reach, State};
use crate::call::{Call, Fields};
use crate::clock::iso_date;
use crate::reply::{Reply, ReplyResult};

/// The lifetime of a code, in milliseconds (S2: "maximum one minute").
const CODE_LIFETIME: i64 = 60_000;

/// Exchanges a code once, within a minute, with the redirect URI of the authorization request.
pub(super) fn token(state: &mut State, call: &Call) -> ReplyResult {
    let form = form(call)?;
    let client_id = authenticate(state, &form)?;
    let grant_type = required(&form, "grant_type")?;
    let code = required(&form, "code")?;
    let redirect_uri = required(&form, "redirect_uri")?;
    if grant_type != "code" {
        return Err(refusal::about("grant_type", "The grant type is not supported, please use 'code'"));
    }
    let spent = || refusal::about("code", "The code is not valid, was used or has expired");
    if state.codes.get(code).is_none_or(|known| known.client_id != client_id) {
        return Err(spent());
    }
    let issued = state.codes.remove(code).ok_or_else(spent)?;
    if state.clock.now() - issued.issued_at > CODE_LIFETIME {
        return Err(spent());
    }
    if issued.redirect_uri != redirect_uri {
        return Err(refusal::about("redirect_uri", "The redirect uri is not the one of the authorization"));
    }
    let grant = state.open_grant(client_id, &issued.property);
    Ok(full_answer(state, client_id, grant))
}

/// Refreshes the access token. The refresh token stays, unless rotation was switched on.
pub(super) fn refresh(state: &mut State, call: &Call) -> ReplyResult {
    let form = form(call)?;
    let client_id = authenticate(state, &form)?;
    let refresh_token = required(&form, "refresh_token")?;
    let owned = state.grants.iter().find(|(_, grant)| {
        grant.client_id == client_id && grant.refresh_token.as_deref() == Some(refresh_token)
    });
    let Some((&grant, _)) = owned else {
        return Err(refusal::about("refresh_token", "The refresh token is not valid or was cancelled"));
    };
    if !state.rotates {
        let (access_token, expires_at) = state.issue_access(client_id, Reach::Properties(grant));
        return Ok(Reply::json(200, &token_answer(state, &access_token, expires_at)));
    }
    let next = state.new_refresh_token();
    if let Some(grant) = state.grants.get_mut(&grant) {
        grant.refresh_token = Some(next);
    }
    Ok(full_answer(state, client_id, grant))
}

/// ApiLogin: a token for administration, without a refresh token (S2 case 2). It has no grant type.
pub(super) fn api_login(state: &mut State, call: &Call) -> ReplyResult {
    let form = form(call)?;
    let client_id = authenticate(state, &form)?;
    let (access_token, expires_at) = state.issue_access(client_id, Reach::Operations);
    Ok(Reply::json(200, &token_answer(state, &access_token, expires_at)))
}

/// Exchanges the api key of the old method for tokens, once for each property (OAS).
pub(super) fn migrate(state: &mut State, call: &Call) -> ReplyResult {
    let form = form(call)?;
    let missing = || refusal::api_error(401, "ApiKeyMissing", "The header key is missing");
    let key = call.header("key").ok_or_else(missing)?;
    let holder = state.applications.iter_mut().find(|(_, application)| application.api_key == key);
    let Some((client_id, application)) = holder else {
        return Err(refusal::api_error(401, "ApiKeyInvalid", "The api key is not valid"));
    };
    let property = required(&form, "accommodation")?;
    if state.properties.get(property).is_none_or(|known| known.client_id != *client_id) {
        return Err(refusal::not_yours());
    }
    if !application.migrated.insert(property.to_owned()) {
        return Err(refusal::about("accommodation", "This property was migrated already"));
    }
    let client_id = client_id.clone();
    let grant = state.open_grant(&client_id, property);
    Ok(full_answer(state, &client_id, grant))
}

fn form(call: &Call) -> Result<Fields, Reply> {
    call.form().ok_or_else(refusal::unsupported_media_type)
}

fn required<'a>(form: &'a Fields, name: &str) -> Result<&'a str, Reply> {
    form.get(name).ok_or_else(|| refusal::about(name, "The parameter is missing"))
}

/// Checks the credentials in the form; an `Authorization` header is ignored here.
fn authenticate<'a>(state: &State, form: &'a Fields) -> Result<&'a str, Reply> {
    let client_id = required(form, "client_id")?;
    let client_secret = required(form, "client_secret")?;
    match state.applications.get(client_id) {
        Some(application) if application.secret == client_secret => Ok(client_id),
        _ => Err(refusal::wrong_credentials()),
    }
}

/// Answers with an access token for a grant and with the grant's refresh token.
fn full_answer(state: &mut State, client_id: &str, grant: u64) -> Reply {
    let (access_token, expires_at) = state.issue_access(client_id, Reach::Properties(grant));
    let mut answer = token_answer(state, &access_token, expires_at);
    answer["refresh_token"] =
        json!(state.grants.get(&grant).and_then(|grant| grant.refresh_token.as_deref()));
    Reply::json(200, &answer)
}

/// `OAuthToken2` of OAS: without a token type, and with the expiry members that the test has set.
fn token_answer(state: &State, access_token: &str, expires_at: i64) -> Value {
    let mut answer = json!({ "access_token": access_token });
    if state.expiry != Expiry::Seconds {
        answer["expireDate"] = json!(iso_date(expires_at));
    }
    if state.expiry != Expiry::Date {
        answer["expires_in"] = json!((expires_at - state.clock.now()) / 1_000);
    }
    answer
}
