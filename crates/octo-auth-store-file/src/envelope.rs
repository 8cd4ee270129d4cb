//! The file format: header lines that name the record, followed by its content.
//!
//! ```text
//! octo-auth-record 1
//! name identity.officernd.com.my-client.2ad2810674002b68.account.hotel-17.d38cf2f73a715bf14d6a65ec21905dbe
//! version 7
//! key 2026                        only if it is sealed
//! length 812
//! sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//!
//! {"v":1, ...}                    or a nonce and sealed bytes
//! ```
//!
//! The checksum covers the bytes of the content as stored. The seal authenticates all lines above `length`.

use octo_auth_core::{RecordBytes, Version};
use octo_auth_store_kit::{FORMAT, MAGIC};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::Damage;

/// The content of a file, decoded.
pub(crate) struct Envelope {
    pub(crate) version: Version,
    /// The id of the key that the content is sealed with.
    pub(crate) key: Option<String>,
    pub(crate) content: RecordBytes,
}

/// Why a file cannot be read as a record.
pub(crate) enum Unreadable {
    Damaged(Damage),
    NewerFormat(u64),
}

impl From<Damage> for Unreadable {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Returns the bytes of a file.
pub(crate) fn encode(authenticated: &str, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let sum = hex(&Sha256::digest(content));
    let head = format!("{authenticated}length {}\nsha256 {sum}\n\n", content.len());
    // The buffer must not grow: that would leave an unwiped copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + content.len()));
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// Decodes a file that must contain the record of this name.
pub(crate) fn decode(bytes: &[u8], name: &str) -> Result<Envelope, Unreadable> {
    format(bytes)?;
    let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or(Damage::Torn)?;
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| Damage::Header)?;
    let content = &bytes[end + 2..];
    let mut lines = head.lines().skip(1).peekable();
    let mut line = |key: &str| {
        let value = lines.peek().and_then(|line| line.strip_prefix(key)?.strip_prefix(' '));
        value.inspect(|_| {
            lines.next();
        })
    };
    let stored_name = line("name").ok_or(Damage::Header)?;
    let version = line("version").and_then(number).filter(|version| *version > 0).ok_or(Damage::Header)?;
    let key = line("key").map(str::to_owned);
    let length = line("length").and_then(number).ok_or(Damage::Header)?;
    let sum = line("sha256").ok_or(Damage::Header)?;
    if lines.next().is_some() {
        return Err(Damage::Header.into());
    }
    if (content.len() as u64) < length {
        return Err(Damage::Torn.into());
    }
    if content.len() as u64 > length || hex(&Sha256::digest(content)) != sum {
        return Err(Damage::Checksum.into());
    }
    if stored_name != name {
        return Err(Damage::OtherName.into());
    }
    Ok(Envelope { version: Version(version), key, content: content.into() })
}

/// Checks the first line.
fn format(bytes: &[u8]) -> Result<(), Unreadable> {
    if bytes.is_empty() {
        return Err(Damage::Empty.into());
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Damage::Zeros.into());
    }
    let Some(rest) = bytes.strip_prefix(MAGIC.as_bytes()) else {
        let is_begun = MAGIC.as_bytes().starts_with(bytes);
        return Err(if is_begun { Damage::Torn } else { Damage::Foreign }.into());
    };
    let end = rest.iter().position(|byte| *byte == b'\n').ok_or(Damage::Torn)?;
    match std::str::from_utf8(&rest[..end]).ok().and_then(number) {
        Some(FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(Unreadable::NewerFormat(newer)),
        _ => Err(Damage::Header.into()),
    }
}

/// Parses a number in its written form: digits without a sign or leading zeros, at most 2^63 - 1.
fn number(text: &str) -> Option<u64> {
    let number = text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())?;
    (number.to_string() == text).then_some(number)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the text from which [`hex`] made the digits; `None` if they are invalid.
pub(crate) fn unhex(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    String::from_utf8(pairs.map(byte).collect::<Option<_>>()?).ok()
}
