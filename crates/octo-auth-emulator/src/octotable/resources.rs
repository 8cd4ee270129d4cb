//! The resources, which need `Authorization: Bearer` and the header `Property`; answers are wrapped in `{"data":[…]}`.

use serde_json::json;

use super::refusal::{bad_request, refuse, unauthorized};
use super::state::{Client, Property, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

pub(super) fn properties(state: &State, call: &Call) -> ReplyResult {
    let client = caller(state, call)?;
    let data: Vec<_> = client.properties.iter().map(Property::to_json).collect();
    Ok(Reply::json(200, &json!({ "data": data })))
}

/// A new sandbox has two services (NOV).
pub(super) fn services(state: &State, call: &Call) -> ReplyResult {
    caller(state, call)?;
    Ok(Reply::json(200, &json!({ "data": [{ "id": 1, "name": "Lunch" }, { "id": 2, "name": "Dinner" }] })))
}

/// Returns the client of the token, if the `Property` header names one of its properties.
fn caller<'a>(state: &'a State, call: &Call) -> Result<&'a Client, Reply> {
    let token = call.bearer().ok_or_else(|| unauthorized("The access token is missing."))?;
    let invalid = || unauthorized("The access token is not valid or has expired.");
    let access =
        state.access.get(token).filter(|access| state.clock.now() < access.expires_at).ok_or_else(invalid)?;
    let client = state.clients.get(&access.client_id).ok_or_else(invalid)?;
    let property = call
        .header("property")
        .filter(|sent| !sent.is_empty())
        .ok_or_else(|| bad_request("The header Property is required."))?;
    if !client.properties.iter().any(|known| known.id.to_string() == property) {
        return Err(refuse(
            403,
            "FORBIDDEN",
            "The property belongs to another client.",
            "ForbiddenException",
        ));
    }
    Ok(client)
}
