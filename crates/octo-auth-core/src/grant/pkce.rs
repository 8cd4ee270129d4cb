//! [`Entropy`]: random bytes that are passed in, and the `state` and PKCE verifier (RFC 7636) made from them.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::Secret;

/// 64 random bytes for one sign-in (256 bits for the `state`, 256 for the PKCE verifier), or to seed one
/// [`TokenManager`](crate::TokenManager).
///
/// They must come from the operating system or another cryptographic source; both adapters do this. They
/// cannot be copied, and [`Client::authorize`](crate::Client::authorize) consumes them: two sign-ins with the
/// same `state` would be indistinguishable.
pub struct Entropy(Zeroizing<[u8; 64]>);

impl Entropy {
    /// Returns entropy of these bytes, which must be random, secret and never used before.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes, to seed other unguessable values.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// Returns a `state` and a code verifier, of 43 characters each.
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

/// Returns the S256 code challenge of a verifier (RFC 7636 section 4.2).
pub(crate) fn challenge(verifier: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}
