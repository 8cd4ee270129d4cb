//! Profiles written as TOML, the same text the built-in ones are generated from.
//!
//! The rule kept here: every fault names the line, the column and the field; an unknown field is a fault, so a
//! misspelt one never passes for an absent one.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Document, Profile, ProfileError, ProfileProblem};

impl Profile {
    /// Reads and checks a profile written as TOML.
    ///
    /// ```
    /// use octo_auth_core::profile::Profile;
    ///
    /// let error = Profile::from_toml("name = \"mine\"\ntitel = \"Mine\"\n").unwrap_err();
    /// assert_eq!((error.line(), error.field()), (Some(2), "titel"));
    /// ```
    ///
    /// # Errors
    /// [`ProfileError`] with the line, the column and the field.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let document: Document = toml::from_str(text).map_err(|fault| unreadable(text, &fault))?;
        Self::new(document).map_err(|fault| placed(text, fault))
    }
}

/// Turns a fault of syntax or type into one that names the field.
fn unreadable(text: &str, fault: &toml::de::Error) -> ProfileError {
    let problem = ProfileProblem::Syntax(fault.message().to_owned());
    let Some(span) = fault.span() else { return ProfileError::new("", problem) };
    let entries = entries(text);
    let field = if entries.is_empty() { field_of_line(text, span.start) } else { field_at(&entries, &span) };
    let (line, column) = position(text, span.start);
    ProfileError::new(field, problem).at(line, column)
}

/// Adds the place in the text to a fault the checks have found.
fn placed(text: &str, fault: ProfileError) -> ProfileError {
    let entries = entries(text);
    let mut field = fault.field().to_owned();
    loop {
        if let Some(entry) = entries.iter().find(|entry| entry.field == field) {
            let (line, column) = position(text, entry.start);
            return fault.at(line, column);
        }
        let Some(parent) = field.rfind(['.', '[']) else { return fault };
        field.truncate(parent);
    }
}

/// One key or list element of the text.
struct Entry {
    field: String,
    start: usize,
    value: Range<usize>,
}

/// Gives every key and list element in the text, or none when the text is not TOML.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        walk(table.get_ref(), "", &mut found);
    }
    found
}

fn walk(table: &DeTable<'_>, parent: &str, found: &mut Vec<Entry>) {
    for (key, value) in table {
        let dot = if parent.is_empty() { "" } else { "." };
        let field = format!("{parent}{dot}{}", key.get_ref());
        note(field, key.span().start, value, found);
    }
}

fn note(field: String, start: usize, value: &Spanned<DeValue<'_>>, found: &mut Vec<Entry>) {
    let index = found.len();
    found.push(Entry { field: String::new(), start, value: value.span() });
    match value.get_ref() {
        DeValue::Table(table) => walk(table, &field, found),
        DeValue::Array(array) => {
            for (index, element) in array.iter().enumerate() {
                note(format!("{field}[{index}]"), element.span().start, element, found);
            }
        }
        _ => {}
    }
    found[index].field = field;
}

/// Names the field a span stands for: the entry it covers exactly, or else the last one that begins before its
/// end.
fn field_at(entries: &[Entry], span: &Range<usize>) -> String {
    let exact = entries.iter().find(|entry| entry.value == *span || entry.start == span.start);
    let before = || entries.iter().filter(|entry| entry.start < span.end).max_by_key(|entry| entry.start);
    exact.or_else(before).map(|entry| entry.field.clone()).unwrap_or_default()
}

/// Names the field of a line in a text that is not TOML: what stands before `=`, below the last table header.
fn field_of_line(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or_default().trim();
    let key = line.split_once('=').map_or("", |(key, _)| key.trim());
    let header = before[..start].lines().rev().find_map(|line| line.trim().strip_prefix('['));
    let table = header.map_or("", |header| header.trim_matches(['[', ']', ' ']));
    [table, key].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".")
}

fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
