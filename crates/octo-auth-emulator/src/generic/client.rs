//! Client authentication by HTTP Basic or in the body (RFC 6749 section 2.3.1), never by both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::refusal;
use super::state::State;
use crate::call::{Call, Fields};
use crate::reply::Reply;

/// The client behind a request.
pub(super) struct Caller {
    pub(super) client_id: String,
    /// Whether it authenticated with a secret; a public client cannot.
    pub(super) confidential: bool,
}

/// Identifies the client. A public client is identified only by its `client_id` in the body.
pub(super) fn identify(state: &State, call: &Call, form: &Fields) -> Result<Caller, Reply> {
    let tried_basic = call.authorization("Basic").is_some();
    let (client_id, secret) = match (call.authorization("Basic"), form.get("client_secret")) {
        (Some(_), Some(_)) => {
            return Err(refusal::invalid_request("The client authenticates in two ways at once"));
        }
        (Some(encoded), None) => {
            let (client_id, secret) = decode_basic(encoded).ok_or_else(|| refusal::invalid_client(true))?;
            if form.get("client_id").is_some_and(|named| named != client_id) {
                return Err(refusal::invalid_request("The body names another client than the header"));
            }
            (client_id, Some(secret))
        }
        (None, secret) => {
            let client_id = form.get("client_id").ok_or_else(|| refusal::invalid_client(false))?;
            (client_id.to_owned(), secret.map(str::to_owned))
        }
    };
    let known = state.clients.get(&client_id).filter(|client| client.secret == secret);
    let known = known.ok_or_else(|| refusal::invalid_client(tried_basic))?;
    Ok(Caller { confidential: known.secret.is_some(), client_id })
}

/// As [`identify`], for endpoints that a public client must not use.
pub(super) fn authenticate(state: &State, call: &Call, form: &Fields) -> Result<Caller, Reply> {
    let caller = identify(state, call, form)?;
    if caller.confidential { Ok(caller) } else { Err(refusal::invalid_client(false)) }
}

/// Returns the form of a request, which must be a form and must repeat no parameter (RFC 6749 section 3.2).
pub(super) fn form(call: &Call) -> Result<Fields, Reply> {
    let wrong = || refusal::invalid_request("The content type must be application/x-www-form-urlencoded");
    let form = call.form().ok_or_else(wrong)?;
    match form.repeated() {
        Some(name) => Err(refusal::invalid_request(&format!("The parameter {name} is repeated"))),
        None => Ok(form),
    }
}

/// Returns the client id and secret, each form-decoded after base64. The first colon separates them.
fn decode_basic(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (client_id, secret) = decoded.split_once(':')?;
    Some((form_decode(client_id), form_decode(secret)))
}

/// Decodes one form-encoded value. A raw `&` does not split it.
fn form_decode(value: &str) -> String {
    let pair = format!("value={}", value.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
