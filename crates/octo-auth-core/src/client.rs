//! [`Client`]: a client registered at a provider, and the constructors of its exchanges.
//!
//! Everything that differs between providers comes from the profile, by [`call`]. This module and `grant/`
//! decide which values each call gets. A call that is certainly wrong is rejected before a request is built.

mod authentication;
mod call;
mod json;

use std::fmt;

use http::Request;

pub(crate) use call::{TemplateValue, TemplateValues, request, url};

use crate::error::RequestError;
use crate::exchange::{ANSWER_LIMIT, Body, Exchange, Purpose, Reply};
use crate::extra_parameter::ExtraParameter;
use crate::profile::{Call, Calls, ClientAuthentication, Placeholder, Profile, PublicClient};
use crate::reading::Reading;
use crate::scope::Scopes;
use crate::secret::Secret;

/// A client registered at a provider: its profile, a client id, and a client secret unless the client is
/// public.
#[derive(Clone)]
pub struct Client {
    pub(crate) profile: Profile,
    pub(crate) client_id: String,
    client_secret: Option<Secret>,
    parameters: Vec<ExtraParameter>,
    /// Parameters of the authorization request.
    page_parameters: Vec<ExtraParameter>,
}

impl Client {
    /// Returns a client with a secret.
    ///
    /// # Errors
    ///
    /// [`RequestError::ClientId`] or [`RequestError::Secret`] if the id or the secret is empty or contains
    /// control characters, such as the line break of the file it was read from.
    pub fn new(
        profile: Profile,
        client_id: impl Into<String>,
        client_secret: impl Into<Secret>,
    ) -> Result<Self, RequestError> {
        let client_secret = client_secret.into();
        if !is_sendable(client_secret.expose()) {
            return Err(RequestError::Secret { what: "client secret" });
        }
        let client = Self::public(profile, client_id)?;
        Ok(Self { client_secret: Some(client_secret), ..client })
    }

    /// Returns a client without a secret (RFC 6749 section 2.1), such as a program on a user's own computer.
    ///
    /// # Errors
    ///
    /// [`RequestError::ClientId`] if the id is empty or contains control characters.
    pub fn public(profile: Profile, client_id: impl Into<String>) -> Result<Self, RequestError> {
        let client_id = client_id.into();
        if !is_sendable(&client_id) {
            return Err(RequestError::ClientId);
        }
        let (parameters, page_parameters) = (Vec::new(), Vec::new());
        Ok(Self { profile, client_id, client_secret: None, parameters, page_parameters })
    }

    /// Returns the client with one more parameter in its client credentials, code exchange, refresh and
    /// ApiLogin requests: `audience`, `resource` (RFC 8707) or a vendor's own.
    ///
    /// A name may be added several times. The value is treated as a secret, even if a server's answer repeats
    /// it. The parameter is not part of the authorization request: see
    /// [`Client::with_authorization_parameter`].
    ///
    /// # Errors
    ///
    /// [`RequestError::ReservedParameter`] if one of the profile's token calls has a parameter of this name
    /// already, and [`RequestError::Value`] if the name is empty or the value contains control characters.
    pub fn with_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<Secret>,
    ) -> Result<Self, RequestError> {
        let Calls { client_credentials, code, refresh, api_login, migrate, .. } =
            &self.profile.document().calls;
        let calls = [client_credentials, code, refresh, api_login, migrate];
        let parameter = extra((name.into(), value.into()), calls)?;
        self.parameters.push(parameter);
        Ok(self)
    }

    /// Returns the client with one more parameter in its authorization requests, but not in token requests:
    /// `prompt`, `login_hint`, `access_type`, `audience` or a vendor's own. A name may be added several
    /// times.
    ///
    /// ```
    /// use octo_auth_core::{Client, Entropy, Now, Profile, Scopes};
    ///
    /// # fn example(now: Now) -> Result<(), Box<dyn std::error::Error>> {
    /// let profile = Profile::rfc6749("https://login.example.com/token")?
    ///     .with_authorization_url("https://login.example.com/authorize")?;
    /// let client = Client::public(profile, "my-app")?.with_authorization_parameter("prompt", "consent")?;
    /// # let entropy = Entropy::from_bytes([7; 64]);
    /// let (page, _) = client.authorize("https://app.example.com/callback", &Scopes::none(), entropy, now)?;
    /// assert!(page.ends_with("&prompt=consent"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequestError::ReservedParameter`] if the profile's authorization request has a parameter of this
    /// name already, and [`RequestError::Value`] if the name is empty or the value contains control
    /// characters.
    pub fn with_authorization_parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<Secret>,
    ) -> Result<Self, RequestError> {
        let call = &self.profile.document().calls.authorization;
        let parameter = extra((name.into(), value.into()), [call])?;
        self.page_parameters.push(parameter);
        Ok(self)
    }

    /// Returns the profile of the provider.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns whether another client has the same issuer, client id and parameters, so that its records have
    /// the same names.
    pub(crate) fn is_same_registration(&self, other: &Self) -> bool {
        self.profile.issuer() == other.profile.issuer()
            && self.client_id == other.client_id
            && self.parameters == other.parameters
    }

    /// Returns the extra parameters of its token requests, in the order in which they were added.
    pub(crate) fn parameters(&self) -> &[ExtraParameter] {
        &self.parameters
    }

    /// Returns the extra parameters of its authorization requests, in the order in which they were added.
    pub(crate) fn page_parameters(&self) -> &[ExtraParameter] {
        &self.page_parameters
    }

    /// Returns the client id, which is not secret.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the call that the profile describes, or an error if there is none.
    pub(crate) fn offered<'c>(
        &self,
        call: Option<&'c Call>,
        what: &'static str,
    ) -> Result<&'c Call, RequestError> {
        call.ok_or_else(|| RequestError::NotOffered { provider: self.profile.title().to_owned(), call: what })
    }

    /// Builds an exchange in which the client authenticates itself.
    pub(crate) fn token_exchange<'v, T: Reply>(
        &'v self,
        purpose: Purpose,
        call: &Call,
        mut values: TemplateValues<'v>,
        scopes: Option<Scopes>,
    ) -> Result<Exchange<T>, RequestError> {
        values.set(Placeholder::ClientId, TemplateValue::Text(&self.client_id));
        let names_itself_in_header = self.profile.document().public_client == PublicClient::Basic;
        let mut credentials = None;
        match (&self.client_secret, self.profile.document().client_authentication) {
            (Some(secret), ClientAuthentication::Body) => {
                values.set(Placeholder::ClientSecret, TemplateValue::Secret(secret));
            }
            (Some(secret), ClientAuthentication::Basic) => {
                credentials = Some(authentication::basic(&self.client_id, secret.expose()));
            }
            (Some(secret), ClientAuthentication::BasicRaw) => {
                credentials = Some(authentication::raw_basic(&self.client_id, secret.expose()));
            }
            (None, _) if purpose.needs_a_secret() => {
                return Err(RequestError::ClientSecretMissing { call: purpose.name() });
            }
            (None, ClientAuthentication::BasicRaw) if names_itself_in_header => {
                credentials = Some(authentication::raw_basic(&self.client_id, ""));
            }
            (None, _) if names_itself_in_header => {
                credentials = Some(authentication::basic(&self.client_id, ""));
            }
            (None, _) => {}
        }
        let extra = if purpose.takes_extra_parameters() { &*self.parameters } else { &[] };
        if credentials.is_some() {
            // The header contains the client id. Many servers reject it if the body repeats it.
            values.keep_in_headers(Placeholder::ClientId);
        }
        let mut request = call::request(&self.profile, call, &values, extra)?;
        if let Some(credentials) = &credentials {
            let header = authentication::header(credentials)?;
            request.headers_mut().insert(http::header::AUTHORIZATION, header);
        }
        let mut secrets = values.secrets();
        secrets.extend(extra.iter().map(|parameter| parameter.value.clone()));
        secrets.extend(self.client_secret.clone());
        secrets.extend(credentials);
        Ok(self.exchange(purpose, request, scopes, secrets))
    }

    /// Builds an exchange that needs only its values, without client authentication.
    pub(crate) fn plain_exchange<T: Reply>(
        &self,
        purpose: Purpose,
        call: &Call,
        values: &TemplateValues<'_>,
    ) -> Result<Exchange<T>, RequestError> {
        let request = call::request(&self.profile, call, values, &[])?;
        Ok(self.exchange(purpose, request, None, values.secrets()))
    }

    pub(crate) fn exchange<T: Reply>(
        &self,
        purpose: Purpose,
        request: Request<Body>,
        scopes: Option<Scopes>,
        secrets: Vec<Secret>,
    ) -> Exchange<T> {
        let (profile, answer_limit) = (self.profile.clone(), ANSWER_LIMIT);
        Exchange::new(request, Reading { profile, purpose, scopes, secrets, answer_limit })
    }
}

/// Checks an extra parameter of these calls.
fn extra<'c>(
    (name, value): (String, Secret),
    calls: impl IntoIterator<Item = &'c Option<Call>>,
) -> Result<ExtraParameter, RequestError> {
    if calls.into_iter().flatten().any(|call| call.parameters.iter().any(|own| own.name == name)) {
        return Err(RequestError::ReservedParameter { name });
    }
    if !is_sendable(&name) || value.expose().contains(char::is_control) {
        return Err(RequestError::Value { what: "extra parameter", problem: UNSENDABLE });
    }
    Ok(ExtraParameter { name, value })
}

/// Builds an exchange of a party that is not a client yet.
pub(crate) fn anonymous_exchange<T: Reply>(
    profile: &Profile,
    purpose: Purpose,
    call: &Call,
    values: &TemplateValues<'_>,
) -> Result<Exchange<T>, RequestError> {
    let request = call::request(profile, call, values, &[])?;
    let secrets = values.secrets();
    let (profile, answer_limit) = (profile.clone(), ANSWER_LIMIT);
    Ok(Exchange::new(request, Reading { profile, purpose, scopes: None, secrets, answer_limit }))
}

/// The error text for a value that is not [`is_sendable`].
pub(crate) const UNSENDABLE: &str = "is empty or holds control characters";

/// Returns whether a text is not empty and has no control characters.
pub(crate) fn is_sendable(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_control)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("provider", &self.profile.name())
            .field("client_id", &self.client_id)
            .field("public", &self.client_secret.is_none())
            .finish_non_exhaustive()
    }
}
