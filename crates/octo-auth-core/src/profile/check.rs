//! The rules that a document must satisfy before it becomes a profile.
//!
//! Requests can be built from a document that passes, without further checks. An error contains the path of
//! the field. All errors are reported at once; of each independent part, at most one.

mod call;
mod field;
mod inert;
mod source;

use field::{Checked, Faults, fault, filled, header_name, known_host, name, positive, status, unique, words};

use super::{
    Api, Authorization, Calls, Document, Parameter, Placeholder, ProfileError, ProfileProblem, Refusal,
    TokenAnswer, TokenLimit,
};

pub(super) fn document(document: &Document) -> Result<(), ProfileError> {
    let mut faults = Faults::default();
    faults.note(name("name", &document.name));
    faults.note(filled("title", &document.title));
    faults.note(unique("sources", document.sources.iter().map(|source| &*source.key)));
    faults.note(unique("hosts", document.hosts.iter().map(|host| &*host.name)));
    for (index, host) in document.hosts.iter().enumerate() {
        faults.note(name(&format!("hosts[{index}].name"), &host.name));
    }
    for (key, entry) in document.calls.iter() {
        call::check(document, key, entry, &mut faults);
    }
    parts(document, &mut faults);
    if let Some(rules) = &document.authorization {
        faults.note(authorization(rules));
    }
    if let Some(rules) = &document.refresh {
        faults.note(unique("refresh.dead_codes", rules.dead_codes.iter().map(|code| &**code)));
    }
    faults.note(token_answer(&document.token_answer));
    faults.note(answers(document));
    for (index, refusal) in document.refusals.iter().enumerate() {
        faults.note(refused(index, refusal));
    }
    if let Some(limit) = &document.token_limit {
        faults.note(token_limit(limit));
    }
    if let Some(limit) = &document.account_limit {
        faults.note(positive("account_limit.requests", limit.requests));
        faults.note(positive("account_limit.per_seconds", limit.per_seconds));
    }
    if let Some(entry) = &document.api {
        faults.note(api(document, entry));
    }
    if let Some(header) = &document.token_header {
        faults.note(token_header(header));
    }
    inert::check(document, &mut faults);
    source::check(document, &mut faults);
    faults.into_result()
}

/// Checks that calls which depend on each other, or on another part of the document, come with it.
fn parts(document: &Document, faults: &mut Faults) {
    let Calls { authorization, code, refresh, .. } = &document.calls;
    let calls = &document.calls;
    let needs = [
        ("calls.authorization", authorization.is_some(), "calls.code", code.is_some()),
        ("calls.authorization", authorization.is_some(), "authorization", document.authorization.is_some()),
        ("calls.code", code.is_some(), "authorization", document.authorization.is_some()),
        ("calls.refresh", refresh.is_some(), "refresh", document.refresh.is_some()),
        (
            "calls.create_property",
            calls.create_property.is_some(),
            "created_property",
            document.created_property.is_some(),
        ),
        (
            "calls.create_client",
            calls.create_client.is_some(),
            "created_client",
            document.created_client.is_some(),
        ),
        (
            "calls.api_configuration",
            calls.api_configuration.is_some(),
            "api_configuration",
            document.api_configuration.is_some(),
        ),
    ];
    for (call, present, part, there) in needs {
        if present && !there {
            faults.note(fault(call, ProfileProblem::MissingPart(part)));
        }
    }
}

fn authorization(rules: &Authorization) -> Checked {
    positive("authorization.code_lifetime_seconds", rules.code_lifetime_seconds)?;
    match &rules.issuer {
        Some(issuer) => filled("authorization.issuer", issuer),
        None if rules.issuer_optional => {
            let problem = "there is no `issuer` that a callback could do without".to_owned();
            fault("authorization.issuer_optional", ProfileProblem::Inert(problem))
        }
        None => Ok(()),
    }
}

fn token_answer(answer: &TokenAnswer) -> Checked {
    if answer.access_token.is_empty() {
        return fault("token_answer.access_token", ProfileProblem::Empty);
    }
    let lists = [
        ("access_token", &answer.access_token),
        ("refresh_token", &answer.refresh_token),
        ("token_type", &answer.token_type),
        ("expires_in", &answer.expires_in),
        ("expires_at", &answer.expires_at),
        ("refresh_in", &answer.refresh_in),
        ("scope", &answer.scope),
    ];
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (member, names) in lists {
        for (index, name) in names.iter().enumerate() {
            let field = format!("token_answer.{member}[{index}]");
            filled(&field, name)?;
            if seen.iter().any(|(_, other)| *other == &**name) {
                return fault(field, ProfileProblem::Duplicate(name.to_string()));
            }
            seen.push((member, name));
        }
    }
    for (index, member) in answer.keep.iter().enumerate() {
        let field = format!("token_answer.keep[{index}].name");
        filled(&field, &member.name)?;
        if seen.iter().any(|(_, other)| *other == &*member.name) {
            return fault(field, ProfileProblem::Duplicate(member.name.to_string()));
        }
        seen.push(("keep", &member.name));
    }
    unique("token_answer.bearer_names", answer.bearer_names.iter().map(|name| &**name))
}

/// Checks the member names for the other answers.
fn answers(document: &Document) -> Checked {
    let client = document.created_client.iter().flat_map(|answer| {
        [
            ("created_client.list", &answer.list),
            ("created_client.client_id", &answer.client_id),
            ("created_client.client_secret", &answer.client_secret),
            ("created_client.id", &answer.id),
            ("created_client.username", &answer.username),
            ("created_client.password", &answer.password),
            ("created_client.redirect_uri", &answer.redirect_uri),
            ("created_client.properties", &answer.properties),
            ("created_client.property_id", &answer.property_id),
            ("created_client.property_name", &answer.property_name),
            ("created_client.property_sandbox", &answer.property_sandbox),
        ]
    });
    let property = document.created_property.iter().flat_map(|answer| {
        [
            ("created_property.status", &answer.status),
            ("created_property.id", &answer.id),
            ("created_property.refresh_token", &answer.refresh_token),
            ("created_property.properties", &answer.properties),
            ("created_property.existing", &answer.existing),
        ]
    });
    let configuration = document.api_configuration.iter().flat_map(|answer| {
        [
            ("api_configuration.environment", &answer.environment),
            ("api_configuration.redirect_uris", &answer.redirect_uris),
            ("api_configuration.authorization_pages", &answer.authorization_pages),
        ]
    });
    for (field, member) in client.chain(property).chain(configuration) {
        filled(field, member)?;
    }
    if let Some(answer) = &document.created_property {
        status("created_property.existing_status", answer.existing_status)?;
        words("created_property.created", &answer.created)?;
    }
    for (index, shape) in document.error_shapes.iter().enumerate() {
        filled(&format!("error_shapes[{index}].message"), &shape.message)?;
        if let Some(code) = &shape.code {
            filled(&format!("error_shapes[{index}].code"), code)?;
        }
    }
    Ok(())
}

fn refused(index: usize, refusal: &Refusal) -> Checked {
    status(&format!("refusals[{index}].status"), refusal.status)?;
    refusal.code.as_ref().map_or(Ok(()), |code| filled(&format!("refusals[{index}].code"), code))
}

fn token_limit(limit: &TokenLimit) -> Checked {
    positive("token_limit.requests", limit.requests)?;
    positive("token_limit.per_seconds", limit.per_seconds)
}

fn token_header(header: &Parameter) -> Checked {
    header_name("token_header.name", &header.name)?;
    match header.value.role() {
        Some(Placeholder::AccessToken) => Ok(()),
        _ => fault("token_header.value", ProfileProblem::MissingRole(Placeholder::AccessToken)),
    }
}

fn api(document: &Document, api: &Api) -> Checked {
    words("api.hosts", &api.hosts)?;
    for (index, host) in api.hosts.iter().enumerate() {
        known_host(document, format!("api.hosts[{index}]"), host)?;
    }
    for (index, header) in api.required_headers.iter().enumerate() {
        header_name(format!("api.required_headers[{index}]"), header)?;
    }
    api.remaining_header.as_ref().map_or(Ok(()), |header| header_name("api.remaining_header", header))
}
