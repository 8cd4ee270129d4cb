//! `/authorize`: the page at which a person grants or refuses (RFC 6749 section 4.1.1).
//!
//! Without a known client and redirect URI there is no redirect. Every later error is redirected to the client with
//! `state` and `iss` (RFC 6749 section 4.1.2.1, RFC 9207).

use super::scopes::scopes;
use super::state::{Code, State};
use crate::call::Call;
use crate::consent::{self, Click, Question};
use crate::loopback::is_registered;
use crate::reply::{Reply, ReplyResult};

/// The checked part of a request, which can be granted.
struct Request<'a> {
    client_id: &'a str,
    redirect_uri: &'a str,
    scopes: Vec<String>,
    challenge: Option<String>,
}

pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let click = consent::click(call)?;
    let (client_id, redirect_uri) = addressee(state, call)?;
    let request = match read(state, call, client_id, redirect_uri) {
        Ok(request) => request,
        Err((error, reason)) => {
            return Err(back(call, redirect_uri, &[("error", error), ("error_description", reason)]));
        }
    };
    match click {
        Click::Looked => Ok(question(state, call, &request)),
        Click::Refused => Ok(back(call, redirect_uri, &[("error", "access_denied")])),
        Click::Granted => {
            let code = issue(state, request);
            Ok(back(call, redirect_uri, &[("code", &code)]))
        }
    }
}

/// Returns the client and the redirect URI. An error here is shown and never redirected (section 4.1.2.1).
fn addressee<'a>(state: &State, call: &'a Call) -> Result<(&'a str, &'a str), Reply> {
    let page = |message: &str| consent::error_page(400, message);
    if let Some(name) = call.query.repeated() {
        return Err(page(&format!("The parameter {name} was sent twice.")));
    }
    let client_id = call.query.get("client_id").ok_or_else(|| page("The parameter client_id is missing."))?;
    let redirect_uri =
        call.query.get("redirect_uri").ok_or_else(|| page("The parameter redirect_uri is missing."))?;
    let client = state.clients.get(client_id).ok_or_else(|| page("No client has this client_id."))?;
    if is_registered(&client.redirect_uris, redirect_uri) {
        Ok((client_id, redirect_uri))
    } else {
        Err(page("The redirect_uri is not registered for this client."))
    }
}

fn read<'a>(
    state: &State,
    call: &'a Call,
    client_id: &'a str,
    redirect_uri: &'a str,
) -> Result<Request<'a>, (&'static str, &'static str)> {
    if call.query.get("response_type") != Some("code") {
        return Err(("unsupported_response_type", "The response_type must be code"));
    }
    let challenge = call.query.get("code_challenge").map(str::to_owned);
    let public = state.clients.get(client_id).is_some_and(|client| client.secret.is_none());
    if public && challenge.is_none() {
        return Err(("invalid_request", "A public client must send a code_challenge"));
    }
    if challenge.is_some() && call.query.get("code_challenge_method") != Some("S256") {
        return Err(("invalid_request", "The code_challenge_method must be S256"));
    }
    let scopes = scopes(call.query.get("scope")).ok_or(("invalid_scope", "The scope is unknown"))?;
    Ok(Request { client_id, redirect_uri, scopes, challenge })
}

fn question(state: &State, call: &Call, request: &Request<'_>) -> Reply {
    let application = state.clients.get(request.client_id).map_or("", |client| client.name.as_str());
    let question = Question {
        provider: "auth.example",
        application,
        account: "your account",
        permissions: &request.scopes,
        redirect_uri: request.redirect_uri,
    };
    consent::page(&question, call)
}

fn issue(state: &mut State, request: Request<'_>) -> String {
    let code = state.material.secret_alphanumerics(43);
    let issued = Code {
        client_id: request.client_id.to_owned(),
        redirect_uri: request.redirect_uri.to_owned(),
        scopes: request.scopes,
        challenge: request.challenge,
        issued_at: state.clock.now(),
        redeemed: None,
    };
    state.codes.insert(code.clone(), issued);
    code
}

fn back(call: &Call, redirect_uri: &str, parameters: &[(&str, &str)]) -> Reply {
    let issuer = format!("{}/auth.example", call.origin);
    let given_back = call.query.get("state").map(|value| ("state", value));
    let all: Vec<_> =
        parameters.iter().copied().chain(given_back).chain([("iss", issuer.as_str())]).collect();
    Reply::redirect(redirect_uri, &all)
}
