//! A call of the provider's API with a token.

use http::Request;
use http::header::AUTHORIZATION;

use crate::answer::ApiAnswer;
use crate::client::Client;
use crate::error::RequestError;
use crate::exchange::{Body, Exchange, Purpose};
use crate::token::TokenSet;

impl Client {
    /// Puts a token on a request to the provider's API; the answer says what it means for the token.
    ///
    /// # Errors
    ///
    /// [`RequestError::ForeignHost`] if the profile does not list the host: a token that goes elsewhere is
    /// lost; [`RequestError::HeaderMissing`] if the provider wants another header (OctoTable's `Property`);
    /// [`RequestError::Url`] for a relative URL.
    pub fn api_call(
        &self,
        token: &TokenSet,
        mut request: Request<Body>,
    ) -> Result<Exchange<ApiAnswer>, RequestError> {
        let provider = || self.profile.title().to_owned();
        let uri = request.uri();
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(RequestError::Url);
        };
        let origin = format!("{scheme}://{authority}").to_ascii_lowercase();
        if !self.profile.api_origins().any(|own| own == origin) {
            // User info is no part of an origin and may hold a password.
            let shown = origin.rsplit_once('@').map_or(origin.as_str(), |(_, host)| host).to_owned();
            return Err(RequestError::ForeignHost { origin: shown, provider: provider() });
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
}
