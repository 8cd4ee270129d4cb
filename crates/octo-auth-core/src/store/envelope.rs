//! What every stored record has in common: the format's version, whose record it is, and members that are kept unread.
//!
//! A record is a JSON object in wiped memory. What is read from a store is as untrusted as what is read from the network:
//! sizes are bounded, a member that stands twice is an error, and a record of another registration or name is refused.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::hexadecimal::unhex;
use super::{RecordBytes, RecordName};
use crate::answer::members::{Members, Value};
use crate::printable::Printable;

/// The format's version.
const VERSION: u64 = 1;

/// The largest record that is read, in bytes.
const LONGEST: usize = 256 * 1024;

/// Why stored bytes cannot be used as the record that was asked for. Nothing is overwritten then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is larger than 256 KiB.
    #[error("the stored record is larger than 256 KiB")]
    TooLarge,
    /// It is not a JSON object in UTF-8.
    #[error(
        "the stored record is not a JSON object; restore it from a backup, or remove it and sign in again"
    )]
    NotJson,
    /// A member stands in it twice.
    #[error("the member `{}` stands twice in the stored record", Printable(.0))]
    DuplicateMember(String),
    /// It was written by a newer release.
    #[error("the stored record has format {0}, which only a newer release reads: upgrade this program")]
    NewerVersion(u64),
    /// It has no version, or one that is not a positive number.
    #[error("the stored record has no usable format version")]
    VersionMalformed,
    /// It belongs to another issuer.
    #[error("the stored record belongs to another issuer; give each issuer its own records")]
    IssuerMismatch,
    /// It belongs to another client.
    #[error("the stored record belongs to another client id; give each client its own records")]
    ClientMismatch,
    /// It belongs to another account, scope set or parameter set, or it was stored under another name.
    #[error("the stored record belongs to another name: the store returned the wrong record")]
    NameMismatch,
    /// Its access token cannot stand in a header.
    #[error("the access token in the stored record holds characters that must not stand in a header")]
    AccessTokenUnsafe,
    /// Its token type is not `bearer`.
    #[error("the stored record holds a token of another type than bearer")]
    TokenTypeUnsupported,
    /// A member has a value that this release cannot have written.
    #[error("the member `{0}` of the stored record has an unusable value")]
    Malformed(&'static str),
}

impl RecordError {
    /// Returns the error's stable word, such as `issuer_mismatch`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "record_too_large",
            Self::NotJson => "record_not_json",
            Self::DuplicateMember(_) => "duplicate_member",
            Self::NewerVersion(_) => "newer_version",
            Self::VersionMalformed => "version_malformed",
            Self::IssuerMismatch => "issuer_mismatch",
            Self::ClientMismatch => "client_mismatch",
            Self::NameMismatch => "scope_mismatch",
            Self::AccessTokenUnsafe => "access_token_unsafe",
            Self::TokenTypeUnsupported => "token_type_unsupported",
            Self::Malformed("expires_at") => "expires_at_invalid",
            Self::Malformed(_) => "record_malformed",
        }
    }
}

/// Whose record it is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) name: RecordName,
    pub(crate) issuer: Arc<str>,
    pub(crate) client_id: Arc<str>,
}

/// Members of a record that this release does not know, kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unknown(Vec<(String, Zeroizing<String>)>);

/// Writes the members of a record.
pub(crate) struct Writer(Zeroizing<String>);

/// The members of a record that were not read yet.
pub(crate) struct Reader<'a>(Vec<(String, &'a str)>);

impl Writer {
    pub(crate) fn new(identity: &Identity) -> Self {
        let mut writer = Self(Zeroizing::new(String::with_capacity(1024)));
        writer.raw("v", &VERSION.to_string());
        writer.text("name", identity.name.as_str());
        writer.text("issuer", &identity.issuer);
        writer.text("client_id", &identity.client_id);
        writer
    }

    /// A writer of an object that becomes the value of a member.
    pub(crate) fn object() -> Self {
        Self(Zeroizing::default())
    }

    pub(crate) fn object_member(&mut self, name: &str, mut object: Self) {
        let end = if object.0.is_empty() { "{}" } else { "}" };
        object.0.push_str(end);
        self.raw(name, &object.0);
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let quoted = Zeroizing::new(serde_json::Value::from(value).to_string());
        self.raw(name, &quoted);
    }

    pub(crate) fn number(&mut self, name: &str, value: impl Into<i128>) {
        self.raw(name, &value.into().to_string());
    }

    /// Writes `true`; a flag that is not set is left out.
    pub(crate) fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.raw(name, "true");
        }
    }

    /// Writes an array of texts without characters that JSON escapes; an empty one is left out.
    pub(crate) fn texts(&mut self, name: &str, texts: impl Iterator<Item = String>) {
        let quoted: Vec<String> = texts.map(|text| format!("\"{text}\"")).collect();
        if !quoted.is_empty() {
            self.raw(name, &format!("[{}]", quoted.join(",")));
        }
    }

    /// Writes a value that is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &str) {
        let begin = if self.0.is_empty() { '{' } else { ',' };
        self.0.push(begin);
        self.0.push_str(&serde_json::Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(value);
    }

    pub(crate) fn finish(mut self, unknown: &Unknown) -> RecordBytes {
        unknown.0.iter().for_each(|(name, value)| self.raw(name, value));
        self.0.push('}');
        RecordBytes::from(self.0.as_bytes())
    }
}

impl<'a> Reader<'a> {
    /// Reads the members of a record and checks whose it is.
    pub(crate) fn new(content: &'a RecordBytes, identity: &Identity) -> Result<Self, RecordError> {
        let bytes = content.as_ref();
        if bytes.len() > LONGEST {
            return Err(RecordError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::NotJson)?;
        let mut reader = Self::distinct(text)?;
        match reader.number::<u64>("v") {
            Ok(Some(VERSION)) => {}
            Ok(Some(newer)) if newer > VERSION => return Err(RecordError::NewerVersion(newer)),
            _ => return Err(RecordError::VersionMalformed),
        }
        if reader.text("issuer")?.as_deref().map(String::as_str) != Some(&*identity.issuer) {
            return Err(RecordError::IssuerMismatch);
        }
        if reader.text("client_id")?.as_deref().map(String::as_str) != Some(&*identity.client_id) {
            return Err(RecordError::ClientMismatch);
        }
        if reader.text("name")?.as_deref().map(String::as_str) != Some(identity.name.as_str()) {
            return Err(RecordError::NameMismatch);
        }
        Ok(reader)
    }

    /// The members of an object, each of which must stand in it once.
    fn distinct(text: &'a str) -> Result<Self, RecordError> {
        let members = Members::every(text).map_err(|_| RecordError::NotJson)?;
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(RecordError::DuplicateMember(twice[0].chars().take(40).collect())),
            None => Ok(Self(members)),
        }
    }

    /// A reader of an object that is the value of a member.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Self>, RecordError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(raw)) => Self::distinct(raw).map(Some),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<Zeroizing<String>>, RecordError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.text().map(Zeroizing::new).map(Some).ok_or(RecordError::Malformed(name))
    }

    /// A whole number; anything else, such as a fraction or one out of range, is an error.
    pub(crate) fn number<N: std::str::FromStr>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<N>, RecordError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(raw)) => raw.parse().map(Some).map_err(|_| RecordError::Malformed(name)),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, RecordError> {
        match self.take(name) {
            None | Some(Value::Bool(false)) => Ok(false),
            Some(Value::Bool(true)) => Ok(true),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    /// The elements of an array, raw.
    pub(crate) fn elements(&mut self, name: &'static str) -> Result<Vec<Value<'a>>, RecordError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(value @ Value::Array(_)) => Ok(value.elements().into_iter().map(Value::of).collect()),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    /// Bytes that are written as hexadecimal digits.
    pub(crate) fn bytes<const N: usize>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<[u8; N]>, RecordError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        unhex(&text).map(Some).ok_or(RecordError::Malformed(name))
    }

    /// The members that were not read, each with its value.
    pub(crate) fn values(self) -> impl Iterator<Item = (String, Value<'a>)> {
        self.0.into_iter().map(|(name, raw)| (name, Value::of(raw)))
    }

    /// The members that were not read.
    pub(crate) fn rest(self) -> Unknown {
        let kept = |(name, raw): (String, &str)| (name, Zeroizing::new(raw.to_owned()));
        Unknown(self.0.into_iter().map(kept).collect())
    }

    /// `null` counts as absent.
    fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        let (_, raw) = self.0.remove(place);
        match Value::of(raw) {
            Value::Null => None,
            value => Some(value),
        }
    }
}
