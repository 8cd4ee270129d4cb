//! From a callback to the exchange of its authorization code.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::callback::Callback;
use super::pending::PendingAuthorization;
use crate::client::{Client, TemplateValue, TemplateValues, is_sendable};
use crate::error::{CallbackError, ErrorCode, ProviderText, Remedy};
use crate::exchange::{Exchange, Purpose};
use crate::profile::{Pkce, Placeholder};
use crate::secret::{Secret, same_secret};
use crate::time::Now;
use crate::token::TokenSet;

/// A code received in a callback. Exchange it once, and soon.
pub struct AuthorizationCode {
    code: Secret,
    received: Now,
    sign_in: PendingAuthorization,
    others: Vec<(String, String)>,
}

/// A callback without a usable code.
#[derive(Debug)]
#[non_exhaustive]
pub struct RejectedCallback {
    /// Why there is no code.
    pub error: CallbackError,
    /// The pending authorization request, returned unless a callback with its `state` ended it. A forged
    /// callback never ends it.
    pub pending: Option<Box<PendingAuthorization>>,
}

impl PendingAuthorization {
    /// Receives the callback and returns its code. `callback` is the whole URL that the browser was sent to,
    /// its path and query as a web server has them (`/cb?code=…&state=…`), or its query alone.
    ///
    /// # Errors
    ///
    /// A [`RejectedCallback`] with a [`CallbackError`] that says what is wrong.
    ///
    /// It returns the pending authorization request if the callback does not have the right `state`. It also
    /// does so if the callback is too long, malformed, at another URL, or has a duplicate parameter. Every
    /// other error ends the sign-in.
    pub fn receive(self, callback: &str, now: Now) -> Result<AuthorizationCode, RejectedCallback> {
        let mut callback =
            match Callback::parse(callback, &self.redirect_uri).and_then(|callback| self.own(callback)) {
                Ok(callback) => callback,
                Err(error) => return Err(RejectedCallback { error, pending: Some(Box::new(self)) }),
            };
        match self.code(&mut callback, now) {
            Ok(code) => Ok(AuthorizationCode { code, received: now, sign_in: self, others: callback.others }),
            Err(error) => Err(RejectedCallback { error, pending: None }),
        }
    }

    /// Returns the callback if it has this sign-in's `state`.
    fn own(&self, callback: Callback) -> Result<Callback, CallbackError> {
        match callback.state.as_ref().map(Secret::expose) {
            Some(state) if same_secret(state, self.state.expose()) => Ok(callback),
            None | Some("") if callback.implicit => Err(CallbackError::ImplicitResponse),
            None | Some("") => Err(CallbackError::StateMissing),
            Some(_) => Err(CallbackError::StateMismatch),
        }
    }

    fn code(&self, callback: &mut Callback, now: Now) -> Result<Secret, CallbackError> {
        let secrets: Vec<Secret> =
            [Some(self.state.clone()), callback.code.clone()].into_iter().flatten().collect();
        if let Some(own) = &self.issuer {
            let named = callback.others.iter().position(|(name, _)| name == "iss");
            match named.map(|place| callback.others.remove(place).1) {
                Some(named) if named == *own => {}
                Some(named) => {
                    let found = ProviderText::new(&named, &secrets).map(|text| text.as_str().to_owned());
                    let (expected, found) = (own.clone(), found.unwrap_or_default());
                    return Err(CallbackError::IssuerMismatch { expected, found });
                }
                None if self.issuer_optional => {}
                None => return Err(CallbackError::IssuerMissing),
            }
        }
        if let Some(word) = &callback.error {
            let code = ErrorCode::new(word, &secrets).ok_or(CallbackError::ErrorMalformed)?;
            let text = callback.error_description.as_deref();
            let message = text.and_then(|text| ProviderText::new(text, &secrets));
            return Err(CallbackError::Refused { code, message });
        }
        if self.age(now) >= Self::LONGEST_AGE {
            return Err(CallbackError::SignInTooOld { age_seconds: self.age(now).as_secs() });
        }
        match callback.code.as_ref().filter(|code| !code.expose().is_empty()) {
            _ if callback.implicit => Err(CallbackError::ImplicitResponse),
            None => Err(CallbackError::CodeMissing),
            Some(code) if is_code(code.expose()) => Ok(code.clone()),
            Some(_) => Err(CallbackError::CodeMalformed),
        }
    }
}

impl RejectedCallback {
    /// Returns the error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        self.error.code()
    }

    /// Returns who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.error.remedy()
    }
}

impl AuthorizationCode {
    /// Returns the account that the sign-in was begun for ([`PendingAuthorization::with_account`]).
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.sign_in.account.as_deref()
    }

    /// Returns the callback's other parameters, in order: OfficeRND sends `org_slug` and `integrationId`. An
    /// `iss` (RFC 9207) is among them if the profile has no issuer to compare it with.
    #[must_use]
    pub fn other_parameters(&self) -> &[(String, String)] {
        &self.others
    }

    /// Builds the exchange of the code for tokens. The code is sent at most once.
    ///
    /// # Errors
    ///
    /// [`CallbackError::CodeTooOld`] if the time since the callback exceeds a code's lifetime (60 s at
    /// Octorate): the user must sign in again. [`CallbackError::VerifierMissing`] if the profile requires
    /// PKCE and the sign-in, as restored from a store, has no verifier. [`CallbackError::OtherClient`] if
    /// another client started the sign-in, or the client's profile sends codes to another URL: a code and its
    /// verifier are sent only to the server of the sign-in.
    pub fn exchange(self, client: &Client, now: Now) -> Result<Exchange<TokenSet>, CallbackError> {
        let sign_in = &self.sign_in;
        let document = client.profile.document();
        let call = document.calls.code.as_ref();
        let call = call.filter(|call| client.profile.call_url(call) == sign_in.token_endpoint);
        let call =
            call.filter(|_| client.client_id == sign_in.client_id).ok_or(CallbackError::OtherClient)?;
        let rules = document.authorization.as_ref();
        if sign_in.verifier.is_none() && rules.is_some_and(|rules| rules.pkce == Pkce::S256) {
            return Err(CallbackError::VerifierMissing);
        }
        let lifetime_seconds = rules.map_or(0, |rules| rules.code_lifetime_seconds);
        let age_seconds = now.age_of(self.received).as_secs();
        if age_seconds >= u64::from(lifetime_seconds) {
            return Err(CallbackError::CodeTooOld { age_seconds, lifetime_seconds });
        }
        let mut values = TemplateValues::default();
        values.set(Placeholder::Code, TemplateValue::Secret(&self.code));
        values.set(Placeholder::RedirectUri, TemplateValue::Text(&sign_in.redirect_uri));
        if let Some(verifier) = &sign_in.verifier {
            values.set(Placeholder::CodeVerifier, TemplateValue::Secret(verifier));
        }
        let scopes = (!sign_in.scopes.is_empty()).then(|| sign_in.scopes.clone());
        let exchange = client.token_exchange(Purpose::CodeExchange, call, values, scopes)?;
        Ok(exchange.spending(self.received, Duration::from_secs(lifetime_seconds.into())))
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("sign_in", &self.sign_in)
            .field("received", &self.received)
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
        self.error.source()
    }
}

/// Returns whether a text can be a code: visible ASCII and spaces (RFC 6749 appendix A.11).
fn is_code(text: &str) -> bool {
    is_sendable(text) && text.is_ascii()
}
