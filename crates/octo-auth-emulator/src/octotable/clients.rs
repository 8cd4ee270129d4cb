//! `POST …/api-account/oauth2/client`: creates clients without authentication (S4, NOV).
//!
//! The body is the nested object of S4, or an array of such objects. The answer contains the client secret and the
//! password in plain text, like the provider's.

use serde_json::{Value, json};

use super::refusal::{bad_request, refuse, unsupported_media_type};
use super::state::{Property, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

/// One element of the body.
struct Wish<'a> {
    redirect_uri: &'a str,
    name: &'a str,
    username: &'a str,
    password: &'a str,
    position: Value,
}

pub(super) fn create(state: &mut State, call: &Call) -> ReplyResult {
    if !call.is_json() {
        return Err(unsupported_media_type());
    }
    let body = call.json().ok_or_else(|| bad_request("The body is not JSON."))?;
    let items = body.as_array().map_or(std::slice::from_ref(&body), Vec::as_slice);
    if items.is_empty() {
        return Err(bad_request("The list is empty."));
    }
    let wishes = items.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    for (before, wish) in wishes.iter().enumerate() {
        let known = state.clients.values().any(|client| client.username == wish.username);
        if known || wishes[..before].iter().any(|other| other.username == wish.username) {
            return Err(refuse(409, "CONFLICT", "The username is taken.", "ConflictException"));
        }
    }
    let data: Vec<Value> = wishes.iter().map(|wish| fulfil(state, wish)).collect();
    Ok(Reply::json(201, &json!({ "data": data })))
}

/// Reads the minimum of S4: redirect URI, name, e-mail, user name, password.
fn read(item: &Value) -> Result<Wish<'_>, Reply> {
    let property = &item["sandbox_property"];
    let position = property.get("position").filter(|position| position.is_object());
    required(property, "email")?;
    Ok(Wish {
        redirect_uri: required(item, "redirect_uri")?,
        name: required(property, "name")?,
        username: required(property, "username")?,
        password: required(property, "password")?,
        position: position.cloned().unwrap_or_else(|| json!({})),
    })
}

fn required<'a>(holder: &'a Value, name: &str) -> Result<&'a str, Reply> {
    let text = holder[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| bad_request(&format!("The field {name} is required.")))
}

fn fulfil(state: &mut State, wish: &Wish<'_>) -> Value {
    let registration = state.add_client(wish.username, wish.name, wish.position.clone());
    let client = state.clients.get(&registration.client_id);
    json!({
        "client_id": registration.client_id,
        "client_secret": registration.client_secret,
        "id": client.map(|client| client.id),
        "username": wish.username,
        "password": wish.password,
        "properties": client.map(|c| c.properties.iter().map(Property::to_json).collect::<Vec<_>>()),
        "redirect_uri": wish.redirect_uri,
    })
}
