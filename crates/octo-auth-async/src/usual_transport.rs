//! The default transport.

use std::sync::Arc;

use octo_auth_system::SetupError;

use crate::transport::Transport;

/// Builds the default transport.
///
/// # Errors
///
/// A [`SetupError`] if reqwest rejects its settings, or without the feature `reqwest`.
#[cfg(feature = "reqwest")]
pub(crate) fn usual() -> Result<Arc<dyn Transport>, SetupError> {
    Ok(Arc::new(crate::ReqwestTransport::new()?))
}

#[cfg(not(feature = "reqwest"))]
pub(crate) fn usual() -> Result<Arc<dyn Transport>, SetupError> {
    Err(SetupError::of(
        "the transport",
        "there is no transport: enable the feature `reqwest` of octo-auth-async, or bring one by \
         `Builder::transport` or `Runner::with_transport`",
    ))
}
