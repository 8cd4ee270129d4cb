//! From a callback to the exchange of its code.

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

/// A code received in a callback, to be exchanged once and soon.
pub struct AuthorizationCode {
    code: Secret,
    received: Now,
    sign_in: PendingAuthorization,
    others: Vec<(String, String)>,
}

/// A callback that yielded no code.
#[derive(Debug)]
#[non_exhaustive]
pub struct RejectedCallback {
    /// Why.
    pub error: CallbackError,
    /// The sign-in, given back unless a callback with its `state` ended it: a forged callback never does.
    pub pending: Option<Box<PendingAuthorization>>,
}

impl PendingAuthorization {
    /// Takes the callback: the whole address the browser was sent to, its path and query as a web server holds
    /// them (`/cb?code=…&state=…`), or its query alone.
    ///
    /// # Errors
    ///
    /// A [`RejectedCallback`] with a [`CallbackError`] that says what is wrong. The sign-in is given back for
    /// anything without the right `state`, and for what is no single callback of this sign-in though the right
    /// `state` may stand in it: too long, malformed, at another address, or a parameter twice. Everything else
    /// ends the sign-in.
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

    /// Lets through what carries this sign-in's `state`.
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
    /// The error's stable word.
    #[must_use]
    pub fn code(&self) -> Cow<'static, str> {
        self.error.code()
    }

    /// Who must act.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.error.remedy()
    }
}

impl AuthorizationCode {
    /// The account that the sign-in was begun for ([`PendingAuthorization::with_account`]).
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.sign_in.account.as_deref()
    }

    /// The callback's other parameters, in order: OfficeRND sends `org_slug` and `integrationId`. An `iss` (RFC 9207) is
    /// among them if the profile names no issuer to compare it with.
    #[must_use]
    pub fn other_parameters(&self) -> &[(String, String)] {
        &self.others
    }

    /// Exchanges the code for tokens; it is sent at most once, whatever happens.
    ///
    /// # Errors
    ///
    /// [`CallbackError::CodeTooOld`] if more time has passed since the callback than a code lives (60 s at
    /// Octorate): the user has to sign in again. [`CallbackError::VerifierMissing`] if the profile demands PKCE and the
    /// sign-in, as it came back from a store, holds no verifier. [`CallbackError::OtherClient`] if the sign-in was started by
    /// another client or the client's profile sends codes to another URL: a code and its verifier never go to
    /// another server than the one of the sign-in.
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

/// Whether a text can be a code: visible ASCII and spaces (RFC 6749 appendix A.11).
fn is_code(text: &str) -> bool {
    is_sendable(text) && text.is_ascii()
}
