//! The common part of all stored records: the format's version, the record's identity, and unknown members.
//!
//! A record is a JSON object in memory that is wiped. Data from a store is as untrusted as data from the
//! network: sizes are limited, a duplicate member is an error, and a record of another registration or name
//! is rejected.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::hexadecimal::{digits, unhex};
use super::{RecordBytes, RecordName};
use crate::answer::members::{Members, Value};
use crate::printable::Printable;

/// The format's version.
const VERSION: u64 = 1;

/// The largest accepted record, in bytes.
const LONGEST: usize = 256 * 1024;

/// The usual limit of a record's size, in bytes.
const ROOM: usize = 1024;

/// Why stored bytes cannot be used as the requested record. The record is not overwritten then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is larger than 256 KiB.
    #[error("the record is larger than 256 KiB")]
    TooLarge,
    /// It is not a JSON object in UTF-8.
    #[error(
        "the stored record is not a JSON object; restore it from a backup, or remove it and sign in again"
    )]
    NotJson,
    /// A member occurs twice.
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
    /// Its access token contains characters that are not allowed in a header.
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

/// The identity of a record: issuer, client and name.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) name: RecordName,
    pub(crate) issuer: Arc<str>,
    pub(crate) client_id: Arc<str>,
}

/// Members of a record that this release does not know. They are kept unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Unknown(Box<[(String, Zeroizing<String>)]>);

impl RecordBytes {
    /// Returns the content if it is short enough to be read.
    pub(crate) fn readable(&self) -> Result<&Self, RecordError> {
        if self.as_ref().len() > LONGEST { Err(RecordError::TooLarge) } else { Ok(self) }
    }

    /// Returns the record of an account marked as in doubt: its refresh token may have been used since. Use
    /// it for a record from a backup. Its refresh token is then sent at most once more.
    ///
    /// # Errors
    ///
    /// A [`RecordError`] if this is not a record of this release's format.
    pub fn in_doubt(&self) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(self.as_ref()).map_err(|_| RecordError::NotJson)?;
        let mut reader = Reader::distinct(text)?;
        reader.version()?;
        reader.flag("in_doubt")?;
        let mut writer = Writer::empty();
        writer.flag("in_doubt", true);
        Ok(writer.finish(&reader.rest()))
    }
}

/// Writes the members of a record into memory that is wiped, even when it has to grow.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

/// The members of a record that have not been read yet.
pub(crate) struct Reader<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl Writer {
    pub(crate) fn new(identity: &Identity) -> Self {
        let mut writer = Self::empty();
        writer.text("name", identity.name.as_str());
        writer.text("issuer", &identity.issuer);
        writer.text("client_id", &identity.client_id);
        writer
    }

    /// Begins a record of this release's format.
    fn empty() -> Self {
        let mut writer = Self(Zeroizing::new(Vec::with_capacity(ROOM)));
        writer.push(b"{");
        writer.number("v", VERSION);
        writer
    }

    /// Writes an object with the members that `write` writes.
    pub(crate) fn object(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.name(name);
        self.push(b"{");
        write(self);
        self.push(b"}");
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.quoted(value);
    }

    pub(crate) fn number(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        self.display(value);
    }

    /// Writes `true`. A flag that is not set is omitted.
    pub(crate) fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.raw(name, "true");
        }
    }

    /// Writes bytes as hexadecimal digits.
    pub(crate) fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.name(name);
        self.push(b"\"");
        self.digits(bytes);
        self.push(b"\"");
    }

    /// Writes an array of hexadecimal strings. An empty array is omitted.
    pub(crate) fn hexes<const N: usize>(&mut self, name: &str, items: &[[u8; N]]) {
        self.texts(name, items, |to, bytes| to.digits(bytes));
    }

    /// Writes an array of strings. `write` must not write characters that JSON escapes. An empty array is
    /// omitted.
    pub(crate) fn texts<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        let Some((first, rest)) = items.split_first() else { return };
        self.name(name);
        self.push(b"[\"");
        write(self, first);
        for item in rest {
            self.push(b"\",\"");
            write(self, item);
        }
        self.push(b"\"]");
    }

    /// Writes an array of numbers.
    pub(crate) fn numbers(&mut self, name: &str, numbers: impl Iterator<Item = i64>) {
        self.name(name);
        let mut begin: &[u8] = b"[";
        for number in numbers {
            self.push(std::mem::replace(&mut begin, b","));
            self.display(number);
        }
        self.push(if begin == b"[" { b"[]" } else { b"]" });
    }

    pub(crate) fn display(&mut self, value: impl fmt::Display) {
        let written = write!(self, "{value}");
        debug_assert!(written.is_ok(), "memory takes all bytes");
    }

    fn digits(&mut self, bytes: &[u8]) {
        for bytes in bytes.chunks(16) {
            let mut text = [0; 32];
            let pairs = text.chunks_exact_mut(2).zip(bytes);
            pairs.for_each(|(pair, byte)| pair.copy_from_slice(&digits(*byte)));
            self.push(&text[..2 * bytes.len()]);
        }
    }

    /// Writes a value that is JSON already.
    fn raw(&mut self, name: &str, value: &str) {
        self.name(name);
        self.push(value.as_bytes());
    }

    fn name(&mut self, name: &str) {
        if !self.0.ends_with(b"{") {
            self.push(b",");
        }
        self.quoted(name);
        self.push(b":");
    }

    /// Writes a string (RFC 8259 section 7). `serde_json` would use its own memory, which is not wiped.
    fn quoted(&mut self, text: &str) {
        self.push(b"\"");
        let mut rest = text;
        while let Some(at) = rest.find(|letter| matches!(letter, '"' | '\\' | '\0'..='\x1f')) {
            let (plain, escaped) = rest.split_at(at);
            self.push(plain.as_bytes());
            match escaped.as_bytes()[0] {
                byte @ (b'"' | b'\\') => self.push(&[b'\\', byte]),
                byte => self.display(format_args!("\\u{byte:04x}")),
            }
            rest = &escaped[1..];
        }
        self.push(rest.as_bytes());
        self.push(b"\"");
    }

    fn push(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * length));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn finish(mut self, unknown: &Unknown) -> RecordBytes {
        unknown.0.iter().for_each(|(name, value)| self.raw(name, value));
        self.push(b"}");
        RecordBytes(self.0)
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl<'a> Reader<'a> {
    /// Reads the members of a record and checks its identity.
    pub(crate) fn new(content: &'a RecordBytes, identity: &Identity) -> Result<Self, RecordError> {
        let bytes = content.readable()?.as_ref();
        let text = std::str::from_utf8(bytes).map_err(|_| RecordError::NotJson)?;
        let mut reader = Self::distinct(text)?;
        reader.version()?;
        if reader.label("issuer")?.as_deref() != Some(&*identity.issuer) {
            return Err(RecordError::IssuerMismatch);
        }
        if reader.label("client_id")?.as_deref() != Some(&*identity.client_id) {
            return Err(RecordError::ClientMismatch);
        }
        if reader.label("name")?.as_deref() != Some(identity.name.as_str()) {
            return Err(RecordError::NameMismatch);
        }
        Ok(reader)
    }

    /// Checks that this release reads the format.
    fn version(&mut self) -> Result<(), RecordError> {
        match self.number::<u64>("v") {
            Ok(Some(VERSION)) => Ok(()),
            Ok(Some(newer)) if newer > VERSION => Err(RecordError::NewerVersion(newer)),
            _ => Err(RecordError::VersionMalformed),
        }
    }

    /// Reads the members of an object, each of which must occur once.
    fn distinct(text: &'a str) -> Result<Self, RecordError> {
        let members = Members::every(text).map_err(|_| RecordError::NotJson)?;
        let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        // Compare by length first: most names differ in it, so few are compared byte by byte.
        names.sort_unstable_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(twice) => Err(RecordError::DuplicateMember(twice[0].chars().take(40).collect())),
            None => Ok(Self(members)),
        }
    }

    /// Reads a member that is an object.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Self>, RecordError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(raw)) => Self::distinct(raw).map(Some),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    /// Reads a string that is not secret.
    pub(crate) fn label(&mut self, name: &'static str) -> Result<Option<Cow<'a, str>>, RecordError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.borrowed_text().map(Some).ok_or(RecordError::Malformed(name))
    }

    /// Reads a string that may be a secret.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<Zeroizing<String>>, RecordError> {
        let Some(value) = self.take(name) else { return Ok(None) };
        value.text().map(Zeroizing::new).map(Some).ok_or(RecordError::Malformed(name))
    }

    /// Reads an integer. Anything else, such as a fraction or a value out of range, is an error.
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

    /// Reads an array of strings.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Vec<Cow<'a, str>>, RecordError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(value) => value.texts().ok_or(RecordError::Malformed(name)),
        }
    }

    /// Returns the raw elements of an array.
    pub(crate) fn elements(&mut self, name: &'static str) -> Result<Vec<Value<'a>>, RecordError> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(value @ Value::Array(_)) => Ok(value.elements().into_iter().map(Value::of).collect()),
            Some(_) => Err(RecordError::Malformed(name)),
        }
    }

    /// Reads bytes that are written as hexadecimal digits.
    pub(crate) fn bytes<const N: usize>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<[u8; N]>, RecordError> {
        let Some(text) = self.label(name)? else { return Ok(None) };
        unhex(&text).map(Some).ok_or(RecordError::Malformed(name))
    }

    /// Returns the members that have not been read, each with its value.
    pub(crate) fn values(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'a>)> {
        self.0.into_iter().map(|(name, raw)| (name, Value::of(raw)))
    }

    /// Returns the members that have not been read.
    pub(crate) fn rest(self) -> Unknown {
        let kept = |(name, raw): (Cow<'_, str>, &str)| (name.into_owned(), Zeroizing::new(raw.to_owned()));
        Unknown(self.0.into_iter().map(kept).collect())
    }

    /// Removes a member and returns it. `null` counts as missing.
    fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        let (_, raw) = self.0.remove(place);
        match Value::of(raw) {
            Value::Null => None,
            value => Some(value),
        }
    }
}
