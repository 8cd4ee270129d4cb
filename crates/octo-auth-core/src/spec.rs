//! [`TokenSpec`]: which token a caller wants.

use std::fmt;
use std::sync::Arc;

use crate::answer::Done;
use crate::client::Client;
use crate::error::RequestError;
use crate::exchange::Exchange;
use crate::extra_parameter::ExtraParameter;
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::store::RecordName;
use crate::token::{AdminToken, TokenSet};

/// Which token a caller wants: the grant, the account, the scopes and the extra parameters.
///
/// Two specs are equal if all of these are equal. The order of scopes and of parameters does not matter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenSpec {
    grant: Grant,
    account: Box<str>,
    /// `None` if there are none, as for most of a million accounts of one client.
    extras: Option<Arc<Extras>>,
}

/// The scopes and parameters that a token request sends besides the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
struct Extras {
    scopes: Vec<String>,
    parameters: Vec<ExtraParameter>,
}

/// The properties of a spec that decide whether its requests can be built. The account's name and the values
/// of its parameters do not matter, except for their length and control characters. So the specs of a million
/// accounts have few shapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    grant: Grant,
    scopes: Vec<String>,
    parameters: Vec<String>,
    has_control: bool,
    kib: usize,
}

/// The exchange that renews or revokes a token.
pub(crate) enum Renewal {
    Token(Exchange<TokenSet>),
    Admin(Exchange<AdminToken>),
    Revocation(Exchange<Done>),
}

/// The OAuth grant used to obtain a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Grant {
    /// Client credentials (RFC 6749 section 4.4): the client itself is the grant.
    ClientCredentials,
    /// Octorate's ApiLogin: the client itself is the grant, and the tokens are for administration.
    ApiLogin,
    /// A refresh token (RFC 6749 section 6) from a sign-in, a property creation or a migration.
    RefreshToken,
}

impl TokenSpec {
    /// Returns the spec of tokens of the client itself with these scopes.
    #[must_use]
    pub fn client_credentials(scopes: &Scopes) -> Self {
        let mut scopes: Vec<String> = scopes.iter().map(str::to_owned).collect();
        scopes.sort();
        let extras = (!scopes.is_empty()).then(|| Arc::new(Extras { scopes, parameters: Vec::new() }));
        Self { extras, ..Self::of(Grant::ClientCredentials, "") }
    }

    /// Returns the spec of administration tokens from Octorate's ApiLogin.
    #[must_use]
    pub fn api_login() -> Self {
        Self::of(Grant::ApiLogin, "")
    }

    /// Returns the spec of tokens of one account, such as a property or a user, renewed by refresh token. You
    /// choose the name. It is shown in messages and must not be a secret.
    #[must_use]
    pub fn account(name: &str) -> Self {
        Self::of(Grant::RefreshToken, name)
    }

    /// Returns the spec with one more parameter in its token requests: `audience`, `resource` (RFC 8707) or a
    /// vendor's own.
    ///
    /// The name is shown in messages. The value is treated as a secret and never shown, even if a server's
    /// answer repeats it.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        let extras = Arc::make_mut(self.extras.get_or_insert_default());
        extras.parameters.push(ExtraParameter { name: name.to_owned(), value: Secret::new(value) });
        extras.parameters.sort();
        self
    }

    /// Returns the grant.
    #[must_use]
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// Returns the account's name; empty if the client is the grant.
    #[must_use]
    pub fn account_name(&self) -> &str {
        &self.account
    }

    /// Returns the requested scopes, sorted.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.extras.as_ref().map_or(&[], |extras| &extras.scopes)
    }

    /// Returns the names and values of the extra parameters, sorted.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.extra_parameters().iter().map(|parameter| (parameter.name.as_str(), &parameter.value))
    }

    fn extra_parameters(&self) -> &[ExtraParameter] {
        self.extras.as_ref().map_or(&[], |extras| &extras.parameters)
    }

    /// Returns whether the client itself is the grant, so that no refresh token is needed.
    #[must_use]
    pub fn is_client_grant(&self) -> bool {
        matches!(self.grant, Grant::ClientCredentials | Grant::ApiLogin)
    }

    /// Builds the exchange that renews its token.
    pub(crate) fn renewal(
        &self,
        client: &Client,
        refresh_token: Option<&Secret>,
    ) -> Result<Renewal, RequestError> {
        let mut client = client.clone();
        for ExtraParameter { name, value } in self.extra_parameters() {
            client = client.with_parameter(name, value.clone())?;
        }
        let none = Secret::new("");
        match self.grant {
            Grant::ClientCredentials => {
                client.client_credentials(&Scopes::from_list(self.scopes())?).map(Renewal::Token)
            }
            Grant::ApiLogin => client.api_login().map(Renewal::Admin),
            Grant::RefreshToken => client.refresh(refresh_token.unwrap_or(&none)).map(Renewal::Token),
        }
    }

    /// Returns its shape.
    pub(crate) fn shape(&self) -> Shape {
        let values = || self.extra_parameters().iter().map(|parameter| parameter.value.expose());
        Shape {
            grant: self.grant,
            scopes: self.scopes().to_vec(),
            parameters: self.extra_parameters().iter().map(|parameter| parameter.name.clone()).collect(),
            has_control: values().any(|value| value.contains(char::is_control)),
            kib: values().map(str::len).sum::<usize>().div_ceil(1024),
        }
    }

    /// Checks whether its requests can be built.
    pub(crate) fn check(&self, client: &Client) -> Result<(), RequestError> {
        self.renewal(client, Some(&Secret::new("any"))).map(|_| ())
    }

    fn of(grant: Grant, account: &str) -> Self {
        Self { grant, account: account.into(), extras: None }
    }
}

impl fmt::Debug for TokenSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSpec")
            .field("grant", &self.grant)
            .field("account", &self.account)
            .field("scopes", &self.scopes())
            .field("parameters", &self.extra_parameters())
            .finish()
    }
}

/// Writes the grant, the account, the scopes and the names of the parameters in one line.
impl fmt::Display for TokenSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.grant {
            Grant::ClientCredentials if self.scopes().is_empty() => f.write_str("client credentials")?,
            Grant::ClientCredentials => write!(f, "client credentials for {}", self.scopes().join(" "))?,
            Grant::ApiLogin => f.write_str("ApiLogin")?,
            Grant::RefreshToken => write!(f, "account {:?}", self.account)?,
        }
        self.extra_parameters().iter().try_for_each(|parameter| write!(f, ", {parameter}"))
    }
}

impl RecordName {
    /// Returns the name of the record of a token.
    #[must_use]
    pub fn new(client: &Client, key: &TokenSpec) -> Self {
        let grant = match key.grant {
            Grant::ClientCredentials => "client",
            Grant::ApiLogin => "api-login",
            Grant::RefreshToken => "account",
        };
        let mut parameters: Vec<_> = client.parameters().iter().chain(key.extra_parameters()).collect();
        parameters.sort();
        let parameters: Vec<&str> =
            parameters.into_iter().flat_map(|parameter| <[_; 2]>::from(parameter.texts())).collect();
        let scopes: Vec<&str> = key.scopes().iter().map(String::as_str).collect();
        let readable =
            if key.grant == Grant::RefreshToken { key.account.to_string() } else { scopes.join("-") };
        let lists: [&[&str]; 3] = [&[&key.account], &scopes, &parameters];
        Self::assembled(client.profile().issuer(), client.client_id(), grant, &readable, &lists)
    }

    /// Returns the name of the request log of a registration.
    #[must_use]
    pub fn requests(client: &Client) -> Self {
        Self::assembled(client.profile().issuer(), client.client_id(), "requests", "", &[])
    }
}
