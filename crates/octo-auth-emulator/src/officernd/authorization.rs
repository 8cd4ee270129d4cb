//! `/oauth/authorize`: the page of the flow in the vendor's samples. The callback has two extra parameters.

use super::demo::{DEMO_INTEGRATION, DEMO_ORGANIZATION};
use super::state::{Code, State};
use crate::call::Call;
use crate::consent::{self, Click, Question};
use crate::loopback::is_registered;
use crate::reply::{Reply, ReplyResult};

pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let click = consent::click(call)?;
    let page = |message: &str| consent::error_page(400, message);
    if call.query.get("response_type") != Some("code") {
        return Err(page("The response_type must be code."));
    }
    let client_id = call.query.get("client_id").ok_or_else(|| page("The parameter client_id is missing."))?;
    let redirect_uri =
        call.query.get("redirect_uri").ok_or_else(|| page("The parameter redirect_uri is missing."))?;
    let Some(application) = state.applications.get(client_id) else {
        return Err(page("No application has this client_id."));
    };
    if !is_registered(&application.redirect_uris, redirect_uri) {
        return Err(page("The redirect_uri is not registered for this application."));
    }
    let asked: Vec<String> =
        call.query.get("scope").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    if asked.iter().any(|scope| !application.permissions.contains(scope)) {
        return Err(page("The scope is beyond the permissions of the application."));
    }
    let scopes = if asked.is_empty() { application.permissions.iter().cloned().collect() } else { asked };
    let given_back = call.query.get("state").map(|value| ("state", value));
    let parameters: Vec<(&str, &str)> = match click {
        Click::Looked => return Ok(question(call, &application.name, &scopes, redirect_uri)),
        Click::Refused => [("error", "access_denied")].into_iter().chain(given_back).collect(),
        Click::Granted => {
            let code = issue(state, client_id, redirect_uri, scopes);
            let extras = [("org_slug", DEMO_ORGANIZATION), ("integrationId", DEMO_INTEGRATION)];
            let all: Vec<_> = [("code", code.as_str())].into_iter().chain(given_back).chain(extras).collect();
            return Ok(Reply::redirect(redirect_uri, &all));
        }
    };
    Ok(Reply::redirect(redirect_uri, &parameters))
}

fn issue(state: &mut State, client_id: &str, redirect_uri: &str, scopes: Vec<String>) -> String {
    let code = state.material.secret_hex(40);
    let issued = Code {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scopes,
        issued_at: state.clock.now(),
    };
    state.codes.insert(code.clone(), issued);
    code
}

fn question(call: &Call, application: &str, scopes: &[String], redirect_uri: &str) -> Reply {
    let account = format!("the organisation {DEMO_ORGANIZATION}");
    let question =
        Question { provider: "OfficeRND", application, account: &account, permissions: scopes, redirect_uri };
    consent::page(&question, call)
}
