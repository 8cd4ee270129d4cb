//! The sources of facts: a fact may name its source, by keys that the document lists.

use super::field::{Checked, Faults, fault, filled};
use crate::profile::{Document, ProfileProblem};

pub(super) fn check(document: &Document, faults: &mut Faults) {
    for (index, entry) in document.sources.iter().enumerate() {
        faults.note(filled(&format!("sources[{index}].title"), &entry.title));
    }
    for (index, host) in document.hosts.iter().enumerate() {
        faults.note(source(document, &format!("hosts[{index}]"), &host.source));
    }
    for (name, call) in document.calls.iter() {
        faults.note(source(document, &format!("calls.{name}"), &call.source));
    }
    let parts = [
        ("authorization", document.authorization.as_ref().map(|part| &part.source)),
        ("refresh", document.refresh.as_ref().map(|part| &part.source)),
        ("token_answer", Some(&document.token_answer.source)),
        ("created_client", document.created_client.as_ref().map(|part| &part.source)),
        ("created_property", document.created_property.as_ref().map(|part| &part.source)),
        ("api_configuration", document.api_configuration.as_ref().map(|part| &part.source)),
        ("token_limit", document.token_limit.as_ref().map(|part| &part.source)),
        ("account_limit", document.account_limit.as_ref().map(|part| &part.source)),
        ("api", document.api.as_ref().map(|part| &part.source)),
    ];
    for (part, said) in parts {
        if let Some(said) = said {
            faults.note(source(document, part, said));
        }
    }
    for (index, shape) in document.error_shapes.iter().enumerate() {
        faults.note(source(document, &format!("error_shapes[{index}]"), &shape.source));
    }
    for (index, refusal) in document.refusals.iter().enumerate() {
        faults.note(source(document, &format!("refusals[{index}]"), &refusal.source));
    }
}

/// Checks one source: it is empty, or has clauses separated by `;`, each beginning with a listed key.
fn source(document: &Document, part: &str, text: &str) -> Checked {
    let field = format!("{part}.source");
    for clause in text.split(';').filter(|_| !text.trim().is_empty()) {
        let key = clause.split_whitespace().next().unwrap_or_default().trim_end_matches(':');
        if !document.sources.iter().any(|source| source.key == key) {
            return fault(field, ProfileProblem::UnknownSource(key.to_owned()));
        }
    }
    Ok(())
}
