//! Rules that can never match, or that match unintended answers. Such a rule is a mistake.

use http::header::AUTHORIZATION;

use super::field::{Checked, Faults, fault, filled};
use crate::error::ErrorCode;
use crate::profile::{Document, ErrorShape, ProfileProblem, Refusal, member_path};

pub(super) fn check(document: &Document, faults: &mut Faults) {
    for index in 0..document.refusals.len() {
        faults.note(refusal(index, &document.refusals));
    }
    for index in 0..document.error_shapes.len() {
        faults.note(shape(index, &document.error_shapes));
    }
    let dead_codes = document.refresh.iter().flat_map(|rules| rules.dead_codes.iter());
    for (index, code) in dead_codes.enumerate() {
        let field = format!("refresh.dead_codes[{index}]");
        faults.note(if *code == "invalid_grant" {
            inert(&field, "`invalid_grant` always says that the grant is dead")
        } else {
            listed(&field, code)
        });
    }
    if document.token_answer.assume_utc && document.token_answer.expires_at.is_empty() {
        faults.note(inert("token_answer.assume_utc", "no member is named in `expires_at`"));
    }
    for (index, name) in document.token_answer.bearer_names.iter().enumerate() {
        if name.eq_ignore_ascii_case("bearer") {
            let field = format!("token_answer.bearer_names[{index}]");
            faults.note(inert(&field, "`Bearer` is known in any case"));
        }
    }
    together(document, faults);
    let required = document.api.iter().flat_map(|api| api.required_headers.iter());
    let tokens = document.token_header.as_ref().map_or(AUTHORIZATION.as_str(), |header| &*header.name);
    for (index, header) in required.enumerate().filter(|(_, header)| header.eq_ignore_ascii_case(tokens)) {
        let field = format!("api.required_headers[{index}]");
        faults.note(inert(&field, &format!("`{header}` is put on each request with the token")));
    }
}

/// Headers that the HTTP client writes, or that only reach the next proxy (RFC 9110 section 7.6.1).
const OF_THE_CONNECTION: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Checks parts of the document that affect each other.
fn together(document: &Document, faults: &mut Faults) {
    if document.refresh.is_some() && document.calls.refresh.is_none() {
        faults.note(inert("refresh", "no token is renewed by a refresh token: there is no `calls.refresh`"));
    }
    let name = document.token_header.as_ref().map(|header| &*header.name);
    if let Some(name) = name.filter(|name| OF_THE_CONNECTION.iter().any(|own| own.eq_ignore_ascii_case(name)))
    {
        faults.note(inert(
            "token_header.name",
            &format!("`{name}` reaches no server, or the HTTP client writes it"),
        ));
    }
    if let (Some(own), Some(all)) = (&document.account_limit, &document.token_limit) {
        if own.requests >= all.requests && own.per_seconds <= all.per_seconds {
            faults.note(inert(
                "account_limit",
                "`token_limit`, which holds for all accounts, is reached before",
            ));
        }
    }
}

fn refusal(index: usize, refusals: &[Refusal]) -> Checked {
    let Refusal { status, code, .. } = &refusals[index];
    let field = format!("refusals[{index}]");
    let earlier = |one: &Refusal| one.status == *status && (one.code.is_none() || one.code == *code);
    match (status, code) {
        (100..=199, _) => return inert(&field, "an answer with status 1xx is never the last one"),
        (204 | 205, Some(_)) => {
            return inert(&field, "an answer with this status has no body, and so no code");
        }
        (200..=299, None) => {
            return inert(
                &field,
                "with a status of success and without a code it would refuse every success",
            );
        }
        _ => {}
    }
    if let Some(earlier) = refusals[..index].iter().position(earlier) {
        return inert(&field, &format!("`refusals[{earlier}]` takes every such answer before it"));
    }
    match code {
        Some(code) if !code.is_empty() => listed(&format!("{field}.code"), code),
        _ => Ok(()),
    }
}

fn listed(field: &str, code: &str) -> Checked {
    match ErrorCode::can_be_listed(code) {
        true => Ok(()),
        false => inert(field, "a code has at most 64 bytes, no control character and no space at its ends"),
    }
}

fn shape(index: usize, shapes: &[ErrorShape]) -> Checked {
    let ErrorShape { code, message, .. } = &shapes[index];
    let field = format!("error_shapes[{index}]");
    let paths = [("code", code.as_deref()), ("message", Some(&**message))];
    for (member, path) in paths.into_iter().filter_map(|(member, path)| Some((member, path?))) {
        if filled("", path).is_ok() && !member_path::is_path(path) {
            return fault(format!("{field}.{member}"), ProfileProblem::MemberPath(path.to_owned()));
        }
    }
    let same = |one: &ErrorShape| one.code == *code && one.message == *message;
    match shapes[..index].iter().position(same) {
        Some(earlier) => inert(&field, &format!("`error_shapes[{earlier}]` is the same")),
        None => Ok(()),
    }
}

fn inert(field: &str, why: &str) -> Checked {
    fault(field, ProfileProblem::Inert(why.to_owned()))
}
