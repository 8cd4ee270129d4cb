//! API CONFIGURATION: the settings that an application can read and change (OAS), with an ApiLogin token.

use serde_json::{Value, json};

use super::refusal;
use super::state::{Application, Reach, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

/// The members that a PATCH may contain besides `redirectUri` and `applicationName`.
const SETTINGS: [&str; 5] = ["environment", "category", "icon", "secretVisibility", "description"];

pub(super) fn read(state: &mut State, call: &Call) -> ReplyResult {
    let (client_id, left) = operator(state, call)?;
    let quota = state.quota;
    let application = state.applications.get(&client_id).ok_or_else(refusal::not_yours)?;
    Ok(answer(application, call, quota, left))
}

/// Replaces the members that the body names and keeps the others.
pub(super) fn write(state: &mut State, call: &Call) -> ReplyResult {
    let (client_id, left) = operator(state, call)?;
    if !call.is_json() {
        return Err(refusal::unsupported_media_type());
    }
    let malformed = || refusal::api_error(400, "JsonParseExemption", "The body is not a JSON object");
    let body = call.json().ok_or_else(malformed)?;
    let members = body.as_object().ok_or_else(malformed)?;
    let redirect_uris = members.get("redirectUri").map(redirect_list).transpose()?;
    let quota = state.quota;
    let application = state.applications.get_mut(&client_id).ok_or_else(refusal::not_yours)?;
    if let Some(uris) = redirect_uris {
        application.redirect_uris = uris;
    }
    if let Some(name) = members.get("applicationName").and_then(Value::as_str) {
        application.name = name.to_owned();
    }
    for name in SETTINGS {
        if let Some(value) = members.get(name) {
            application.settings.insert(name.to_owned(), value.clone());
        }
    }
    Ok(answer(application, call, quota, left))
}

/// Returns the new list: "All the links will be replaced with the new object. Set null to remove".
fn redirect_list(value: &Value) -> Result<Vec<String>, Reply> {
    let wrong = || refusal::about("$.redirectUri", "The redirect uri should start with 'https://'");
    if value.is_null() {
        return Ok(Vec::new());
    }
    let uri = |item: &Value| {
        item.as_str().filter(|uri| uri.starts_with("https://")).map(str::to_owned).ok_or_else(wrong)
    };
    value.as_array().ok_or_else(wrong)?.iter().map(uri).collect()
}

fn operator(state: &mut State, call: &Call) -> Result<(String, usize), Reply> {
    let (client_id, reach) = state.caller(call)?;
    let left = state.spend_quota(&client_id)?;
    if reach == Reach::Operations { Ok((client_id, left)) } else { Err(refusal::not_yours()) }
}

fn answer(application: &Application, call: &Call, quota: usize, left: usize) -> Reply {
    let identity_page = format!("{}/admin.octorate.com/octobook/identity/oauth.xhtml", call.origin);
    let mut body = json!({
        "applicationName": application.name,
        "environment": "SANDBOX",
        "redirectUri": application.redirect_uris,
        "active": true,
        "authMethod": "OAUTH2",
        "authorizationPages": [{
            "name": "Octorate Identity page",
            "description": "Where you should redirect the user to ask for grant",
            "url": identity_page,
        }],
        "quotaLimit": quota,
        "quotaStatus": application.calls_made(),
        "permissions": {
            "accommodation": if application.read_only { "READONLY" } else { "READWRITE" },
            "license": "NONE",
            "cardDetail": "NONE",
            "content": "READONLY",
            "reservation": "READWRITE",
        },
        "maintenance": false,
    });
    for (name, value) in &application.settings {
        body[name] = value.clone();
    }
    Reply::json(200, &body).header("x-ratelimit-remaining", &left.to_string())
}
