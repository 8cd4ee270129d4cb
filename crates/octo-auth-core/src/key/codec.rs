//! The stored form of a [`Record`]: JSON with one member for each field.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::record::{Attempt, FamilyId, Fingerprint, History, OperationId, Pause, Record};
use crate::answer::members::Value;
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::store::{Identity, Reader, RecordBytes, RecordError, StoreError, Writer, unhex};
use crate::time::Timestamp;
use crate::token::{AccessToken, KeptMember, KeptMembers, LONGEST_KEPT, LONGEST_LIFETIME, TokenSet};

/// The highest accepted number of attempts.
const MOST_COUNTED: u64 = 1 << 53;

impl Record {
    /// Encodes the record, or returns an error if no process could read it again.
    pub(crate) fn encode(&self, identity: &Identity) -> Result<RecordBytes, StoreError> {
        let mut to = Writer::new(identity);
        to.hex("family", self.family.as_bytes());
        to.number("attempts", self.attempts);
        to.number("answered", self.answered);
        if let Some(token) = &self.token {
            to.number("number", self.number);
            write_token(&mut to, token);
        }
        if let Some(refresh_token) = &self.refresh_token {
            to.text("refresh_token", refresh_token.expose());
        }
        if let Some(parent) = &self.parent {
            to.hex("parent", parent.as_bytes());
        }
        if let Some(attempt) = &self.attempt {
            to.object("attempt", |to| {
                to.text("id", &attempt.id.to_string());
                to.number("number", attempt.number);
                to.number("begun", attempt.begun.as_unix_millis());
                to.number("deadline", attempt.deadline.as_unix_millis());
            });
        }
        to.flag("in_doubt", self.in_doubt);
        to.flag("dead", self.is_dead);
        if let Some(pause) = &self.pause {
            to.object("pause", |to| {
                to.number("from", pause.from.as_unix_millis());
                to.number("until", pause.until.as_unix_millis());
                to.flag("of_client", pause.of_client);
            });
        }
        to.flag("signed_out", self.signed_out);
        to.texts("applied", self.history.applied(), |to, id| to.display(id));
        to.hexes("used", self.history.used());
        to.hexes("seeds", self.history.seeds());
        let content = to.finish(&self.unknown);
        content.readable().map_err(StoreError::unstorable)?;
        Ok(content)
    }

    /// Decodes a record. It is as untrusted as an answer from the network.
    pub(crate) fn decode(content: &RecordBytes, identity: &Identity) -> Result<Self, RecordError> {
        let mut from = Reader::new(content, identity)?;
        let answered = read_count(&mut from, "answered")?.unwrap_or_default();
        let number = read_count(&mut from, "number")?.unwrap_or_default();
        let attempts = read_count(&mut from, "attempts")?.unwrap_or_default();
        let (token, is_clamped) = read_token(&mut from, identity.issuer.clone())?;
        Ok(Self {
            family: from.bytes("family")?.map(FamilyId::from_bytes).unwrap_or_default(),
            attempts: attempts.max(answered).max(number),
            answered,
            number,
            token: token.map(Arc::new),
            is_clamped,
            refresh_token: read_refresh_token(&mut from)?,
            parent: from.bytes("parent")?.map(Fingerprint::from_bytes),
            attempt: from.object("attempt")?.map(read_attempt).transpose()?.map(Box::new),
            in_doubt: from.flag("in_doubt")?,
            is_dead: from.flag("dead")?,
            pause: from.object("pause")?.map(read_pause).transpose()?.map(Box::new),
            signed_out: from.flag("signed_out")?,
            history: read_history(&mut from)?,
            unknown: from.rest(),
        })
    }
}

fn write_token(to: &mut Writer, token: &TokenSet) {
    to.text("access_token", token.access_token().expose());
    to.text("token_type", "bearer");
    to.number("issued_at", token.issued_at().as_unix_millis());
    if let Some(expires_at) = token.expires_at() {
        to.number("expires_at", expires_at.as_unix_millis());
    }
    if let Some(renew_after) = token.renew_after() {
        to.number("renew_after", renew_after.as_millis());
    }
    if let Some(scopes) = token.scopes() {
        to.text("scope", &scopes.to_string());
    }
    for (list, is_secret) in [("members", false), ("secret_members", true)] {
        let mut listed = token.kept.iter().filter(|member| member.is_secret == is_secret).peekable();
        if listed.peek().is_some() {
            to.object(list, |to| listed.for_each(|member| to.text(&member.name, member.value.expose())));
        }
    }
}

/// Reads the token, and whether its lifetime was shortened to ten years. An empty access token counts as
/// missing.
fn read_token(from: &mut Reader<'_>, issuer: Arc<str>) -> Result<(Option<TokenSet>, bool), RecordError> {
    let text = from.text("access_token")?.filter(|text| !text.is_empty());
    let token_type = from.label("token_type")?;
    if token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(RecordError::TokenTypeUnsupported);
    }
    let issued_at = from.number("issued_at")?.map(Timestamp::from_unix_millis);
    let expires_at = from.number("expires_at")?.map(Timestamp::from_unix_millis);
    let renew_after = from.number("renew_after")?.map(Duration::from_millis);
    let scopes = from.label("scope")?.map(|text| Scopes::parse(&text)).transpose();
    let scopes = scopes.map_err(|_| RecordError::Malformed("scope"))?;
    let mut kept = read_members(from, "members", false)?;
    kept.extend(read_members(from, "secret_members", true)?);
    let Some(text) = text else { return Ok((None, false)) };
    let access_token = AccessToken::new(text.as_str()).ok_or(RecordError::AccessTokenUnsafe)?;
    let issued_at = issued_at.ok_or(RecordError::Malformed("issued_at"))?;
    let told = expires_at.map(|end| end.saturating_since(issued_at));
    let lifetime = told.map(|told| told.min(LONGEST_LIFETIME));
    let (refresh_token, kept) = (None, KeptMembers::new(kept));
    let tokens =
        TokenSet { access_token, issuer, issued_at, lifetime, renew_after, refresh_token, scopes, kept };
    Ok((Some(tokens), lifetime < told))
}

/// Reads members of token answers.
fn read_members(
    from: &mut Reader<'_>,
    list: &'static str,
    is_secret: bool,
) -> Result<Vec<KeptMember>, RecordError> {
    let Some(object) = from.object(list)? else { return Ok(Vec::new()) };
    let member = |(name, value): (Cow<'_, str>, Value<'_>)| {
        let value = value.text().filter(|value| value.len() <= LONGEST_KEPT).map(Secret::new)?;
        Some(KeptMember { name: name.into_owned(), value, is_secret })
    };
    let all: Option<Vec<_>> = object.values().map(member).collect();
    all.ok_or(RecordError::Malformed(list))
}

/// Reads a counter. It must be far below the largest integer, because it is incremented.
fn read_count(from: &mut Reader<'_>, name: &'static str) -> Result<Option<u64>, RecordError> {
    let count = from.number(name)?;
    if count.is_some_and(|count: u64| count > MOST_COUNTED) {
        Err(RecordError::Malformed(name))
    } else {
        Ok(count)
    }
}

fn read_refresh_token(from: &mut Reader<'_>) -> Result<Option<Secret>, RecordError> {
    let text = from.text("refresh_token")?.filter(|text| !text.is_empty());
    Ok(text.map(|text| Secret::new(text.as_str())))
}

fn read_attempt(mut from: Reader<'_>) -> Result<Attempt, RecordError> {
    let missing = || RecordError::Malformed("attempt");
    let id = from.label("id")?.and_then(|text| read_id(&text)).ok_or_else(missing)?;
    let number = read_count(&mut from, "number")?.ok_or_else(missing)?;
    let begun = from.number("begun")?.map(Timestamp::from_unix_millis).ok_or_else(missing)?;
    let deadline = from.number("deadline")?.map(Timestamp::from_unix_millis).ok_or_else(missing)?;
    Ok(Attempt { id, number, begun, deadline })
}

fn read_pause(mut from: Reader<'_>) -> Result<Pause, RecordError> {
    let missing = || RecordError::Malformed("pause");
    let begun = from.number("from")?.map(Timestamp::from_unix_millis).ok_or_else(missing)?;
    let until = from.number("until")?.map(Timestamp::from_unix_millis).ok_or_else(missing)?;
    Ok(Pause { from: begun, until, of_client: from.flag("of_client")? })
}

fn read_history(from: &mut Reader<'_>) -> Result<History, RecordError> {
    let applied = read_texts(from, "applied", read_id)?;
    Ok(History::restored(&applied, &read_texts(from, "used", unhex)?, &read_texts(from, "seeds", unhex)?))
}

fn read_texts<T>(
    from: &mut Reader<'_>,
    name: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, RecordError> {
    let all: Option<Vec<T>> = from.texts(name)?.iter().map(|text| read(text)).collect();
    all.ok_or(RecordError::Malformed(name))
}

/// Writes the operation's identity, such as `9f3a61c07bd2e854-12`.
impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.writer, self.sequence)
    }
}

fn read_id(text: &str) -> Option<OperationId> {
    let (writer, sequence) = text.split_once('-')?;
    Some(OperationId { writer: u64::from_be_bytes(unhex(writer)?), sequence: sequence.parse().ok()? })
}
