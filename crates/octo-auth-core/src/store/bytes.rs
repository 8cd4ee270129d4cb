//! The encoded content of a record.

use std::fmt;

use zeroize::Zeroizing;

/// The encoded content of a record: secret bytes that `Debug` does not show and that are wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordBytes(pub(super) Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for RecordBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<&[u8]> for RecordBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl AsRef<[u8]> for RecordBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RecordBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordBytes({} bytes)", self.0.len())
    }
}
