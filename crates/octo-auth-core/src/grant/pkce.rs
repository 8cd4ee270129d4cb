//! Randomness as an argument, and what is made of it: `state` and PKCE (RFC 7636).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// 64 random bytes for one sign-in (256 bits for the `state`, 256 for the PKCE verifier), or to seed one
/// [`TokenManager`](crate::Accounts).
///
/// They must come from the operating system or another cryptographic source; both adapters draw them. They cannot
/// be copied, and [`Client::authorize`](crate::Client::authorize) consumes them: two sign-ins with one `state`
/// could not be told apart.
pub struct Entropy(Zeroizing<[u8; 64]>);

impl Entropy {
    /// Takes random bytes that are secret and were never used before.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to seed what else has to be unguessable.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// A `state` and a code verifier, of 43 characters each.
    pub(crate) fn into_state_and_verifier(self) -> (Secret, Secret) {
        let (state, verifier) = self.0.split_at(32);
        (Secret::new(URL_SAFE_NO_PAD.encode(state)), Secret::new(URL_SAFE_NO_PAD.encode(verifier)))
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(***)")
    }
}

/// The S256 code challenge of a verifier (RFC 7636 section 4.2).
pub(crate) fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}
