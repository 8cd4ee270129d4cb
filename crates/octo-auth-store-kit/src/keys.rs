//! Keys, each with an id: one key writes, further keys still read.
//!
//! The cipher is ChaCha20-Poly1305 with a random nonce of 96 bits for each write. A nonce repeats by chance only after
//! about 2^32 writes with one key, more than a store of accounts makes. A new key starts the count again.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use octo_auth_core::RecordBytes;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{Context, SHA256};
use zeroize::Zeroizing;

use crate::command;
use crate::error::{SealError, SecretError};
use crate::secret_source::{SecretSource, label, one_line};

/// A key of 256 bits and its id. Each record that is sealed with the key contains the id.
#[derive(Clone)]
pub struct Key {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

/// The keys of a store: one key seals the records that are written, all keys open the records that are read.
#[derive(Clone)]
pub struct Keys {
    writing: Key,
    others: Vec<Key>,
}

impl Key {
    /// Creates a key from these bytes, which must be random.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError::Label`] unless the id has 1 to 64 characters of `a-z`, `0-9`, `-` and `_`.
    pub fn new(id: &str, bytes: [u8; 32]) -> Result<Self, SecretError> {
        Ok(Self { id: label("id of a key", id)?, bytes: Zeroizing::new(bytes) })
    }

    /// Reads a key of 64 hexadecimal digits, as `openssl rand -hex 32` prints it, from a file or an environment variable.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError::Unobtainable`] if the source cannot be read or does not contain a key.
    pub fn read(id: &str, source: &SecretSource) -> Result<Self, SecretError> {
        let secret = source.obtain()?;
        Self::parse(id, secret.expose().as_bytes(), &source.to_string())
    }

    /// Runs a command that prints a key of 64 hexadecimal digits, such as one of a password manager. The command is
    /// killed if it has not ended after `timeout`. The timeout must leave a person time to type a password.
    ///
    /// # Errors
    ///
    /// Returns [`SecretError::Unobtainable`] if the command cannot be run, fails, does not end in time, or does not
    /// print a key.
    pub fn from_command(id: &str, command: &mut Command, timeout: Duration) -> Result<Self, SecretError> {
        let from = format!("the output of {:?}", command.get_program());
        match command::output(command, timeout) {
            Ok(printed) => Self::parse(id, one_line(&printed), &from),
            Err((problem, source)) => Err(SecretError::Unobtainable { from, problem, source }),
        }
    }

    /// Returns this key with an id derived from its bytes: 64 bits of a digest, which reveal nothing about the key. So
    /// a new key never has the id of the key it replaces.
    #[must_use]
    pub fn with_own_id(self) -> Self {
        let mut digest = Context::new(&SHA256);
        digest.update(b"octo-auth key id");
        digest.update(self.bytes.as_slice());
        let id = digest.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { id, ..self }
    }

    fn parse(id: &str, text: &[u8], from: &str) -> Result<Self, SecretError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let is_key = text.len() == 64
            && bytes.iter_mut().zip(text.chunks(2)).all(|(byte, pair)| {
                let digits = digit(pair[0]).zip(digit(pair[1]));
                digits.inspect(|(high, low)| *byte = high << 4 | low).is_some()
            });
        if !is_key {
            let problem = "a key has 64 hexadecimal digits, as `openssl rand -hex 32` prints them";
            return Err(SecretError::Unobtainable { from: from.to_owned(), problem, source: None });
        }
        Self::new(id, *bytes)
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*self.bytes);
        key.map(LessSafeKey::new).map_err(|_| self.unusable("the key does not fit the cipher"))
    }

    fn unusable(&self, problem: &'static str) -> SealError {
        SealError::Unusable { key: self.id.clone(), problem }
    }
}

impl Keys {
    /// Creates keys from one key, which both seals and opens.
    #[must_use]
    pub fn new(writing: Key) -> Self {
        Self { writing, others: Vec::new() }
    }

    /// Adds a key that opens records sealed with it earlier. After a `rekey` of the store it is no longer needed.
    #[must_use]
    pub fn and_read(mut self, key: Key) -> Self {
        self.others.push(key);
        self
    }

    /// Returns the id of the key that writes.
    pub(crate) fn writing(&self) -> &str {
        &self.writing.id
    }

    /// Returns a nonce and the sealed content.
    pub(crate) fn seal(&self, authenticated: &str, content: &RecordBytes) -> Result<RecordBytes, SealError> {
        let cipher = self.writing.cipher()?;
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)
            .map_err(|_| self.writing.unusable("the operating system gave no random bytes"))?;
        let content = content.as_ref();
        let mut sealed =
            Zeroizing::new(Vec::with_capacity(NONCE_LEN + content.len() + CHACHA20_POLY1305.tag_len()));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(content);
        let tag = cipher.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(authenticated),
            &mut sealed[NONCE_LEN..],
        );
        let tag = tag.map_err(|_| self.writing.unusable("the record is too large to be sealed"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(RecordBytes::from(std::mem::take(&mut *sealed)))
    }

    /// Opens a content that was sealed with the key of this id.
    pub(crate) fn open(
        &self,
        id: &str,
        authenticated: &str,
        sealed: &RecordBytes,
    ) -> Result<RecordBytes, SealError> {
        let key = std::iter::once(&self.writing).chain(&self.others).find(|key| key.id == id);
        let Some(key) = key else { return Err(SealError::KeyMissing { key: id.to_owned() }) };
        let cipher = key.cipher()?;
        let broken = || SealError::Broken { key: id.to_owned() };
        let (nonce, sealed) = sealed.as_ref().split_first_chunk().ok_or_else(broken)?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = cipher.open_in_place(nonce, Aad::from(authenticated), &mut content);
        Ok(RecordBytes::from(&*opened.map_err(|_| broken())?))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("writing", &self.writing).field("others", &self.others).finish()
    }
}
