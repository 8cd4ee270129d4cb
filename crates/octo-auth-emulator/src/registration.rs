//! The credentials that a provider gives to the developer of an application.

use std::fmt;

/// The credentials of a registered application.
///
/// The fields are plain text because a test passes them to the client under test. `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisteredApp {
    /// The client identifier, RFC 6749 section 2.2; not a secret.
    pub client_id: String,
    /// The client secret, RFC 6749 section 2.3.1; empty for a public client.
    pub client_secret: String,
}

impl fmt::Debug for RegisteredApp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredApp")
            .field("client_id", &self.client_id)
            .field("client_secret", &"***")
            .finish()
    }
}
