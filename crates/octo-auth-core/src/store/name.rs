//! The name of a record in a store.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::hexadecimal::{hex, unhex};

/// The longest name, in bytes.
const LONGEST: usize = 200;

/// The name of a record in a store, such as
/// `identity.officernd.com.my-client.3f0a86cf5f3df1d0.client.flex-read.0c6a4a7e21c1f9a0d8e1b6c6a4d9f0aa`.
///
/// It consists of printable ASCII (`a-z`, `A-Z`, `0-9`, `.`, `-`, `_`), has at most 200 bytes, and is stable
/// across releases. The readable part contains the host of the issuer, the client id, the grant and the
/// account. Two digests make it unique: 64 bits of issuer and client id, and 128 bits of issuer, client id,
/// grant, account, scopes and parameters. It contains no parameter value in plain text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordName(Arc<str>);

/// The error for a text that is not the name of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record name has 1 to 200 characters of a-z, A-Z, 0-9, '.', '-' and '_', and ends with a digest")]
pub struct RecordNameError;

impl RecordName {
    /// Parses a name that a store has kept.
    ///
    /// # Errors
    ///
    /// A [`RecordNameError`] if the text cannot be a name.
    pub fn parse(text: &str) -> Result<Self, RecordNameError> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let digest = text.rsplit('.').next().unwrap_or_default();
        let has_digest = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() > LONGEST || !has_digest || !text.bytes().all(is_part) {
            return Err(RecordNameError);
        }
        Ok(Self(text.into()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the digest that makes the name unique.
    pub(crate) fn digest(&self) -> [u8; 16] {
        self.0.rsplit('.').next().and_then(unhex).unwrap_or_default()
    }

    /// Returns the prefix that all records of one registration share, including the digest of issuer and
    /// client.
    ///
    /// Use it to [list](crate::Store::list) a registration's records.
    #[must_use]
    pub fn registration(&self) -> &str {
        let parts: Vec<&str> = self.0.rsplitn(4, '.').collect();
        parts.last().copied().unwrap_or_default()
    }

    /// Builds a name from readable parts and from digests over the parts and the lists.
    pub(crate) fn assembled(
        issuer: &str,
        client_id: &str,
        grant: &str,
        account: &str,
        lists: &[&[&str]],
    ) -> Self {
        let registration = hex(&digest(&[&[issuer, client_id]])[..8]);
        let head = ["octo-auth record", issuer, client_id, grant];
        let all: Vec<&[&str]> = std::iter::once(&head[..]).chain(lists.iter().copied()).collect();
        let unique = hex(&digest(&all)[..16]);
        let host =
            issuer.split("://").last().unwrap_or_default().split(['/', '?']).next().unwrap_or_default();
        let host = readable(host, |letter| letter.is_ascii_alphanumeric() || letter == '.');
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let (client_id, account) = (readable(client_id, is_part), readable(account, is_part));
        Self(format!("{host}.{client_id}.{registration}.{grant}.{account}.{unique}").into())
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns a digest over lists of texts. Each text is preceded by its length, so different lists never have
/// the same encoding.
fn digest(lists: &[&[&str]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for list in lists {
        digest.update((list.len() as u64).to_be_bytes());
        for text in *list {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
    }
    digest.finalize().into()
}

/// Returns the first 40 characters, with a hyphen in place of each character that is not kept.
fn readable(text: &str, is_kept: impl Fn(char) -> bool) -> String {
    text.chars().take(40).map(|letter| if is_kept(letter) { letter } else { '-' }).collect()
}
