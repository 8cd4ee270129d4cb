//! Properties: the list that a token may see, the reservations of one, and onboarding of a new one.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::refusal;
use super::state::{Reach, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

/// "All the properties with ApiOperations, Only token properties with OAuthLogin" (OAS).
pub(super) fn list(state: &mut State, call: &Call) -> ReplyResult {
    let (client_id, reach, left) = admit(state, call)?;
    let visible = state.properties.iter().filter(|(id, _)| match reach {
        Reach::Operations => state.is_open_to(&client_id, id),
        Reach::Properties(_) => state.reaches(reach, id),
    });
    let data: Vec<Value> = visible
        .map(|(id, property)| json!({ "id": id, "name": property.name, "email": property.email }))
        .collect();
    Ok(counted(Reply::json(200, &json!({ "data": data })), left))
}

/// Returns the reservations of one property: for a token of that property, or an ApiLogin token from a whitelisted
/// address.
pub(super) fn reservations(state: &mut State, call: &Call, property: &str) -> ReplyResult {
    let (client_id, reach, left) = admit(state, call)?;
    let open = reach == Reach::Operations && state.is_open_to(&client_id, property);
    let by_address = open && is_allowed(state, &client_id, call.peer);
    if !by_address && !state.reaches(reach, property) {
        return Err(counted(refusal::not_yours(), left));
    }
    Ok(counted(Reply::json(200, &json!({ "data": [], "accommodation": property })), left))
}

/// Creates a property with an ApiLogin token and answers with the refresh token to import, without an access token.
pub(super) fn create(state: &mut State, call: &Call) -> ReplyResult {
    let (client_id, reach, left) = admit(state, call)?;
    if reach != Reach::Operations {
        return Err(counted(refusal::not_yours(), left));
    }
    if state.applications.get(&client_id).is_some_and(|application| application.read_only) {
        return Err(counted(refusal::not_in_role(), left));
    }
    if !call.is_json() {
        return Err(refusal::unsupported_media_type());
    }
    let malformed = || refusal::api_error(400, "JsonParseExemption", "The body is not a JSON object");
    let body = call.json().filter(Value::is_object).ok_or_else(malformed)?;
    let text = |name: &str| body[name].as_str().filter(|value| !value.is_empty());
    let name = text("name").ok_or_else(|| refusal::about("$.name", "The name is missing"))?;
    let email = text("email").unwrap_or_default();
    if let Some((id, _)) = state.properties.iter().find(|(_, p)| !email.is_empty() && p.email == email) {
        return Err(counted(Reply::json(412, &json!({ "status": "existing", "id": id })), left));
    }
    let answer = match text("networkName") {
        Some(network) => join_network(state, &client_id, network, name, email)?,
        None => stand_alone(state, &client_id, name, email),
    };
    Ok(counted(Reply::json(200, &answer), left))
}

/// Returns the client, the reach of the token, and the count of remaining calls. Refuses calls from the wrong
/// environment.
fn admit(state: &mut State, call: &Call) -> Result<(String, Reach, usize), Reply> {
    let (client_id, reach) = state.caller(call)?;
    let left = state.spend_quota(&client_id)?;
    if state.environment_mismatch {
        return Err(counted(refusal::wrong_environment(), left));
    }
    Ok((client_id, reach, left))
}

fn stand_alone(state: &mut State, client_id: &str, name: &str, email: &str) -> Value {
    let id = state.new_property_id();
    state.add_property(client_id, &id, name, email);
    let grant = state.open_grant(client_id, &id);
    let refresh_token = state.grants.get(&grant).and_then(|grant| grant.refresh_token.clone());
    json!({ "status": "CREATED_ACCOMMODATION", "id": id, "refresh_token": refresh_token })
}

/// "You will get the same refresh token with that property added" (OAS). A cancelled refresh token is replaced by a new
/// one.
fn join_network(
    state: &mut State,
    client_id: &str,
    network: &str,
    name: &str,
    email: &str,
) -> Result<Value, Reply> {
    let unknown = || refusal::about("$.networkName", "Master account not found or invalid");
    let grant = state.applications.get(client_id).and_then(|application| application.networks.get(network));
    let grant = *grant.ok_or_else(unknown)?;
    let id = state.new_property_id();
    state.add_property(client_id, &id, name, email);
    let spare = state.new_refresh_token();
    let grant = state.grants.get_mut(&grant).ok_or_else(unknown)?;
    grant.properties.insert(id.clone());
    let refresh_token = grant.refresh_token.get_or_insert(spare);
    Ok(json!({
        "status": "created",
        "id": id,
        "refresh_token": refresh_token,
        "refresh_properties": grant.properties,
    }))
}

/// Whether the connection comes from an address that is whitelisted for the application's IP authentication; IPv4 only
/// (S2).
fn is_allowed(state: &State, client_id: &str, peer: IpAddr) -> bool {
    let IpAddr::V4(peer) = peer else { return false };
    let application = state.applications.get(client_id);
    application.is_some_and(|application| application.addresses.iter().any(|block| block.contains(&peer)))
}

fn counted(reply: Reply, left: usize) -> Reply {
    reply.header("x-ratelimit-remaining", &left.to_string())
}
