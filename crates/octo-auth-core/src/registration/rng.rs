//! Random numbers from a seed that is passed in: the core draws no entropy.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::grant::Entropy;

/// A stream of random bytes. The same seed yields the same stream.
pub(crate) struct SeededRng {
    seed: Zeroizing<[u8; 32]>,
    drawn: u64,
}

impl SeededRng {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { seed: Zeroizing::new(Sha256::digest(entropy.as_bytes()).into()), drawn: 0 }
    }

    /// Returns 16 unpredictable bytes.
    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        self.drawn += 1;
        let digest = Sha256::new().chain_update(*self.seed).chain_update(self.drawn.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes
    }

    /// Returns 64 unpredictable bits.
    pub(crate) fn number(&mut self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns a fraction of one in units of 2^-32.
    pub(crate) fn fraction(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Debug for SeededRng {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededRng").field("drawn", &self.drawn).finish_non_exhaustive()
    }
}
