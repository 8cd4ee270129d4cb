//! `octo-auth ip`: checks lists of addresses, with answers for people and exit codes for scripts.
//!
//! The rule of this module: an unreadable list is never an answer, neither yes nor no.

mod change;

use std::fs::File;
use std::path::Path;

use octo_auth_core::allowlist::{ListError, RuleOptions, Rules};

use crate::arguments::{IpRequest, ListSource, ListTerms};
use crate::failure::{Exit, Failure, shown};
use crate::input;
use crate::output::Output;
use change::Told;

/// Answers the question.
///
/// # Errors
///
/// Returns a [`Failure`] if a list cannot be read or contains an invalid rule.
pub(crate) fn run(request: &IpRequest, output: &mut Output) -> Result<Exit, Failure> {
    match request {
        IpRequest::Check(question) => {
            let permits = read_from(&question.rules, question.terms)?.allowlist().permits(question.address);
            output.line(if permits { "permitted" } else { "denied" })?;
            Ok(yes_or_no(permits))
        }
        IpRequest::Explain(question) => {
            let rules = read_from(&question.rules, question.terms)?;
            let explanation = rules.explain(question.address);
            output.line(&explanation)?;
            Ok(yes_or_no(explanation.permits()))
        }
        IpRequest::Minimal { rules, terms } => {
            for block in read_from(rules, *terms)?.allowlist().minimal() {
                output.line(block)?;
            }
            Ok(Exit::Done)
        }
        IpRequest::Diff { old, new, blocks, terms } => {
            if is_standard_input(old) && is_standard_input(new) {
                return Err(Failure::new(Exit::Usage, "standard input cannot be both lists")
                    .with_remedy("name a file for one of them"));
            }
            let (old, new) = (read(old, *terms)?, read(new, *terms)?);
            let change = old.allowlist().difference(&new.allowlist());
            match (change.is_empty(), blocks) {
                (true, _) => {}
                (false, true) => output.line(&change)?,
                (false, false) => output.line(Told { change: &change, old: &old, new: &new })?,
            }
            Ok(yes_or_no(change.is_empty()))
        }
    }
}

fn yes_or_no(yes: bool) -> Exit {
    if yes { Exit::Done } else { Exit::No }
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn read_from(source: &ListSource, terms: ListTerms) -> Result<Rules, Failure> {
    match (&source.rules, &source.rules_env) {
        (Some(file), _) => read(file, terms),
        (None, Some(variable)) => read_variable(variable, terms),
        (None, None) => {
            Err(Failure::new(Exit::Usage, "there is no list").with_remedy("name one with --rules FILE"))
        }
    }
}

/// A missing variable is an error, not an empty list: a misspelt name must not change who is permitted.
fn read_variable(name: &str, terms: ListTerms) -> Result<Rules, Failure> {
    let text = std::env::var(name).map_err(|error| {
        Failure::new(Exit::Configuration, "the list cannot be read")
            .because_of(Some(&error))
            .with_remedy("set the variable to rules with commas between them, or correct its name")
            .about(shown(name))
    })?;
    let rules = Rules::from_line(&text, accepted(terms));
    rules.map_err(|error| refused(&error).about(shown(name)))
}

fn read(file: &Path, terms: ListTerms) -> Result<Rules, Failure> {
    let done = if is_standard_input(file) {
        input::text(std::io::stdin())
    } else {
        File::open(file).and_then(input::text)
    };
    let text = done.map_err(|error| {
        Failure::new(Exit::Configuration, "the list cannot be read")
            .because_of(Some(&error))
            .with_remedy("name a text file in UTF-8 that may be read")
            .about(shown(file.display()))
    })?;
    if is_json(&text) {
        return Rules::from_json(&text, accepted(terms))
            .map_err(|error| refused(&error).about(shown(file.display())));
    }
    Rules::from_text(&text, accepted(terms)).map_err(|error| refused(&error).about(shown(file.display())))
}

fn accepted(terms: ListTerms) -> RuleOptions {
    let accepted = if terms.any { RuleOptions::default().allow_any() } else { RuleOptions::default() };
    let accepted = if terms.ipv4_only { accepted.ipv4_only() } else { accepted };
    if terms.egress { accepted.egress() } else { accepted }
}

/// Whether a list is a JSON array, not text that begins with an address in brackets.
fn is_json(text: &str) -> bool {
    let inside = text.trim_start_matches('\u{feff}').trim_start().strip_prefix('[');
    inside.is_some_and(|inside| inside.trim_start().starts_with(['"', ']']))
}

/// Lists every invalid rule, one per line.
fn refused(error: &ListError) -> Failure {
    let lines: String = error.to_string().lines().map(|line| format!("\n  {line}")).collect();
    let switch = matches!(error, ListError::Rules(bad) if bad.iter().all(|(_, error)| error.problem().can_be_switched_on()));
    let remedy = if switch { "narrow it, or say --any if that is meant" } else { "correct every rule named" };
    Failure::new(Exit::Configuration, format!("the list is wrong{lines}")).with_remedy(remedy)
}
