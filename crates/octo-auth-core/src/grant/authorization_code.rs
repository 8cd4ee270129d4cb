//! The authorization code flow (RFC 6749 section 4.1, RFC 7636, RFC 9207), enforced by ownership.
//!
//! [`Client::authorize`] returns the URL to open and a [`PendingAuthorization`].
//! [`PendingAuthorization::receive`] consumes it with the callback and returns an [`AuthorizationCode`].
//! [`AuthorizationCode::exchange`] consumes that and returns the exchange. So a code is sent only once, and a
//! callback of another sign-in does not end this one.

mod callback;
mod code;
mod pending;
mod redirect_uri;

pub(crate) use callback::state_of_callback;
pub use code::{AuthorizationCode, RejectedCallback};
pub use pending::PendingAuthorization;

use crate::client::{Client, TemplateValue, TemplateValues, url};
use crate::error::RequestError;
use crate::grant::pkce::{self, Entropy};
use crate::profile::{Pkce, Placeholder};
use crate::scope::Scopes;
use crate::time::Now;

impl Client {
    /// Returns the URL to send a user to, and the pending authorization request, which waits for the
    /// callback.
    ///
    /// `redirect_uri` is sent byte for byte as given and must be the registered one. `entropy` is used for
    /// the `state` and, if the profile requires PKCE, for the code verifier. A second sign-in needs new
    /// bytes:
    ///
    /// ```compile_fail,E0382
    /// # use octo_auth_core::{Client, Entropy, Scopes};
    /// # fn misuse(client: &Client, entropy: Entropy, now: octo_auth_core::Now) {
    /// let first = client.authorize("https://app.example/cb", &Scopes::none(), entropy, now);
    /// let second = client.authorize("https://app.example/cb", &Scopes::none(), entropy, now); // used already
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::RedirectUri`] if the provider does not accept the
    /// redirect URI (Octorate: `https` only); [`RequestError::ScopeUnknown`] for scopes if the call has none.
    pub fn authorize(
        &self,
        redirect_uri: &str,
        scopes: &Scopes,
        entropy: Entropy,
        now: Now,
    ) -> Result<(String, PendingAuthorization), RequestError> {
        let document = self.profile.document();
        let call = self.offered(document.calls.authorization.as_ref(), "authorization")?;
        let code_call = self.offered(document.calls.code.as_ref(), "code exchange")?;
        let rules = document.authorization.as_ref().ok_or_else(|| RequestError::NotOffered {
            provider: self.profile.title().to_owned(),
            call: "authorization",
        })?;
        self.check_redirect_uri(redirect_uri)?;
        if !scopes.is_empty() && !call.carries(Placeholder::Scope) {
            return Err(RequestError::ScopeUnknown { provider: self.profile.title().to_owned() });
        }
        let (state, verifier) = entropy.into_state_and_verifier();
        let verifier = (rules.pkce == Pkce::S256).then_some(verifier);
        let challenge = verifier.as_ref().map(pkce::challenge);
        let joined = (!scopes.is_empty()).then(|| scopes.to_string());
        let mut values = TemplateValues::default();
        values.set(Placeholder::ClientId, TemplateValue::Text(&self.client_id));
        values.set(Placeholder::RedirectUri, TemplateValue::Text(redirect_uri));
        values.set(Placeholder::State, TemplateValue::Secret(&state));
        values.set_some(Placeholder::CodeChallenge, challenge.as_deref());
        values.set_some(Placeholder::Scope, joined.as_deref());
        let page = url(&self.profile, call, &values, self.page_parameters());
        let pending = PendingAuthorization {
            token_endpoint: self.profile.call_url(code_call),
            client_id: self.client_id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scopes: scopes.clone(),
            begun: now.wall,
            issuer: rules.issuer.as_deref().map(str::to_owned),
            issuer_optional: rules.issuer_optional,
            account: None,
            state,
            verifier,
        };
        Ok((page, pending))
    }

    /// Checks a redirect URI by the provider's rule, as [`Client::authorize`] does.
    ///
    /// # Errors
    ///
    /// [`RequestError::RedirectUri`], which says what is wrong with it and what to do.
    pub fn check_redirect_uri(&self, uri: &str) -> Result<(), RequestError> {
        let Some(rules) = &self.profile.document().authorization else { return Ok(()) };
        redirect_uri::check(uri, rules.redirect_uri).map_err(|problem| RequestError::RedirectUri { problem })
    }
}
