//! The authorization code flow (RFC 6749 section 4.1, RFC 7636, RFC 9207), ordered by ownership.
//!
//! [`Client::authorize`] yields the URL to open and a [`Pending`] sign-in. [`Pending::receive`] consumes it with
//! the callback and yields a [`GrantedCode`]; [`GrantedCode::redeem`] consumes that and yields the exchange. So a
//! code can be sent once only, and a callback that does not belong to the sign-in gives the sign-in back.

mod callback;
mod pending;
mod redirect_uri;

use std::fmt;

pub use pending::{Pending, RejectedCallback};

use crate::client::{Client, Given, Values, is_sendable, url};
use crate::error::{CallbackError, RequestError};
use crate::exchange::{Exchange, Purpose};
use crate::grant::pkce::{self, Entropy};
use crate::profile::{Pkce, Role};
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::time::Now;
use crate::token::TokenSet;

impl Client {
    /// The URL to send a user to, and the sign-in that waits for the callback.
    ///
    /// `redirect_uri` is sent byte for byte as given and must be the one registered. `entropy` is used up for the
    /// `state` and, where the profile asks for PKCE, the code verifier; a second sign-in needs new bytes:
    ///
    /// ```compile_fail,E0382
    /// # use octo_auth_core::{Client, Entropy, Scopes};
    /// # fn misuse(client: &Client, entropy: Entropy) {
    /// let first = client.authorize("https://app.example/cb", &Scopes::none(), entropy);
    /// let second = client.authorize("https://app.example/cb", &Scopes::none(), entropy); // used already
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::RedirectUri`] for a redirect URI the provider does not take
    /// (Octorate: `https` only); [`RequestError::ScopeUnknown`] for scopes where the call has none.
    pub fn authorize(
        &self,
        redirect_uri: &str,
        scopes: &Scopes,
        entropy: Entropy,
    ) -> Result<(String, Pending), RequestError> {
        let document = self.profile.document();
        let call = self.offered(document.calls.authorization.as_ref(), "authorization")?;
        let code_call = self.offered(document.calls.code.as_ref(), "code exchange")?;
        let rules = document.authorization.as_ref().ok_or_else(|| RequestError::NotOffered {
            provider: self.profile.title().to_owned(),
            call: "authorization",
        })?;
        self.check_redirect_uri(redirect_uri)?;
        if !scopes.is_empty() && !call.carries(Role::Scope) {
            return Err(RequestError::ScopeUnknown { provider: self.profile.title().to_owned() });
        }
        let (state, verifier) = entropy.into_state_and_verifier();
        let verifier = (rules.pkce == Pkce::S256).then_some(verifier);
        let challenge = verifier.as_ref().map(pkce::challenge);
        let joined = (!scopes.is_empty()).then(|| scopes.to_string());
        let mut values = Values::default();
        values.set(Role::ClientId, Given::Text(&self.client_id));
        values.set(Role::RedirectUri, Given::Text(redirect_uri));
        values.set(Role::State, Given::Secret(&state));
        values.set_some(Role::CodeChallenge, challenge.as_deref());
        values.set_some(Role::Scope, joined.as_deref());
        let page = url(&self.profile, call, &values);
        let pending = Pending {
            token_endpoint: self.profile.call_url(code_call),
            client_id: self.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes: scopes.clone(),
            issuer: rules.issuer.as_deref().map(str::to_owned),
            state,
            verifier,
        };
        Ok((page, pending))
    }

    /// Checks a redirect URI against the rule of the profile.
    pub(crate) fn check_redirect_uri(&self, uri: &str) -> Result<(), RequestError> {
        let Some(rules) = &self.profile.document().authorization else { return Ok(()) };
        redirect_uri::check(uri, rules.redirect_uri).map_err(|problem| RequestError::RedirectUri { problem })
    }
}

/// A code received in a callback, to be exchanged once and soon.
pub struct GrantedCode {
    code: Secret,
    received: Now,
    sign_in: Pending,
    others: Vec<(String, String)>,
}

impl GrantedCode {
    /// The callback's other parameters, in order: OfficeRND sends `org_slug` and `integrationId`.
    #[must_use]
    pub fn other_parameters(&self) -> &[(String, String)] {
        &self.others
    }

    /// Exchanges the code for tokens; it is sent at most once, whatever happens.
    ///
    /// # Errors
    ///
    /// [`CallbackError::CodeTooOld`] if more time has passed since the callback than a code lives (60 s at
    /// Octorate): the user has to sign in again. [`CallbackError::OtherClient`] if the sign-in was started by
    /// another client or the client's profile sends codes to another URL: a code and its verifier never go to
    /// another server than the one of the sign-in.
    pub fn redeem(self, client: &Client, now: Now) -> Result<Exchange<TokenSet>, CallbackError> {
        let sign_in = &self.sign_in;
        let document = client.profile.document();
        let call = document.calls.code.as_ref();
        let call = call.filter(|call| client.profile.call_url(call) == sign_in.token_endpoint);
        let call =
            call.filter(|_| client.client_id == sign_in.client_id).ok_or(CallbackError::OtherClient)?;
        let lifetime_seconds = document.authorization.as_ref().map_or(0, |rules| rules.code_lifetime_seconds);
        let age_seconds = self.age_seconds(now);
        if age_seconds >= u64::from(lifetime_seconds) {
            return Err(CallbackError::CodeTooOld { age_seconds, lifetime_seconds });
        }
        let mut values = Values::default();
        values.set(Role::Code, Given::Secret(&self.code));
        values.set(Role::RedirectUri, Given::Text(&sign_in.redirect_uri));
        if let Some(verifier) = &sign_in.verifier {
            values.set(Role::CodeVerifier, Given::Secret(verifier));
        }
        let scopes = (!sign_in.scopes.is_empty()).then(|| sign_in.scopes.clone());
        Ok(client.token_exchange(Purpose::CodeExchange, call, values, scopes)?)
    }

    /// The larger of the ages by both clocks, so that neither a stepped wall clock nor a suspend hides it.
    fn age_seconds(&self, now: Now) -> u64 {
        let by_wall = now.wall.saturating_since(self.received.wall);
        let by_boot = now.boot.saturating_sub(self.received.boot);
        by_wall.max(by_boot).as_secs()
    }
}

impl fmt::Debug for GrantedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantedCode")
            .field("sign_in", &self.sign_in)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// Whether a text can be a code: visible ASCII and spaces (RFC 6749 appendix A.11).
fn is_code(text: &str) -> bool {
    is_sendable(text) && text.is_ascii()
}
