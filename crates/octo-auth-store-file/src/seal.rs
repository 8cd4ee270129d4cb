//! Sealing: records are encrypted and authenticated with a key.

#[cfg(feature = "seal")]
mod keys;

#[cfg(not(feature = "seal"))]
mod absent {
    use std::path::PathBuf;

    use octo_auth_core::RecordBytes;
    use zeroize::Zeroizing;

    use crate::error::FileStoreError;

    /// There are no keys without the feature `seal`.
    #[derive(Debug, Clone)]
    pub(crate) enum Keys {}

    impl Keys {
        pub(crate) fn writing(&self) -> &str {
            match *self {}
        }

        pub(crate) fn seal(&self, _: &str, _: &RecordBytes) -> Result<Zeroizing<Vec<u8>>, FileStoreError> {
            match *self {}
        }

        pub(crate) fn open(
            &self,
            _: &str,
            _: &str,
            _: &RecordBytes,
            _: PathBuf,
        ) -> Result<RecordBytes, FileStoreError> {
            match *self {}
        }
    }
}

#[cfg(not(feature = "seal"))]
pub(crate) use absent::Keys;
#[cfg(feature = "seal")]
pub use keys::{Key, Keys};
