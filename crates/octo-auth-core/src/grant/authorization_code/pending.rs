//! A sign-in that waits for its callback.

use std::error::Error;
use std::fmt;

use super::callback::Callback;
use super::{GrantedCode, is_code};
use crate::answer::members::{Members, Value};
use crate::error::{CallbackError, ErrorCode, ProviderText};
use crate::scope::Scopes;
use crate::secret::{Secret, same_secret};
use crate::time::Now;

/// A sign-in that waits for its callback.
///
/// It holds the `state` and, with PKCE, the code verifier. A web application keeps it between two requests by
/// [`Pending::to_json`] and [`Pending::from_json`], removing it from its store in the moment it is read, so that
/// one callback is taken once.
pub struct Pending {
    pub(super) provider: String,
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Scopes,
    pub(super) issuer: Option<String>,
    pub(super) state: Secret,
    pub(super) verifier: Option<Secret>,
}

/// A callback that yielded no code.
#[derive(Debug)]
pub struct RejectedCallback {
    /// Why.
    pub error: CallbackError,
    /// The sign-in, given back if the callback did not belong to it: a forged callback never ends a sign-in.
    pub pending: Option<Box<Pending>>,
}

impl Pending {
    /// Takes the callback: the whole address the browser was sent to, or its query alone.
    ///
    /// # Errors
    ///
    /// A [`RejectedCallback`] with a [`CallbackError`] that says what is wrong. Whatever has not the right
    /// `state` gives the sign-in back; whatever has it ends the sign-in.
    pub fn receive(self, callback: &str, now: Now) -> Result<GrantedCode, RejectedCallback> {
        let callback =
            match Callback::parse(callback, &self.redirect_uri).and_then(|callback| self.own(callback)) {
                Ok(callback) => callback,
                Err(error) => return Err(RejectedCallback { error, pending: Some(Box::new(self)) }),
            };
        match self.code(&callback) {
            Ok(code) => Ok(GrantedCode { code, received: now, sign_in: self, others: callback.others }),
            Err(error) => Err(RejectedCallback { error, pending: None }),
        }
    }

    /// The `state` of this sign-in, by which a web application finds it again.
    #[must_use]
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// Lets through what carries this sign-in's `state`.
    fn own(&self, callback: Callback) -> Result<Callback, CallbackError> {
        match callback.state.as_deref() {
            Some(state) if same_secret(state, self.state.expose()) => Ok(callback),
            None | Some("") if callback.implicit => Err(CallbackError::ImplicitResponse),
            None | Some("") => Err(CallbackError::StateMissing),
            Some(_) => Err(CallbackError::StateMismatch),
        }
    }

    fn code(&self, callback: &Callback) -> Result<Secret, CallbackError> {
        match (&self.issuer, &callback.iss) {
            (Some(own), Some(named)) if own != named => return Err(CallbackError::IssuerMismatch),
            (Some(_), None) => return Err(CallbackError::IssuerMissing),
            _ => {}
        }
        if let Some(word) = &callback.error {
            let secrets: Vec<Secret> = [Some(self.state.clone()), callback.code.as_deref().map(Secret::from)]
                .into_iter()
                .flatten()
                .collect();
            let code = ErrorCode::new(word, &secrets).ok_or(CallbackError::ErrorMalformed)?;
            let text = callback.error_description.as_deref();
            let message = text.and_then(|text| ProviderText::new(text, &secrets));
            return Err(CallbackError::Refused { code, message });
        }
        match callback.code.as_deref() {
            _ if callback.implicit => Err(CallbackError::ImplicitResponse),
            None | Some("") => Err(CallbackError::CodeMissing),
            Some(code) if is_code(code) => Ok(Secret::new(code)),
            Some(_) => Err(CallbackError::CodeMalformed),
        }
    }

    /// The sign-in as JSON, for an application's own session store. It is a secret: it holds the `state` and
    /// the code verifier.
    #[must_use]
    pub fn to_json(&self) -> Secret {
        let text = |text: &str| serde_json::Value::from(text);
        let optional = |text: Option<&str>| text.map_or(serde_json::Value::Null, serde_json::Value::from);
        let members = [
            ("provider", text(&self.provider)),
            ("client_id", text(&self.client_id)),
            ("redirect_uri", text(&self.redirect_uri)),
            ("scope", text(&self.scopes.to_string())),
            ("issuer", optional(self.issuer.as_deref())),
            ("state", text(self.state.expose())),
            ("code_verifier", optional(self.verifier.as_ref().map(Secret::expose))),
        ];
        let object: serde_json::Map<String, serde_json::Value> =
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Secret::new(serde_json::Value::Object(object).to_string())
    }

    /// Reads what [`Pending::to_json`] wrote; nothing if it is anything else.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        let names = ["provider", "client_id", "redirect_uri", "scope", "issuer", "state", "code_verifier"];
        let members = Members::read(text, &names).ok()?;
        let member = |place: usize| members.value(place).and_then(Value::text);
        Some(Self {
            provider: member(0)?,
            client_id: member(1)?,
            redirect_uri: member(2)?,
            scopes: Scopes::parse(&member(3)?).ok()?,
            issuer: member(4),
            state: Secret::new(member(5).filter(|state| !state.is_empty())?),
            verifier: member(6).map(Secret::new),
        })
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("provider", &self.provider)
            .field("client_id", &self.client_id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RejectedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for RejectedCallback {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
