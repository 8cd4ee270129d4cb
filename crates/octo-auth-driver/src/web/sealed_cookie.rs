//! A pending sign-in in a cookie of the browser. Only the application can read and write it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use octo_auth_core::provider::web::{self, WaitingSignIns, WebSignInError};
use octo_auth_core::{Client, PendingAuthorization, RecordBytes, RequestError, Secret, Version};
use octo_auth_store_kit::{Keys, Sealing};

/// The version of the sealed format. The seal authenticates it.
const FORMAT: Version = Version(1);

/// The number of callbacks that are remembered, so that none is used twice. A code is valid for minutes; the
/// oldest callbacks are forgotten.
const REMEMBERED: usize = 4096;

/// Seals sign-ins, and opens each once. Clones share the memory of the opened ones.
#[derive(Clone)]
pub(super) struct SealedCookie {
    sealing: Sealing,
    opened: Arc<Mutex<VecDeque<String>>>,
}

impl SealedCookie {
    pub(super) fn new(keys: Keys) -> Self {
        Self { sealing: keys.into(), opened: Arc::default() }
    }

    /// Returns the value of the cookie: the id of the key, a dot, and the sealed sign-in in base64url.
    pub(super) fn seal(
        &self,
        client: &Client,
        pending: &PendingAuthorization,
    ) -> Result<String, RequestError> {
        let content = RecordBytes::from(pending.to_json().expose().as_bytes());
        let sealed = self.sealing.seal(&name(client, pending.state()), FORMAT, &content);
        let sealed = sealed.map_err(|_| RequestError::Value {
            what: "cookie of the sign-in",
            problem: "cannot be sealed: the operating system gives no random bytes",
        })?;
        let key = sealed.key.unwrap_or_default();
        Ok(format!("{key}.{}", URL_SAFE_NO_PAD.encode(sealed.bytes.as_ref())))
    }

    /// Opens the cookie of a `state`. Returns `None` if it was already opened.
    pub(super) fn open(
        &self,
        client: &Client,
        state: &Secret,
        value: &str,
    ) -> Result<Option<PendingAuthorization>, WebSignInError> {
        let refused = |problem: String| WebSignInError::Cookie { problem };
        let parts =
            value.split_once('.').and_then(|(key, sealed)| Some((key, URL_SAFE_NO_PAD.decode(sealed).ok()?)));
        let (key, sealed) = parts.ok_or_else(|| refused("is not a sealed sign-in".to_owned()))?;
        let sealed = RecordBytes::from(sealed);
        let opened = self.sealing.open(&name(client, state), FORMAT, Some(key), sealed);
        let opened = opened.map_err(|error| refused(error.to_string()))?;
        let text = std::str::from_utf8(opened.as_ref()).ok();
        let pending = text.and_then(PendingAuthorization::from_json);
        let pending = pending.ok_or_else(|| refused("was sealed by another release".to_owned()))?;
        Ok(self.is_first(web::cookie_name(state)).then_some(pending))
    }

    /// Returns whether a cookie is opened for the first time, and remembers it.
    fn is_first(&self, cookie: String) -> bool {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = !opened.contains(&cookie);
        if is_first {
            if opened.len() == REMEMBERED {
                opened.pop_front();
            }
            opened.push_back(cookie);
        }
        is_first
    }
}

/// Returns the name for which a cookie is sealed: the client and the `state`.
fn name(client: &Client, state: &Secret) -> String {
    format!("{} {}", WaitingSignIns::record_name(client, state).as_str(), web::cookie_name(state))
}
