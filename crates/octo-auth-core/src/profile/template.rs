//! Text with one role, such as `{client_id}`: the form of a parameter's value before the value is known.
//!
//! A template has at most one `{role}`. So filling it is a concatenation, which cannot fail, escape or
//! recurse. The code that writes the request encodes the result.

use std::fmt;
use std::str::FromStr;

use super::Text;
use crate::printable::Printable;

/// The value of a parameter or header: fixed text, or text around one `{role}`.
///
/// ```
/// use octo_auth_core::profile::{Placeholder, Template};
///
/// let template = Template::new("Bearer {access_token}")?;
/// assert_eq!(template.parts(), ("Bearer ", Some(Placeholder::AccessToken), ""));
/// # Ok::<(), octo_auth_core::profile::TemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "toml", derive(serde::Deserialize), serde(try_from = "String"))]
pub struct Template(Text);

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// A [`TemplateError`] if a brace is not closed, a second role follows, or the role is
    /// unknown.
    pub fn new(text: impl Into<Text>) -> Result<Self, TemplateError> {
        let text = text.into();
        if text.chars().any(char::is_control) {
            return Err(TemplateError::ControlCharacter);
        }
        let (before, inside) = match text.split_once('{') {
            None if text.contains('}') => return Err(TemplateError::Unbalanced),
            None => return Ok(Self(text)),
            Some(found) => found,
        };
        let (name, after) = inside.split_once('}').ok_or(TemplateError::Unbalanced)?;
        if before.contains('}') || after.contains(['{', '}']) {
            return Err(TemplateError::SecondGap);
        }
        Placeholder::from_name(name).ok_or_else(|| TemplateError::UnknownRole(name.to_owned()))?;
        Ok(Self(text))
    }

    /// Returns a template of this crate's own documents, which are checked as a whole.
    pub(super) const fn known(text: &'static str) -> Self {
        Self(Text::Borrowed(text))
    }

    /// Returns the template that consists of one role.
    pub(super) fn of(role: Placeholder) -> Self {
        Self(format!("{{{role}}}").into())
    }

    /// Returns the template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Splits the template into the text before the role, the role, and the text after it.
    ///
    /// Without a role, the first part is the whole text.
    #[must_use]
    pub fn parts(&self) -> (&str, Option<Placeholder>, &str) {
        let whole = (&*self.0, None, "");
        let Some((before, inside)) = self.0.split_once('{') else { return whole };
        let Some((name, after)) = inside.split_once('}') else { return whole };
        Placeholder::from_name(name).map_or(whole, |role| (before, Some(role), after))
    }

    /// Returns the role; `None` if the template is fixed text.
    #[must_use]
    pub fn role(&self) -> Option<Placeholder> {
        self.parts().1
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text.to_owned())
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A brace without its counterpart.
    #[error("a brace stands alone: write a role as `{{role}}` and leave braces out of fixed text")]
    Unbalanced,
    /// More than one role.
    #[error("only one `{{role}}` fits into a value: split it into two parameters")]
    SecondGap,
    /// A control character, which no parameter or header may contain.
    #[error("a control character stands in the value: remove it")]
    ControlCharacter,
    /// A role that no call fills in.
    #[error("`{{{}}}` is no known role: use one of {list}", Printable(.0), list = Placeholder::list())]
    UnknownRole(String),
}

macro_rules! roles {
    ($($(#[doc = $doc:literal])+ $role:ident = $name:literal,)+) => {
        /// A value that is filled into a template for each request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Placeholder {
            $($(#[doc = $doc])+ $role,)+
        }

        impl Placeholder {
            /// All roles.
            pub const ALL: &'static [Self] = &[$(Self::$role),+];

            /// Returns the name used between braces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$role => $name,)+
                }
            }
        }
    };
}

roles! {
    /// The client identifier (RFC 6749 section 2.2).
    ClientId = "client_id",
    /// The client secret (RFC 6749 section 2.3.1).
    ClientSecret = "client_secret",
    /// The requested scopes, joined by one space (RFC 6749 section 3.3).
    Scope = "scope",
    /// The authorization code (RFC 6749 section 4.1.2).
    Code = "code",
    /// The redirect URI, byte for byte as registered (RFC 6749 section 3.1.2).
    RedirectUri = "redirect_uri",
    /// The value that binds a callback to its authorization request (RFC 6749 section 10.12).
    State = "state",
    /// The PKCE verifier (RFC 7636 section 4.1).
    CodeVerifier = "code_verifier",
    /// The PKCE challenge (RFC 7636 section 4.2).
    CodeChallenge = "code_challenge",
    /// The refresh token (RFC 6749 section 1.5).
    RefreshToken = "refresh_token",
    /// The access token of an API call.
    AccessToken = "access_token",
    /// The key of Octorate's old API, which the migration exchanges for tokens.
    ApiKey = "api_key",
    /// The property of a key of Octorate's old API.
    Property = "property",
    /// The token to revoke (RFC 7009) or to introspect (RFC 7662).
    Token = "token",
    /// The kind of that token (RFC 7009 section 2.1).
    TokenTypeHint = "token_type_hint",
    /// The list of redirect URIs to register.
    RedirectUris = "redirect_uris",
    /// The name of the sandbox property that is created with a client.
    SandboxName = "sandbox_name",
    /// The user name of the account that is created with a client.
    Username = "username",
    /// The password of that account.
    Password = "password",
    /// The description of the sandbox property.
    Description = "description",
    /// The e-mail address of the sandbox property.
    Email = "email",
    /// The web site of the sandbox property.
    Website = "website",
    /// The telephone number of the sandbox property.
    Phone = "phone",
    /// The latitude of the sandbox property, a number in degrees.
    Latitude = "latitude",
    /// The longitude of the sandbox property, a number in degrees.
    Longitude = "longitude",
    /// The country of the sandbox property.
    Country = "country",
    /// The street address of the sandbox property.
    Address = "address",
    /// The city of the sandbox property.
    City = "city",
    /// The postal code of the sandbox property.
    Zip = "zip",
}

impl Placeholder {
    /// Returns the role of that name; `None` for any other name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    /// Returns whether the value must not appear in logs, errors and debug output.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(
            self,
            Self::ClientSecret
                | Self::Code
                | Self::CodeVerifier
                | Self::RefreshToken
                | Self::AccessToken
                | Self::ApiKey
                | Self::Token
                | Self::Password
        )
    }

    /// Returns whether the value is a number in JSON.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Latitude | Self::Longitude)
    }

    fn list() -> String {
        Self::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
