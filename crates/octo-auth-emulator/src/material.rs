//! Tokens, codes, identifiers and secrets in the formats of the providers' documents.
//!
//! All values come from SHA-256 over a seed and a counter, so generating one cannot fail.

use sha2::{Digest, Sha256};

/// The mark with which every token, code, client secret and API key of an emulator begins, after the prefix of its
/// provider. Search a program's log for it to find leaks.
///
/// The eight digits replace eight random ones, so that a secret looks as the provider documents it.
pub const SECRET_MARK: &str = "5ec2e700";

/// An endless source of unpredictable text.
pub(crate) struct Material {
    seed: [u8; 32],
    drawn: u64,
}

impl Material {
    /// Creates an independent source for each `purpose` from one seed.
    pub(crate) fn new(seed: &[u8; 32], purpose: &str) -> Self {
        let seed = Sha256::new().chain_update(seed).chain_update(purpose).finalize().into();
        Self { seed, drawn: 0 }
    }

    /// Returns lower-case hexadecimal digits.
    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.text(length, b"0123456789abcdef")
    }

    /// Returns capital letters.
    pub(crate) fn capitals(&mut self, length: usize) -> String {
        self.text(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    }

    /// Returns letters of both cases and digits.
    pub(crate) fn alphanumerics(&mut self, length: usize) -> String {
        self.text(length, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    }

    /// Returns lower-case hexadecimal digits that begin with the mark of a secret.
    pub(crate) fn secret_hex(&mut self, length: usize) -> String {
        SECRET_MARK.to_owned() + &self.hex(length - SECRET_MARK.len())
    }

    /// Returns letters of both cases and digits that begin with the mark of a secret.
    pub(crate) fn secret_alphanumerics(&mut self, length: usize) -> String {
        SECRET_MARK.to_owned() + &self.alphanumerics(length - SECRET_MARK.len())
    }

    /// Returns a UUID whose first group is the mark of a secret.
    pub(crate) fn secret_uuid(&mut self) -> String {
        SECRET_MARK.to_owned() + &self.uuid()[SECRET_MARK.len()..]
    }

    /// Returns a UUID in its hyphenated form (RFC 9562 section 4).
    pub(crate) fn uuid(&mut self) -> String {
        [8, 4, 4, 4, 12].map(|length| self.hex(length)).join("-")
    }

    fn text(&mut self, length: usize, alphabet: &[u8]) -> String {
        (0..length).map(|_| char::from(alphabet[self.draw() % alphabet.len()])).collect()
    }

    fn draw(&mut self) -> usize {
        self.drawn += 1;
        let digest = Sha256::new().chain_update(self.seed).chain_update(self.drawn.to_be_bytes()).finalize();
        usize::from(u16::from_be_bytes([digest[0], digest[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_two_purposes_differ() {
        let (mut one, mut other) = (Material::new(&[7; 32], "one"), Material::new(&[7; 32], "other"));
        let first = one.hex(32);
        assert_eq!(first.len(), 32);
        assert_ne!(first, one.hex(32));
        assert_ne!(first, other.hex(32));
    }

    #[test]
    fn a_secret_is_marked_in_its_own_shape() {
        let mut material = Material::new(&[7; 32], "secrets");
        for secret in [material.secret_hex(36), material.secret_alphanumerics(36), material.secret_uuid()] {
            assert!(secret.starts_with(SECRET_MARK) && secret.len() == 36, "{secret}");
        }
        assert_ne!(material.secret_uuid(), material.secret_uuid());
    }

    #[test]
    fn a_uuid_has_its_hyphens_in_place() {
        let uuid = Material::new(&[0; 32], "uuid").uuid();
        assert_eq!(uuid.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
