//! `POST …/oauth2/token`: client credentials in a form, answered with `type` instead of `token_type`.

use serde_json::json;

use super::refusal::{bad_request, unauthorized, unsupported_media_type};
use super::state::{Access, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let form = call.form().ok_or_else(unsupported_media_type)?;
    let required =
        |name: &str| form.get(name).ok_or_else(|| bad_request(&format!("The field {name} is required.")));
    let grant_type = required("grant_type")?;
    let client_id = required("client_id")?;
    let client_secret = required("client_secret")?;
    if grant_type != "client_credentials" {
        return Err(bad_request("The grant type must be client_credentials."));
    }
    if state.clients.get(client_id).is_none_or(|client| client.secret != client_secret) {
        return Err(unauthorized("The client credentials are not valid."));
    }
    let access_token = state.material.secret_hex(64);
    let expires_at = state.clock.now().saturating_add(state.access_lifetime);
    state.access.insert(access_token.clone(), Access { client_id: client_id.to_owned(), expires_at });
    let body = json!({ "access_token": access_token, "expires_in": state.expires_in, "type": "Bearer" });
    Ok(Reply::json(200, &body))
}
