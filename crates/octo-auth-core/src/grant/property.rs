//! Octorate's properties and application settings: migration, creation, configuration.

use std::borrow::Cow;

use crate::answer::{ApiConfiguration, CreatedProperty, Done};
use crate::client::{Client, TemplateValue, TemplateValues, UNSENDABLE, is_sendable, request};
use crate::error::RequestError;
use crate::exchange::{Body, Exchange, Purpose};
use crate::profile::{Call, Placeholder};
use crate::secret::Secret;
use crate::token::{AdminToken, TokenSet};

impl Client {
    /// Builds the exchange of a key of Octorate's old API for tokens of one property.
    ///
    /// It works once for each property. The old key stays valid for the old API.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::Secret`] if the key contains characters that are not
    /// allowed in a header; [`RequestError::Value`] for an empty property.
    pub fn migrate(&self, api_key: &Secret, accommodation: &str) -> Result<Exchange<TokenSet>, RequestError> {
        let call = self.offered(self.profile.document().calls.migrate.as_ref(), "migration")?;
        if !is_sendable(api_key.expose()) {
            return Err(RequestError::Secret { what: "API key" });
        }
        if !is_sendable(accommodation) {
            return Err(RequestError::Value { what: "accommodation", problem: UNSENDABLE });
        }
        let mut values = TemplateValues::default();
        values.set(Placeholder::ApiKey, TemplateValue::Secret(api_key));
        values.set(Placeholder::Property, TemplateValue::Text(accommodation));
        self.plain_exchange(Purpose::Migrate, call, &values)
    }

    /// Builds the exchange that creates a property from the JSON object that Octorate documents for
    /// `POST /rest/v2/accommodation`.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::Value`] if the body is not a JSON object.
    pub fn create_property(
        &self,
        token: &AdminToken,
        property_json: &str,
    ) -> Result<Exchange<CreatedProperty>, RequestError> {
        let call =
            self.offered(self.profile.document().calls.create_property.as_ref(), "property creation")?;
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(property_json).is_ok();
        if !is_json || !property_json.trim_start().starts_with('{') {
            return Err(RequestError::Value { what: "property", problem: "is no JSON object" });
        }
        let (empty, secrets) = self.as_admin(call, token, TemplateValues::default())?;
        let request = empty.map(|_| Body::from(property_json));
        Ok(self.exchange(Purpose::CreateProperty, request, None, secrets))
    }

    /// Builds the exchange that reads the configuration of the application, with the page that users are sent
    /// to.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`].
    pub fn api_configuration(&self, token: &AdminToken) -> Result<Exchange<ApiConfiguration>, RequestError> {
        let call =
            self.offered(self.profile.document().calls.api_configuration.as_ref(), "API configuration")?;
        let (request, secrets) = self.as_admin(call, token, TemplateValues::default())?;
        Ok(self.exchange(Purpose::ReadApiConfiguration, request, None, secrets))
    }

    /// Builds the exchange that replaces all redirect URIs of the application; `None` removes them.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`]; [`RequestError::RedirectUri`] if the provider does not accept one of
    /// them.
    pub fn replace_redirect_uris(
        &self,
        token: &AdminToken,
        redirect_uris: Option<&[&str]>,
    ) -> Result<Exchange<Done>, RequestError> {
        let calls = &self.profile.document().calls;
        let call = self.offered(calls.replace_redirect_uris.as_ref(), "redirect URI replacement")?;
        for uri in redirect_uris.unwrap_or_default() {
            self.check_redirect_uri(uri)?;
        }
        let json = serde_json::to_string(&redirect_uris).map_err(|_| RequestError::Value {
            what: "list of URIs",
            problem: "cannot be written as JSON",
        })?;
        let mut values = TemplateValues::default();
        values.set(Placeholder::RedirectUris, TemplateValue::Json(Cow::Owned(json)));
        let (request, secrets) = self.as_admin(call, token, values)?;
        Ok(self.exchange(Purpose::ReplaceRedirectUris, request, None, secrets))
    }

    fn as_admin<'a>(
        &self,
        call: &Call,
        token: &'a AdminToken,
        mut values: TemplateValues<'a>,
    ) -> Result<(http::Request<Body>, Vec<Secret>), RequestError> {
        self.check_issuer(&token.0)?;
        values.set(Placeholder::AccessToken, TemplateValue::Secret(token.access_token().as_secret()));
        let request = request(&self.profile, call, &values, &[])?;
        Ok((request, values.secrets()))
    }
}
