//! OctoTable's client creation ("How to create clients"): the one call of a party that is not a client yet.

use std::borrow::Cow;

use crate::answer::CreatedClient;
use crate::client::{Client, TemplateValue, TemplateValues, UNSENDABLE, anonymous_exchange, is_sendable};
use crate::error::RequestError;
use crate::exchange::{Exchange, Purpose};
use crate::profile::{Placeholder, Profile};
use crate::secret::Secret;

/// The data of a new client and its sandbox property at OctoTable.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// The redirect URI of the company. `http` is allowed here.
    pub redirect_uri: String,
    /// The name of the sandbox property.
    pub name: String,
    /// The user name of the property's user.
    pub username: String,
    /// The password of the property's user. The provider returns it in plain text.
    pub password: Secret,
    /// The e-mail address of the property.
    pub email: String,
    /// The description of the property.
    pub description: Option<String>,
    /// The web site of the property.
    pub website: Option<String>,
    /// The telephone number of the property.
    pub phone: Option<String>,
    /// The position of the property.
    pub position: Option<Position>,
}

/// The position and address of a property.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// The country, as a code of two letters.
    pub country: String,
    /// The street and number.
    pub address: String,
    /// The city.
    pub city: String,
    /// The postal code.
    pub zip: String,
}

impl NewClient {
    /// Builds the exchange that creates the client.
    ///
    /// # Errors
    ///
    /// [`RequestError::NotOffered`] if the provider does not create clients; [`RequestError::Value`] if a
    /// mandatory field is empty, or the position does not exist on Earth.
    pub fn exchange(&self, profile: &Profile) -> Result<Exchange<CreatedClient>, RequestError> {
        let call = profile.document().calls.create_client.as_ref().ok_or_else(|| {
            RequestError::NotOffered { provider: profile.title().to_owned(), call: "client creation" }
        })?;
        let mut values = TemplateValues::default();
        for (role, what, text) in [
            (Placeholder::RedirectUri, "redirect URI", &self.redirect_uri),
            (Placeholder::SandboxName, "name", &self.name),
            (Placeholder::Username, "user name", &self.username),
            (Placeholder::Email, "e-mail address", &self.email),
        ] {
            if !is_sendable(text) {
                return Err(RequestError::Value { what, problem: UNSENDABLE });
            }
            values.set(role, TemplateValue::Text(text));
        }
        if self.password.expose().is_empty() {
            return Err(RequestError::Secret { what: "password" });
        }
        values.set(Placeholder::Password, TemplateValue::Secret(&self.password));
        values.set_some(Placeholder::Description, self.description.as_deref());
        values.set_some(Placeholder::Website, self.website.as_deref());
        values.set_some(Placeholder::Phone, self.phone.as_deref());
        if let Some(position) = &self.position {
            position.fill(&mut values)?;
        }
        anonymous_exchange(profile, Purpose::CreateClient, call, &values)
    }
}

impl Position {
    fn fill<'a>(&'a self, values: &mut TemplateValues<'a>) -> Result<(), RequestError> {
        let degrees = |degrees: f64, most: f64, what: &'static str| {
            let sound = degrees.is_finite() && degrees.abs() <= most;
            let problem = "is not on Earth: latitude is -90 to 90 degrees, longitude -180 to 180";
            sound
                .then(|| TemplateValue::Json(Cow::Owned(degrees.to_string())))
                .ok_or(RequestError::Value { what, problem })
        };
        values.set(Placeholder::Latitude, degrees(self.latitude, 90.0, "latitude")?);
        values.set(Placeholder::Longitude, degrees(self.longitude, 180.0, "longitude")?);
        values.set(Placeholder::Country, TemplateValue::Text(&self.country));
        values.set(Placeholder::Address, TemplateValue::Text(&self.address));
        values.set(Placeholder::City, TemplateValue::Text(&self.city));
        values.set(Placeholder::Zip, TemplateValue::Text(&self.zip));
        Ok(())
    }
}

impl CreatedClient {
    /// Returns the created client, ready to request tokens.
    ///
    /// # Errors
    ///
    /// As [`Client::new`].
    pub fn into_client(self, profile: Profile) -> Result<Client, RequestError> {
        Client::new(profile, self.client_id, self.client_secret)
    }
}
