//! Refresh tokens and their family: all tokens of one consent (RFC 6749 section 6, RFC 9700 section 4.14.2).
//!
//! The server remembers a replaced refresh token, to distinguish it from a token that it never issued. Use of a
//! replaced token means that two parties have the family, so the family ends. Use of an unknown token has no effect.

use super::client::Caller;
use super::scopes::SCOPES;
use super::state::{Rotation, State, Token};
use super::{access, refusal};
use crate::call::Fields;
use crate::reply::ReplyResult;

/// The error of a refresh token that could not be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// No client has this `client_id`.
    #[error("no client has the client_id {0}: register it first")]
    UnknownClient(String),
    /// The server has no such scope.
    #[error("the scope {0} is unknown: choose from generic::SCOPES")]
    UnknownScope(String),
}

/// Starts a family with its first refresh token.
pub(super) fn begin(state: &mut State, client_id: &str, scopes: &[&str]) -> Result<String, GrantError> {
    if !state.clients.contains_key(client_id) {
        return Err(GrantError::UnknownClient(client_id.to_owned()));
    }
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(scope)) {
        return Err(GrantError::UnknownScope((*unknown).to_owned()));
    }
    let granted = if scopes.is_empty() { &SCOPES[..1] } else { scopes };
    let granted: Vec<String> = granted.iter().map(|&scope| scope.to_owned()).collect();
    let grant = state.new_grant();
    Ok(new_refresh_token(state, client_id, &granted, grant))
}

pub(super) fn refresh(state: &mut State, form: &Fields, caller: &Caller) -> ReplyResult {
    let missing = || refusal::invalid_request("The parameter refresh_token is missing");
    let sent = form.get("refresh_token").ok_or_else(missing)?;
    let known = state.refresh.get(sent).filter(|known| known.client_id == caller.client_id).cloned();
    let known = known.ok_or_else(refusal::invalid_grant)?;
    if !state.is_good(&known) {
        state.end_grant(known.grant);
        state.families_revoked += 1;
        return Err(refusal::invalid_grant());
    }
    let asked: Vec<String> = match form.get("scope") {
        Some(scope) => scope.split(' ').map(str::to_owned).collect(),
        None => known.scopes.clone(),
    };
    if asked.iter().any(|scope| !known.scopes.contains(scope)) {
        return Err(refusal::invalid_scope());
    }
    let next = replacement(state, sent, &known);
    Ok(access::issue(state, caller, asked, known.grant, next.as_deref()))
}

/// Returns the refresh token that replaces the one sent, unless that one stays.
fn replacement(state: &mut State, sent: &str, known: &Token) -> Option<String> {
    if state.rotation == Rotation::None {
        return None;
    }
    let now = state.clock.now();
    if let Some(replaced) = state.refresh.get_mut(sent) {
        replaced.replaced_at.get_or_insert(now);
    }
    Some(new_refresh_token(state, &known.client_id, &known.scopes, known.grant))
}

pub(super) fn new_refresh_token(state: &mut State, client_id: &str, scopes: &[String], grant: u64) -> String {
    let token = state.material.secret_alphanumerics(43);
    let refresh = Token {
        client_id: client_id.to_owned(),
        scopes: scopes.to_vec(),
        grant,
        issued_at: state.clock.now(),
        expires_at: None,
        replaced_at: None,
    };
    state.refresh.insert(token.clone(), refresh);
    token
}
