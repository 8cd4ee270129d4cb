//! The API below `/api/v1` and `/api/v2`: the organisation and its members, for a token with a scope for reading.

use serde_json::json;

use super::demo::DEMO_ORGANIZATION;
use super::refusal::message;
use super::state::{Access, State};
use crate::call::Call;
use crate::reply::{Reply, ReplyResult};

pub(super) fn answer(state: &State, call: &Call, path: &str) -> ReplyResult {
    let (version, rest) = match path.strip_prefix("/api/").and_then(|path| path.split_once("/organizations/"))
    {
        Some((version @ ("v1" | "v2"), rest)) => (version, rest),
        _ => return Err(message(404, "Not Found")),
    };
    let access = caller(state, call)?;
    let (slug, resource) =
        rest.split_once('/').map_or((rest, None), |(slug, resource)| (slug, Some(resource)));
    if slug != DEMO_ORGANIZATION {
        return Err(message(404, "Organization not found"));
    }
    match resource {
        None => organization(call, access),
        Some("members") => members(version, access),
        Some(_) => Err(message(404, "Not Found")),
    }
}

fn caller<'a>(state: &'a State, call: &Call) -> Result<&'a Access, Reply> {
    let unauthorized = || message(401, "Unauthorized");
    let token = call.bearer().ok_or_else(unauthorized)?;
    state.access.get(token).filter(|access| state.clock.now() < access.expires_at).ok_or_else(unauthorized)
}

/// The vendor's sample reads `regionInfo.regionUrl` here and continues at that URL with the same token (R-EX2).
fn organization(call: &Call, access: &Access) -> ReplyResult {
    if !access.scopes.iter().any(|scope| scope.ends_with(".read")) {
        return Err(message(403, "The token has no scope to read"));
    }
    let region = format!("{}/{}", call.origin, call.host);
    Ok(Reply::json(
        200,
        &json!({
            "_id": "5e0c1d2b3a4f5e6d7c8b9a00",
            "slug": DEMO_ORGANIZATION,
            "name": "Demo Space",
            "regionInfo": { "regionUrl": region },
        }),
    ))
}

fn members(version: &str, access: &Access) -> ReplyResult {
    let readable = ["officernd.api.read", "flex.community.members.read"];
    if !access.scopes.iter().any(|scope| readable.contains(&scope.as_str())) {
        return Err(message(403, "The token has no scope to read members"));
    }
    let members = json!([
        { "_id": "5e0c1d2b3a4f5e6d7c8b9a01", "name": "Ada Byron", "email": "ada@member.example" },
        { "_id": "5e0c1d2b3a4f5e6d7c8b9a02", "name": "Emil Post", "email": "emil@member.example" },
    ]);
    Ok(Reply::json(200, &if version == "v2" { json!({ "results": members }) } else { members }))
}
