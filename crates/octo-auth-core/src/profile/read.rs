//! Profiles written as TOML, in the same format from which the built-in ones are generated.
//!
//! Every error has the line, the column and the field. An unknown field is an error, so a misspelt name is
//! never mistaken for an absent field.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Document, Profile, ProfileError, ProfileProblem};

impl Profile {
    /// Parses and checks a profile written as TOML.
    ///
    /// ```
    /// use octo_auth_core::profile::Profile;
    ///
    /// let error = Profile::from_toml("name = \"mine\"\ntitel = \"Mine\"\n").unwrap_err();
    /// assert_eq!((error.line(), error.field()), (Some(2), "titel"));
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] with the line, the column and the field of the first error; the others are in
    /// [`ProfileError::others`]. All missing fields are reported at once. The other checks run once no field
    /// is missing.
    pub fn from_toml(text: &str) -> Result<Self, ProfileError> {
        let entries = entries(text);
        let document: Result<Document, _> = toml::from_str(text);
        let document = document.map_err(|fault| {
            let mut faults = missing(text, &entries);
            // A missing field is the one error that this function also finds itself.
            if faults.is_empty() || !fault.message().starts_with("missing field") {
                faults.insert(0, unreadable(text, &entries, &fault));
            }
            ProfileError::joined(faults).unwrap_or_else(|| unreadable(text, &entries, &fault))
        })?;
        Self::new(document).map_err(|error| error.map(|fault| placed(text, &entries, fault)))
    }
}

/// The required fields of each table of a profile, by the table's place. List elements are `[]`, and all
/// calls are `calls.*`.
const REQUIRED: [(&str, &[&str]); 19] = [
    ("", &["name", "title", "hosts", "client_authentication", "scopes", "calls", "token_answer"]),
    ("sources[]", &["key", "title"]),
    ("hosts[]", &["name", "url"]),
    ("calls.*", &["method", "host", "path", "encoding"]),
    ("calls.*.parameters[]", &["name", "value"]),
    ("calls.*.headers[]", &["name", "value"]),
    ("authorization", &["code_lifetime_seconds", "redirect_uri", "pkce"]),
    ("refresh", &["replay"]),
    ("token_answer", &["access_token", "token_type", "token_type_absent", "expires_in_unit"]),
    (
        "created_client",
        &[
            "list",
            "client_id",
            "client_secret",
            "id",
            "username",
            "password",
            "redirect_uri",
            "properties",
            "property_id",
            "property_name",
            "property_sandbox",
        ],
    ),
    (
        "created_property",
        &["status", "created", "id", "refresh_token", "properties", "existing_status", "existing"],
    ),
    ("api_configuration", &["environment", "redirect_uris", "authorization_pages"]),
    ("error_shapes[]", &["message"]),
    ("refusals[]", &["status", "meaning"]),
    ("token_limit", &["requests", "per_seconds", "after_failure_seconds"]),
    ("account_limit", &["requests", "per_seconds"]),
    ("token_answer.keep[]", &["name"]),
    ("token_header", &["name", "value"]),
    ("api", &["hosts"]),
];

/// Reports every missing field, at the table that lacks it. In a text that is not TOML it finds none.
fn missing(text: &str, entries: &[Entry]) -> Vec<ProfileError> {
    if DeTable::parse(text).is_err() {
        return Vec::new();
    }
    let root = Entry { field: String::new(), start: 0, value: 0..text.len(), is_table: true };
    let mut found = Vec::new();
    for table in std::iter::once(&root).chain(entries).filter(|entry| entry.is_table) {
        let kind = kind_of_table(&table.field);
        let required = REQUIRED.iter().find(|(place, _)| *place == kind).map_or(&[][..], |(_, names)| *names);
        let dot = if table.field.is_empty() { "" } else { "." };
        let lacks = |name: &&&str| {
            let field = format!("{}{dot}{name}", table.field);
            !entries.iter().any(|entry| entry.field == field)
        };
        let (line, column) = position(text, table.start);
        found.extend(required.iter().filter(lacks).map(|name| {
            let problem = ProfileProblem::Syntax(format!("missing field `{name}`"));
            ProfileError::new(table.field.clone(), problem).at(line, column)
        }));
    }
    found.sort_by_key(|fault| (fault.line(), fault.column()));
    found
}

/// Returns the place of a table in the notation of [`REQUIRED`].
fn kind_of_table(field: &str) -> String {
    let segments = field.split('.').enumerate().map(|(depth, segment)| match segment.split_once('[') {
        Some((list, _)) => format!("{list}[]"),
        None if depth == 1 && field.starts_with("calls.") => "*".to_owned(),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join(".")
}

/// Turns a syntax or type error into one that names the field.
fn unreadable(text: &str, entries: &[Entry], fault: &toml::de::Error) -> ProfileError {
    let problem = ProfileProblem::Syntax(fault.message().to_owned());
    let Some(span) = fault.span() else { return ProfileError::new("", problem) };
    let field = if entries.is_empty() { field_of_line(text, span.start) } else { field_at(entries, &span) };
    let (line, column) = position(text, span.start);
    ProfileError::new(field, problem).at(line, column)
}

/// Adds the place in the text to an error that the checks found.
fn placed(text: &str, entries: &[Entry], fault: ProfileError) -> ProfileError {
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
    is_table: bool,
}

/// Returns every key and list element of the text; empty if the text is not TOML.
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
    let is_table = matches!(value.get_ref(), DeValue::Table(_));
    found.push(Entry { field: String::new(), start, value: value.span(), is_table });
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

/// Returns the field of a span: the entry that it covers exactly, or else the last one that begins before its
/// end.
fn field_at(entries: &[Entry], span: &Range<usize>) -> String {
    let exact = entries.iter().find(|entry| entry.value == *span || entry.start == span.start);
    let before = || entries.iter().filter(|entry| entry.start < span.end).max_by_key(|entry| entry.start);
    exact.or_else(before).map(|entry| entry.field.clone()).unwrap_or_default()
}

/// Returns the field of a line in a text that is not TOML: the text before `=`, below the last table header.
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
