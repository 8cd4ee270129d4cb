//! Checks of a single field, and the error that names it.

use crate::printable::is_invisible;
use crate::profile::{Document, List, ProfileError, ProfileProblem, Text};

pub(super) type Checked = Result<(), ProfileError>;

/// The errors found until now.
#[derive(Default)]
pub(super) struct Faults(Vec<ProfileError>);

impl Faults {
    pub(super) fn note(&mut self, checked: Checked) {
        self.0.extend(checked.err());
    }

    pub(super) fn into_result(self) -> Result<(), ProfileError> {
        ProfileError::joined(self.0).map_or(Ok(()), Err)
    }
}

/// Checks a list of words: it has at least one, none is empty, and none occurs twice.
pub(super) fn words(field: &str, list: &List<Text>) -> Checked {
    if list.is_empty() {
        return fault(field, ProfileProblem::Empty);
    }
    unique(field, list.iter().map(|word| &**word))
}

pub(super) fn known_host(document: &Document, field: impl Into<String>, host: &str) -> Checked {
    if document.hosts.iter().any(|listed| listed.name == host) {
        return Ok(());
    }
    fault(field, ProfileProblem::UnknownHost(host.to_owned()))
}

pub(super) fn header_name(field: impl Into<String>, name: &str) -> Checked {
    if http::HeaderName::from_bytes(name.as_bytes()).is_ok() {
        return Ok(());
    }
    fault(field, ProfileProblem::HeaderName(name.to_owned()))
}

/// Checks a name: lower-case letters, digits, `-` and `_`.
pub(super) fn name(field: &str, text: &str) -> Checked {
    filled(field, text)?;
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    if text.bytes().all(allowed) {
        return Ok(());
    }
    fault(field, ProfileProblem::Name(text.to_owned()))
}

/// Checks a text that is shown or compared: it is not empty, and all characters are visible.
pub(super) fn filled(field: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        return fault(field, ProfileProblem::Empty);
    }
    let invisible = text.chars().find(|letter| is_invisible(*letter));
    let problem = |letter: char| ProfileProblem::Invisible(letter.escape_unicode().to_string());
    invisible.map_or(Ok(()), |letter| fault(field, problem(letter)))
}

pub(super) fn positive(field: &str, number: u32) -> Checked {
    if number == 0 { fault(field, ProfileProblem::Zero) } else { Ok(()) }
}

pub(super) fn status(field: &str, status: u16) -> Checked {
    if (100..600).contains(&status) { Ok(()) } else { fault(field, ProfileProblem::Status(status)) }
}

/// Checks that no entry of a list is empty or occurs twice.
pub(super) fn unique<'a>(list: &str, entries: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = Vec::new();
    for (index, entry) in entries.enumerate() {
        let field = format!("{list}[{index}]");
        filled(&field, entry)?;
        if seen.contains(&entry) {
            return fault(field, ProfileProblem::Duplicate(entry.to_owned()));
        }
        seen.push(entry);
    }
    Ok(())
}

pub(super) fn fault(field: impl Into<String>, problem: ProfileProblem) -> Checked {
    Err(ProfileError::new(field, problem))
}
