//! [`Profile`]: a checked document, and the ways to change it.
//!
//! Every constructor of a [`Profile`] runs the checks. So the rest of the crate never meets a call without a
//! host, or a code exchange without a code.

use std::sync::Arc;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::endpoint::Endpoint;
use super::{
    BaseUrl, Call, Calls, ClientAuthentication, Document, LifetimeUnit, Names, ProfileError, ProfileProblem,
    Text, check, rfc6749,
};

/// A provider as the rest of the crate accepts it: a checked [`Document`], cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile(Arc<Prepared>);

/// A checked document, with derived data that each exchange needs.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prepared {
    document: Document,
    issuer: Arc<str>,
    names: Names,
}

impl Profile {
    /// Checks a document.
    ///
    /// # Errors
    ///
    /// A [`ProfileError`], which names the first wrong field and says what to do.
    pub fn new(document: Document) -> Result<Self, ProfileError> {
        check::document(&document)?;
        Ok(Self::prepared(document))
    }

    /// Returns a profile of a generated document, which was checked when it was generated.
    #[cfg(feature = "providers")]
    pub(super) fn generated(document: &Document) -> Self {
        Self::prepared(document.clone())
    }

    fn prepared(document: Document) -> Self {
        let Calls { client_credentials, code, refresh, api_login, .. } = &document.calls;
        let giving = [client_credentials, code, refresh, api_login].into_iter().flatten().next();
        let issuer = giving.map(|call| call_url(&document, call)).unwrap_or_default().into();
        let names = Names::of(&document);
        Self(Arc::new(Prepared { document, issuer, names }))
    }

    /// Returns the profile of a standard server (RFC 6749) with this token endpoint.
    ///
    /// It offers client credentials, the code exchange with PKCE S256 (RFC 7636), and refresh. It sends the
    /// client's credentials in the body and requires the token type of section 5.1. A query in the URL stays
    /// in it (section 3.2).
    ///
    /// Change it by these methods:
    ///
    /// - [`with_client_authentication`](Self::with_client_authentication): HTTP Basic.
    /// - [`with_authorization_url`](Self::with_authorization_url),
    ///   [`with_revocation_url`](Self::with_revocation_url) and
    ///   [`with_introspection_url`](Self::with_introspection_url): further endpoints.
    /// - [`with_name`](Self::with_name): a name for messages.
    /// - [`with_api_host`](Self::with_api_host): a host that tokens may be sent to. Without it there is none.
    ///
    /// ```
    /// use octo_auth_core::profile::{ClientAuthentication, Profile};
    ///
    /// let profile = Profile::rfc6749("https://login.example.com/oauth2/token")?
    ///     .with_client_authentication(ClientAuthentication::Basic)?
    ///     .with_name("Example")?;
    /// assert_eq!(profile.title(), "Example");
    /// # Ok::<(), octo_auth_core::profile::ProfileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the URL is not `https` (or `http` to a loopback address), or has a fragment.
    pub fn rfc6749(token_url: &str) -> Result<Self, ProfileError> {
        Self::new(rfc6749::document(&Endpoint::new("calls.client_credentials", token_url)?))
    }

    /// Sets the server's name in messages, such as `Acme Login`. The short name, which is used by
    /// [`Profile::name`] and on the command line, is derived from it: `acme-login`.
    ///
    /// ```
    /// use octo_auth_core::profile::Profile;
    ///
    /// let profile = Profile::rfc6749("https://login.example.com/token")?.with_name("Acme Login")?;
    /// assert_eq!((profile.title(), profile.name()), ("Acme Login", "acme-login"));
    /// # Ok::<(), octo_auth_core::profile::ProfileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the name is empty or contains a control character.
    pub fn with_name(self, name: impl Into<Text>) -> Result<Self, ProfileError> {
        let title = name.into();
        let letter =
            |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let name: String = title.trim().chars().map(letter).collect();
        self.edit(|document| {
            document.name = name.into();
            document.title = title;
        })
    }

    /// Returns the document.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.0.document
    }

    /// Returns the issuer, by which tokens of different servers are distinguished: the URL of the first call
    /// that grants tokens.
    pub(crate) fn issuer(&self) -> &Arc<str> {
        &self.0.issuer
    }

    /// Returns the names of the members of a token answer.
    pub(crate) fn names(&self) -> &Names {
        &self.0.names
    }

    /// Returns the short name, such as `octorate`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.document.name
    }

    /// Returns the name as the provider writes it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.0.document.title
    }

    /// Returns the base URL of a host; `None` if the document lists no such host.
    #[must_use]
    pub fn host(&self, name: &str) -> Option<&BaseUrl> {
        host(&self.0.document, name)
    }

    /// Returns the URL of one of this profile's calls, with the query of its endpoint, but without the
    /// parameters.
    ///
    /// For a call of another profile, whose host this one does not list, it returns the path alone. No
    /// transport sends a request to that.
    #[must_use]
    pub fn call_url(&self, call: &Call) -> String {
        call_url(&self.0.document, call)
    }

    /// Returns the origins that a token of this provider may be sent to, in the order of the document.
    pub fn api_origins(&self) -> impl Iterator<Item = String> + '_ {
        let names = self.0.document.api.iter().flat_map(|api| api.hosts.iter());
        names.filter_map(|name| self.host(name)).map(BaseUrl::origin)
    }

    /// Returns the name of the header that carries the access token of an API call: `Authorization`, unless
    /// the profile defines another one ([`Document::token_header`]).
    #[must_use]
    pub fn token_header_name(&self) -> HeaderName {
        let own = self.0.document.token_header.as_ref().and_then(|header| header.name.parse().ok());
        own.unwrap_or(AUTHORIZATION)
    }

    /// Changes any part of the document, and checks the result. Use it if no other method fits.
    ///
    /// ```
    /// use octo_auth_core::profile::{Profile, ScopeRule};
    ///
    /// let profile = Profile::rfc6749("https://login.example.com/token")?
    ///     .edit(|document| document.scopes = ScopeRule::Required)?;
    /// assert_eq!(profile.document().scopes, ScopeRule::Required);
    /// # Ok::<(), octo_auth_core::profile::ProfileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the changed document does not pass the checks.
    pub fn edit(self, change: impl FnOnce(&mut Document)) -> Result<Self, ProfileError> {
        let mut document = Arc::unwrap_or_clone(self.0).document;
        change(&mut document);
        Self::new(document)
    }

    /// Replaces the base URL of one host, for a provider that moves or a server of your own.
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the document lists no such host or the URL cannot be used.
    pub fn with_base(self, host: &str, url: &str) -> Result<Self, ProfileError> {
        let Some(index) = self.0.document.hosts.iter().position(|entry| entry.name == host) else {
            return Err(ProfileError::new("hosts", ProfileProblem::UnknownHost(host.to_owned())));
        };
        let url = base_url(&format!("hosts[{index}].url"), url.to_owned())?;
        self.edit(|document| document.hosts.to_mut()[index].url = url)
    }

    /// Puts every host behind one gateway, such as the emulator or a reverse proxy. With the gateway
    /// `http://127.0.0.1:4000`, `https://api.example.com/v1` becomes
    /// `http://127.0.0.1:4000/api.example.com/v1`.
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the gateway is not a usable base URL.
    pub fn via_gateway(self, gateway: &str) -> Result<Self, ProfileError> {
        let gateway = base_url("hosts", gateway.to_owned())?;
        let mut document = Arc::unwrap_or_clone(self.0).document;
        for (index, host) in document.hosts.to_mut().iter_mut().enumerate() {
            let (_, authority, path) = host.url.split();
            let moved = gateway.join(&format!("/{authority}{path}"));
            host.url = base_url(&format!("hosts[{index}].url"), moved)?;
        }
        Self::new(document)
    }

    /// Sets the authorization endpoint: the page that users are sent to. A query in the URL (RFC 6749 section
    /// 3.1) is kept.
    ///
    /// A profile without the authorization code flow gets the standard one: `response_type=code`, scope,
    /// state and PKCE S256.
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the URL cannot be used.
    pub fn with_authorization_url(self, url: &str) -> Result<Self, ProfileError> {
        let field = "calls.authorization";
        let endpoint = Endpoint::new(field, url)?;
        let parameters = endpoint.parameters(field)?;
        self.edit(|document| rfc6749::authorization(document, &endpoint, &parameters))
    }

    /// Sets the revocation endpoint (RFC 7009).
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the URL cannot be used.
    pub fn with_revocation_url(self, url: &str) -> Result<Self, ProfileError> {
        let endpoint = Endpoint::new("calls.revocation", url)?;
        self.edit(|document| rfc6749::revocation(document, &endpoint))
    }

    /// Sets the introspection endpoint (RFC 7662).
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the URL cannot be used.
    pub fn with_introspection_url(self, url: &str) -> Result<Self, ProfileError> {
        let endpoint = Endpoint::new("calls.introspection", url)?;
        self.edit(|document| rfc6749::introspection(document, &endpoint))
    }

    /// Adds a host that tokens may be sent to, in addition to those of the profile. Examples are an API of a
    /// server described by [`rfc6749`](Self::rfc6749), and the region of an OfficeRND organization (its
    /// `regionUrl`).
    ///
    /// Only the URL's origin matters: a path in it does not restrict where tokens may be sent. A gateway set
    /// by [`via_gateway`](Self::via_gateway) applies only to hosts that were listed before.
    ///
    /// ```
    /// use octo_auth_core::profile::Profile;
    ///
    /// let profile = Profile::rfc6749("https://login.example.com/token")?.with_api_host("https://api.example.com")?;
    /// assert_eq!(profile.api_origins().collect::<Vec<_>>(), ["https://api.example.com"]);
    /// # Ok::<(), octo_auth_core::profile::ProfileError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the URL is not `https` (or `http` to a loopback address), or has more than
    /// scheme, host, port and path.
    pub fn with_api_host(self, url: &str) -> Result<Self, ProfileError> {
        let base = base_url("api.hosts", url.to_owned())?;
        self.edit(|document| rfc6749::api_host(document, &base))
    }

    /// Sets the issuer identifier that every callback must carry as `iss` (RFC 9207).
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if the text is empty or the profile has no authorization code flow.
    pub fn with_issuer(self, issuer: impl Into<Text>) -> Result<Self, ProfileError> {
        self.with_issuer_of_callbacks(issuer.into(), false)
    }

    /// Sets the issuer identifier that a callback may carry as `iss` (RFC 9207). Another `iss` is rejected,
    /// and a callback without it is accepted. Use it for a server that does not announce
    /// `authorization_response_iss_parameter_supported`.
    ///
    /// # Errors
    ///
    /// As [`with_issuer`](Self::with_issuer).
    pub fn with_optional_issuer(self, issuer: impl Into<Text>) -> Result<Self, ProfileError> {
        self.with_issuer_of_callbacks(issuer.into(), true)
    }

    fn with_issuer_of_callbacks(self, issuer: Text, is_optional: bool) -> Result<Self, ProfileError> {
        if self.0.document.authorization.is_none() {
            return Err(ProfileError::new("authorization", ProfileProblem::MissingPart("authorization")));
        }
        self.edit(|document| {
            if let Some(authorization) = &mut document.authorization {
                authorization.issuer = Some(issuer);
                authorization.issuer_optional = is_optional;
            }
        })
    }

    /// Sets how the client authenticates itself (RFC 6749 section 2.3.1).
    ///
    /// # Errors
    ///
    /// A [`ProfileError`] if a call of the profile does not fit this method.
    pub fn with_client_authentication(self, way: ClientAuthentication) -> Result<Self, ProfileError> {
        self.edit(|document| document.client_authentication = way)
    }

    /// Sets the unit of the provider's `expires_in`.
    ///
    /// # Errors
    ///
    /// None at present: the checks do not depend on the unit.
    pub fn with_lifetime_unit(self, unit: LifetimeUnit) -> Result<Self, ProfileError> {
        self.edit(|document| document.token_answer.expires_in_unit = unit)
    }
}

fn base_url(field: &str, url: String) -> Result<BaseUrl, ProfileError> {
    BaseUrl::new(url).map_err(|cause| ProfileError::new(field, ProfileProblem::Url(cause)))
}

fn host<'d>(document: &'d Document, name: &str) -> Option<&'d BaseUrl> {
    document.hosts.iter().find(|host| host.name == name).map(|host| &host.url)
}

fn call_url(document: &Document, call: &Call) -> String {
    let mut url =
        host(document, &call.host).map_or_else(|| call.path.to_string(), |base| base.join(&call.path));
    if let Some(query) = &call.query {
        url.push('?');
        url.push_str(query);
    }
    url
}
