//! [`ProfileError`]: what is wrong with a profile, where, and what to write instead.
//!
//! The message leads the reader directly to the place and says how to fix it.

use std::fmt;

use super::{BaseUrlError, Placeholder, TemplateError};
use crate::printable::Printable;

/// An error in a profile's document or in its TOML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    field: String,
    position: Option<(usize, usize)>,
    problem: ProfileProblem,
    others: Vec<ProfileError>,
}

impl ProfileError {
    pub(super) fn new(field: impl Into<String>, problem: ProfileProblem) -> Self {
        Self { field: field.into(), position: None, problem, others: Vec::new() }
    }

    /// Combines several errors into one; `None` if there are none.
    pub(super) fn joined(faults: Vec<Self>) -> Option<Self> {
        let mut faults = faults.into_iter();
        let first = faults.next()?;
        Some(Self { others: faults.collect(), ..first })
    }

    /// Changes this error and each of the others.
    #[cfg(feature = "toml")]
    pub(super) fn map(self, change: impl Fn(Self) -> Self) -> Self {
        let others = self.others.into_iter().map(&change).collect();
        Self { others, ..change(Self { others: Vec::new(), ..self }) }
    }

    /// Adds the line and column of the text, both counted from 1.
    #[cfg(feature = "toml")]
    pub(super) fn at(self, line: usize, column: usize) -> Self {
        Self { position: Some((line, column)), ..self }
    }

    /// Returns the path of the field, such as `calls.code.parameters[3].name`. Indices count from 0.
    ///
    /// It is empty if the text as a whole cannot be read.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the line of the profile's text, counted from 1; `None` for a document built in code.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// Returns the column in that line, counted from 1 in characters.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.map(|(_, column)| column)
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn problem(&self) -> &ProfileProblem {
        &self.problem
    }

    /// Returns the further errors of the profile, without nested errors. This error is the first of all.
    #[must_use]
    pub fn others(&self) -> &[ProfileError] {
        &self.others
    }

    /// Returns a stable word for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }
}

/// Writes `profile, line 3, column 1, field `title`: …`, followed by the other errors.
impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("profile")?;
        for (index, fault) in std::iter::once(self).chain(&self.others).enumerate() {
            let place = fault.place();
            let comma = if index == 0 && !place.is_empty() { ", " } else { "" };
            let semicolon = if index > 0 { "; " } else { "" };
            write!(f, "{semicolon}{comma}{place}: {}", Printable(&fault.problem))?;
        }
        Ok(())
    }
}

impl ProfileError {
    /// Returns the known place of the error.
    fn place(&self) -> String {
        let line = self.position.map(|(line, column)| format!("line {line}, column {column}"));
        let field = Some(&self.field)
            .filter(|field| !field.is_empty())
            .map(|field| format!("field `{}`", Printable(field)));
        line.into_iter().chain(field).collect::<Vec<_>>().join(", ")
    }
}

impl std::error::Error for ProfileError {}

/// What is wrong with one field of a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileProblem {
    /// The text is not TOML, or the field has another type, is unknown or missing.
    #[error("{0}")]
    Syntax(String),
    /// A URL that requests may not be sent to.
    #[error("the URL cannot be used: {0}")]
    Url(BaseUrlError),
    /// A value that is not a valid template.
    #[error("{0}")]
    Template(TemplateError),
    /// A name with characters other than lower-case ASCII letters, digits, `-` and `_`.
    #[error("`{0}` is no name: use lower-case letters, digits, `-` and `_`")]
    Name(String),
    /// An empty value that must not be empty.
    #[error("it is empty: fill it in or leave the whole entry out")]
    Empty,
    /// An invisible character.
    #[error("it holds the character {0}, which cannot be seen: remove it")]
    Invisible(String),
    /// Zero instead of a positive number.
    #[error("it is 0: write a positive number or leave the whole entry out")]
    Zero,
    /// The same name twice in one list.
    #[error("`{0}` stands in the list already: every name is used once")]
    Duplicate(String),
    /// A host that the document does not list.
    #[error("no host is named `{0}`: use a name from `hosts` or add the host there")]
    UnknownHost(String),
    /// A path that cannot be appended to a base URL.
    #[error(
        "`{0}` is no path: begin with `/` and leave out `?`, `#`, `.` and `..` segments, white space and control characters; a query of the endpoint's own goes into `query`"
    )]
    Path(String),
    /// A call without a required role.
    #[error("no parameter or header carries `{{{0}}}`, which the call cannot do without: add one")]
    MissingRole(Placeholder),
    /// A call that needs a part of the document that is absent.
    #[error("the document has no `{0}`, which this call cannot do without: add it")]
    MissingPart(&'static str),
    /// Parameters that the encoding cannot carry, or a query on a call that is not GET.
    #[error(
        "method and encoding do not fit: GET takes `query` or `none`; `none` and `caller_json` take no parameters"
    )]
    Encoding,
    /// An encoding that does not fit the call.
    #[error(
        "the call is not sent that way: `authorization` takes `query`, `create_property` takes `caller_json`, and no other call takes `caller_json`"
    )]
    CallEncoding,
    /// A secret in a URL, which logs and browsers keep (RFC 6750 section 5.3, RFC 9700 section 4.3).
    #[error(
        "`{{{0}}}` is a secret and must not travel in the URL: use the encoding `form` or `json`, or a header"
    )]
    SecretInUrl(Placeholder),
    /// A query of an endpoint that is not valid in a URL, or that conflicts with one made of parameters.
    #[error(
        "`{0}` is no query of an endpoint: percent-encode it, leave out `?` and `#`, and in a call with the encoding `query` write it as parameters"
    )]
    Query(String),
    /// A name that HTTP does not allow for a header.
    #[error("`{0}` is no header name: use letters, digits and `-` (RFC 9110 section 5.1)")]
    HeaderName(String),
    /// A number that is not an HTTP status.
    #[error("{0} is no HTTP status: write a number from 100 to 599")]
    Status(u16),
    /// A text that is not a path to a member of an answer.
    #[error(
        "`{0}` is no path to a member: separate names by dots, and write a place in an array as `[0]` or `[*]`"
    )]
    MemberPath(String),
    /// A rule that can never match, or that would match unintended answers.
    #[error("the rule does not work: {0}; correct it or leave it out")]
    Inert(String),
    /// A source key that the document does not list.
    #[error(
        "`{0}` is no key of `sources`: begin each clause (they are separated by `;`) with such a key, or list it there"
    )]
    UnknownSource(String),
}

impl ProfileProblem {
    const fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "profile_syntax",
            Self::Url(_) => "profile_url",
            Self::Template(_) => "profile_template",
            Self::Name(_) => "profile_name",
            Self::Empty => "profile_empty",
            Self::Invisible(_) => "profile_invisible",
            Self::Zero => "profile_zero",
            Self::Duplicate(_) => "profile_duplicate",
            Self::UnknownHost(_) => "profile_unknown_host",
            Self::Path(_) => "profile_path",
            Self::MissingRole(_) => "profile_missing_role",
            Self::MissingPart(_) => "profile_missing_part",
            Self::Encoding => "profile_encoding",
            Self::CallEncoding => "profile_call_encoding",
            Self::SecretInUrl(_) => "profile_secret_in_url",
            Self::Query(_) => "profile_query",
            Self::HeaderName(_) => "profile_header_name",
            Self::Status(_) => "profile_status",
            Self::MemberPath(_) => "profile_member_path",
            Self::Inert(_) => "profile_inert",
            Self::UnknownSource(_) => "profile_unknown_source",
        }
    }
}
