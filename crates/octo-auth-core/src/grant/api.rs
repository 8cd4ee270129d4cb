//! A call of the provider's API with a token.

use http::header::AUTHORIZATION;
use http::uri::Authority;
use http::{Request, Uri};

use crate::answer::ApiAnswer;
use crate::client::Client;
use crate::error::RequestError;
use crate::exchange::{Body, Exchange, Purpose};
use crate::profile::origin;
use crate::token::{TokenSet, issuer};

impl Client {
    /// Puts a token on a request to the provider's API; the answer says what it means for the token.
    ///
    /// # Errors
    ///
    /// [`RequestError::ForeignHost`] if the profile does not list the host: a token that goes elsewhere is
    /// lost; [`RequestError::OtherProvider`] for another provider's token; [`RequestError::HeaderMissing`] if the provider wants another header (OctoTable's `Property`);
    /// [`RequestError::Url`] for a relative URL.
    pub fn api_call(
        &self,
        token: &TokenSet,
        mut request: Request<Body>,
    ) -> Result<Exchange<ApiAnswer>, RequestError> {
        let provider = || self.profile.title().to_owned();
        self.check_issuer(token)?;
        let origin = origin_of(request.uri()).ok_or(RequestError::Url)?;
        let with_user = request.uri().authority().is_some_and(|authority| authority.as_str().contains('@'));
        if with_user || !self.profile.api_origins().any(|own| own == origin) {
            return Err(RequestError::ForeignHost { origin, provider: provider() });
        }
        let api = self.profile.document().api.as_ref();
        let required = api.map(|api| &*api.required_headers).unwrap_or_default();
        if let Some(header) = required.iter().find(|name| !request.headers().contains_key(&***name)) {
            return Err(RequestError::HeaderMissing {
                provider: provider(),
                header: header.clone().into_owned(),
            });
        }
        request.headers_mut().insert(AUTHORIZATION, token.authorization());
        let secrets = vec![token.access_token().as_secret().clone()];
        Ok(self.exchange(Purpose::ApiCall, request, None, secrets))
    }

    /// Refuses a token of another provider, which would learn it.
    pub(crate) fn check_issuer(&self, token: &TokenSet) -> Result<(), RequestError> {
        let own = token.issuer == issuer(&self.profile);
        let provider = || self.profile.title().to_owned();
        own.then_some(()).ok_or_else(|| RequestError::OtherProvider { provider: provider() })
    }
}

/// The origin of a URL; nothing if the URL is not absolute. User information is no part of it.
fn origin_of(uri: &Uri) -> Option<String> {
    let authority = uri.authority().map(Authority::as_str)?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host_and_port.is_empty()).then_some(origin(uri.scheme_str()?, host_and_port))
}
