//! Stored tokens as tests read them. The stored form is JSON.

use std::time::Duration;

use octo_auth_core::{
    Client, Entropy, FamilyId, Generation, Job, Policy, RecordBytes, SaveJob, Storage, Timestamp,
    TokenManager, TokenSpec,
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::moment;

/// A stored record, for tests that inspect the content of a store or write a record into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord(Map<String, Value>);

impl StoredRecord {
    /// Reads a record. Returns `None` if it is not a JSON object.
    #[must_use]
    pub fn read(content: &RecordBytes) -> Option<Self> {
        serde_json::from_slice(content.as_ref()).ok().map(Self)
    }

    /// Reads the record that a save job writes.
    pub(crate) fn of(job: &SaveJob) -> Self {
        Self::read(job.content()).unwrap_or(Self(Map::new()))
    }

    /// Returns a record that holds no token and no refresh token.
    #[must_use]
    pub fn empty(client: &Client, key: &TokenSpec) -> Self {
        let entropy = Entropy::from_bytes([1; 64]);
        let mut machine =
            TokenManager::new(client.clone(), Policy::default(), Storage::SingleProcess, &entropy);
        let record = match machine.sign_out(key, moment::start()) {
            Some(Job::Save(save)) => Self::read(save.content()),
            _ => None,
        };
        record.unwrap_or(Self(Map::new())).without("signed_out").without("applied")
    }

    /// Returns this record with a member set to a value, such as `refresh_token`.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.0.insert(member.to_owned(), value.into());
        self
    }

    /// Returns this record with another access token of this lifetime.
    #[must_use]
    pub fn with_access_token(self, token: &str, issued_at: Timestamp, lifetime: Duration) -> Self {
        let expires_at = issued_at.saturating_add(lifetime);
        self.without("renew_after")
            .without("scope")
            .with("access_token", token)
            .with("token_type", "bearer")
            .with("issued_at", issued_at.as_unix_millis())
            .with("expires_at", expires_at.as_unix_millis())
    }

    /// Returns this record without a member.
    #[must_use]
    pub fn without(mut self, member: &str) -> Self {
        self.0.remove(member);
        self
    }

    /// Returns the stored form.
    #[must_use]
    pub fn content(&self) -> RecordBytes {
        RecordBytes::from(Value::Object(self.0.clone()).to_string().into_bytes())
    }

    /// Returns a member, or `None`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns the names of its members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the access token, or `None`.
    #[must_use]
    pub fn access_token(&self) -> Option<&str> {
        self.text("access_token")
    }

    /// Returns the refresh token, or `None`.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.text("refresh_token")
    }

    /// Returns the token family: 32 hexadecimal digits, different for each sign-in.
    #[must_use]
    pub fn family(&self) -> &str {
        self.text("family").unwrap_or_default()
    }

    /// Returns the family and the number of the token.
    #[must_use]
    pub fn generation(&self) -> Generation {
        let family = unhex(self.family()).map(FamilyId::from_bytes).unwrap_or_default();
        Generation { family, number: self.number() }
    }

    /// Returns the number of the token in its family.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.get("number").and_then(Value::as_u64).unwrap_or_default()
    }

    /// Returns why the refresh token is dead, or `None` if it is not. The reason is `refused`, or
    /// `refused_after_doubt` if an earlier use has an unknown outcome.
    #[must_use]
    pub fn dead(&self) -> Option<&'static str> {
        let word = if self.is_set("in_doubt") { "refused_after_doubt" } else { "refused" };
        self.is_set("dead").then_some(word)
    }

    /// Returns whether the account was signed out.
    #[must_use]
    pub fn is_signed_out(&self) -> bool {
        self.is_set("signed_out")
    }

    /// Returns the renewal that was begun but not ended, or `None`.
    #[must_use]
    pub fn attempt(&self) -> Option<&Value> {
        self.0.get("attempt")
    }

    /// Returns the writer of the attempt, as the owner of its claims, or `None`.
    pub(crate) fn attempt_writer(&self) -> Option<&str> {
        self.attempt()?.get("id")?.as_str()?.split_once('-').map(|(writer, _)| writer)
    }

    /// Returns the duration of the attempt from its beginning, or `None`.
    pub(crate) fn attempt_lasts(&self) -> Option<Duration> {
        let moment = |name| self.attempt()?.get(name)?.as_i64().map(Timestamp::from_unix_millis);
        Some(moment("deadline")?.saturating_since(moment("begun")?))
    }

    /// Returns whether the server may have replaced the refresh token.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.attempt().is_some() || self.is_set("in_doubt")
    }

    /// Returns the digest of the refresh token that was exchanged for the present one, or `None`.
    #[must_use]
    pub fn parent(&self) -> Option<&str> {
        self.text("parent")
    }

    /// Returns when the access token was issued, or `None`.
    #[must_use]
    pub fn issued_at(&self) -> Option<Timestamp> {
        self.0.get("issued_at").and_then(Value::as_i64).map(Timestamp::from_unix_millis)
    }

    /// Returns the lifetime of the access token from its issue, or `None`.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        let expires_at = self.0.get("expires_at").and_then(Value::as_i64).map(Timestamp::from_unix_millis)?;
        Some(expires_at.saturating_since(self.issued_at()?))
    }

    /// Returns the digest of a refresh token, as in `parent`: 64 hexadecimal digits.
    #[must_use]
    pub fn digest(refresh_token: &str) -> String {
        Sha256::digest(refresh_token).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn is_set(&self, member: &str) -> bool {
        self.0.get(member) == Some(&Value::Bool(true))
    }

    fn text(&self, member: &str) -> Option<&str> {
        self.0.get(member).and_then(Value::as_str)
    }
}

/// Returns the bytes of 32 hexadecimal digits.
fn unhex(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
