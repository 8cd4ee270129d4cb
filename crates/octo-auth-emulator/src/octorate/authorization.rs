//! The Octorate Identity page, at which a property's owner grants access to an application (S2, case 1, step 1).

use super::state::{Code, State};
use crate::call::Call;
use crate::consent::{self, Click, Question};
use crate::reply::{Reply, ReplyResult};

const PARAMETERS: [&str; 3] = ["client_id", "redirect_uri", "state"];

/// Shows the page or handles its answer. An error of the request is shown on a page and never redirected.
pub(super) fn answer(state: &mut State, call: &Call) -> ReplyResult {
    let click = consent::click(call)?;
    let (client_id, redirect_uri) = check(state, call)?;
    let given_back = call.query.get("state").map(|value| ("state", value));
    match click {
        Click::Looked => question(state, call, client_id, redirect_uri),
        Click::Granted => {
            let code = state.material.secret_hex(64);
            let issued = Code {
                client_id: client_id.to_owned(),
                redirect_uri: redirect_uri.to_owned(),
                property: state.visitor.clone(),
                issued_at: state.clock.now(),
            };
            state.codes.insert(code.clone(), issued);
            let parameters: Vec<_> = [("code", code.as_str())].into_iter().chain(given_back).collect();
            Ok(Reply::redirect(redirect_uri, &parameters))
        }
        Click::Refused => {
            let parameters: Vec<_> = [("error", "access_denied")].into_iter().chain(given_back).collect();
            Ok(Reply::redirect(redirect_uri, &parameters))
        }
    }
}

fn check<'a>(state: &State, call: &'a Call) -> Result<(&'a str, &'a str), Reply> {
    if let Some(other) = call.query.other_than(&PARAMETERS) {
        let message =
            format!("The parameter {other} is unknown here: client_id, redirect_uri and state are all.");
        return Err(consent::error_page(400, &message));
    }
    if let Some(name) = call.query.repeated() {
        return Err(consent::error_page(400, &format!("The parameter {name} was sent twice.")));
    }
    let missing = |name: &str| consent::error_page(400, &format!("The parameter {name} is missing."));
    let client_id = call.query.get("client_id").ok_or_else(|| missing("client_id"))?;
    let redirect_uri = call.query.get("redirect_uri").ok_or_else(|| missing("redirect_uri"))?;
    let Some(application) = state.applications.get(client_id) else {
        return Err(consent::error_page(400, "No application has this client_id."));
    };
    if !redirect_uri.starts_with("https://") {
        return Err(consent::error_page(400, "The redirect_uri must start with https://."));
    }
    if !application.redirect_uris.iter().any(|known| known == redirect_uri) {
        let message =
            "The redirect_uri is not registered for this application; it is compared byte for byte.";
        return Err(consent::error_page(400, message));
    }
    Ok((client_id, redirect_uri))
}

fn question(state: &State, call: &Call, client_id: &str, redirect_uri: &str) -> ReplyResult {
    let property = state.properties.get(&state.visitor).map_or("", |property| property.name.as_str());
    let application = state.applications.get(client_id).map_or("", |application| application.name.as_str());
    let permissions =
        ["read and write the data of this property", "keep this access until you disconnect it"];
    Ok(consent::page(
        &Question {
            provider: "Octorate",
            application,
            account: &format!("the property {property} ({})", state.visitor),
            permissions: &permissions.map(str::to_owned),
            redirect_uri,
        },
        call,
    ))
}
