//! Random numbers from a seed that was an argument: the core draws none.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::grant::Entropy;

/// A stream of random bytes, the same for the same seed.
pub(crate) struct Dice {
    seed: Zeroizing<[u8; 32]>,
    thrown: u64,
}

impl Dice {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { seed: Zeroizing::new(Sha256::digest(entropy.as_bytes()).into()), thrown: 0 }
    }

    /// 16 bytes nobody can guess.
    pub(crate) fn bytes(&mut self) -> [u8; 16] {
        self.thrown += 1;
        let digest =
            Sha256::new().chain_update(*self.seed).chain_update(self.thrown.to_be_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        bytes
    }

    /// A fraction of one in units of 2^-32.
    pub(crate) fn fraction(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dice").field("thrown", &self.thrown).finish_non_exhaustive()
    }
}
