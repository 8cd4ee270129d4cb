//! Calls of a provider's API: where a token may go, what is put on the request, and what the answer asks for.
//!
//! The rule kept here: no token, no request; and a token goes to no origin that the profile or the user did not name.
//! Middlewares and API clients of every colour only carry what is decided here:
//!
//! 1. [`Authorizer::call`] checks the request before a token is asked for.
//! 2. [`ApiCall::authorize`] puts the token on it.
//! 3. [`ApiCall::answered`] reads the answer: deliver it, or report the token as refused and repeat the request, once.
//!
//! Where the whole request is at hand, [`Authorizer::whole_call`] is all of these in one.
//!
//! Following redirects is left to the HTTP client. A client that follows one past these steps must take the token off
//! where the origin changes (reqwest does so with `Authorization` alone; ureq takes it off everywhere, as long as its
//! `redirect_auth_headers` is left at `Never`), and an answer that came from elsewhere says nothing of the token: [`Authorizer::may_go_to`] tells.
//!
//! An authorizer is a copy of the profile: one that was made before the client was replaced goes on with the old hosts.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

use crate::answer::{TokenStatus, api_meaning};
use crate::client::Client;
use crate::error::RequestError;
use crate::exchange::{ANSWER_LIMIT, Purpose, Received};
use crate::failure::TokenError;
use crate::key::{Generation, Status, Token};
use crate::profile::{Profile, ProfileError, origin};
use crate::reading::Reading;
use crate::secret::Secret;
use crate::time::Now;
use crate::token::TokenSet;

/// Authorises calls of one provider's API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authorizer {
    profile: Profile,
    headers: Arc<Vec<(HeaderName, HeaderValue)>>,
}

/// One call of the API, from its first request to its last answer.
#[derive(Debug)]
pub struct ApiCall {
    authorizer: Authorizer,
    /// Of the token sent last.
    sent: Option<Sent>,
}

/// The token on a request.
#[derive(Debug)]
struct Sent {
    generation: Generation,
    access_token: Secret,
    is_repetition: bool,
}

/// What an answer of the API asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// What the answer means for the token.
    pub meaning: TokenStatus,
    /// The next action.
    pub next: Action,
}

/// The action that an answer of the API calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refusal that is not reported is not remedied"]
pub enum Action {
    /// Hand it to the caller.
    Deliver,
    /// Report this generation as refused, and hand the answer to the caller: the request was repeated already.
    Report(Generation),
    /// Report this generation as refused, and tell the caller that the request cannot be repeated:
    /// [`CallError::Unrepeatable`](crate::CallError::Unrepeatable), or the answer where the caller can see by itself.
    Unrepeatable(Generation),
    /// Report this generation as refused, get a token, and if [`ApiCall::another`] returns one, send the request once
    /// more; else hand the answer to the caller.
    Repeat(Generation),
}

impl Authorizer {
    /// Authorises calls of this provider's API.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { profile, headers: Arc::default() }
    }

    /// The same, for one more host: an API of a server described by [`Profile::rfc6749`], or the region of an
    /// OfficeRND organization, as its `regionUrl` names it.
    ///
    /// # Errors
    ///
    /// As [`Profile::with_api_host`].
    pub fn with_api_host(self, url: &str) -> Result<Self, ProfileError> {
        Ok(Self { profile: self.profile.with_api_host(url)?, ..self })
    }

    /// The same, with a header put on every request that does not have it yet, such as OctoTable's `Property`; in the
    /// place of one of the same name. Its value is treated as a secret.
    ///
    /// An HTTP client that follows redirects by itself takes `Authorization` off where the origin changes, but no other header:
    /// reqwest and ureq would send this one to the other origin. Switch redirects off in a client that calls with it
    /// (`redirect::Policy::none()`, `max_redirects(0)`). The API clients of both adapters follow none.
    ///
    /// # Errors
    ///
    /// [`RequestError::Value`] for a name or value that cannot stand in a header, and for `Authorization`.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let malformed = |what, problem| RequestError::Value { what, problem };
        let name = HeaderName::try_from(name)
            .map_err(|_| malformed("name of the header", "holds characters that cannot stand in a header"))?;
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            malformed("value of the header", "holds characters that cannot stand in a header")
        })?;
        if name == AUTHORIZATION {
            return Err(malformed("header `Authorization`", "is the token's own; name another header"));
        }
        if name == self.profile.token_header_name() {
            return Err(malformed("header of the token", "is the token's own; name another header"));
        }
        // It may be the key of an application as well as the id of a property.
        value.set_sensitive(true);
        let headers = Arc::make_mut(&mut self.headers);
        headers.retain(|(own, _)| *own != name);
        headers.push((name, value));
        Ok(self)
    }

    /// Begins a call, before a token is asked for.
    ///
    /// # Errors
    ///
    /// As [`Authorizer::may_go_to`], and [`RequestError::HeaderMissing`] if the provider wants a header that is not
    /// there (OctoTable's `Property`).
    pub fn call(&self, url: &Uri, headers: &HeaderMap) -> Result<ApiCall, RequestError> {
        self.may_go_to(url)?;
        let api = self.profile.document().api.as_ref();
        let is_there = |name: &str| {
            headers.contains_key(name)
                || self.headers.iter().any(|(own, _)| own.as_str().eq_ignore_ascii_case(name))
        };
        let mut required = api.map(|api| &*api.required_headers).unwrap_or_default().iter();
        if let Some(header) = required.find(|name| !is_there(name)) {
            let provider = self.profile.title().to_owned();
            return Err(RequestError::HeaderMissing { provider, header: header.clone().into_owned() });
        }
        Ok(ApiCall { authorizer: self.clone(), sent: None })
    }

    /// Whether a token may go to a URL: to an origin (scheme, host and port) of the profile or one that was added.
    ///
    /// # Errors
    ///
    /// [`RequestError::Url`] for a URL that is not absolute or holds user information; [`RequestError::ForeignHost`]
    /// for any other origin.
    pub fn may_go_to(&self, url: &Uri) -> Result<(), RequestError> {
        let origin = origin_of(url).ok_or(RequestError::Url)?;
        let with_user = url.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !self.profile.api_origins().any(|own| own == origin) {
            return Err(RequestError::ForeignHost { origin, provider: self.profile.title().to_owned() });
        }
        if with_user { Err(RequestError::Url) } else { Ok(()) }
    }

    /// Whether an answer of this status can only be judged with its body, of which the first
    /// [`Authorizer::LOOKED_AT`] bytes are enough.
    #[must_use]
    pub fn looks_at_body(&self, status: StatusCode) -> bool {
        let mut rules = self.profile.document().refusals.iter().filter(|rule| rule.status == status.as_u16());
        // Without a rule, the body of a 401 may say that the token is meant, whatever its challenge asks for.
        let is_unruled = status == StatusCode::UNAUTHORIZED && rules.clone().next().is_none();
        is_unruled || rules.any(|rule| rule.code.is_some())
    }

    /// How much of a body is looked at: 8 KiB.
    pub const LOOKED_AT: usize = crate::answer::LOOKED_AT;

    /// The provider's profile, with the hosts that were added.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

impl ApiCall {
    /// Puts a token on the request, with the headers that go with it; a header of the token that stands there is replaced.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for a token of another server, which must not learn it.
    pub fn authorize(&mut self, token: &Token, headers: &mut HeaderMap) -> Result<(), RequestError> {
        check_issuer(&self.authorizer.profile, token.tokens())?;
        headers.insert(self.authorizer.profile.token_header_name(), token.authorization().clone());
        for (name, value) in &*self.authorizer.headers {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        let access_token = token.access_token().as_secret().clone();
        let is_repetition = self.sent.is_some();
        self.sent = Some(Sent { generation: token.generation(), access_token, is_repetition });
        Ok(())
    }

    /// Returns the token for the repetition, of what was got after the refusal: another one than was sent, for the same
    /// one would be refused again. `status` returns the status of the key.
    ///
    /// # Errors
    ///
    /// Why there is no other token, if that is known. The provider's own answer says more.
    pub fn another(
        &self,
        got: Result<Token, TokenError>,
        status: impl FnOnce() -> Option<Status>,
    ) -> Result<Token, Option<TokenError>> {
        another(self.sent.as_ref().map(|sent| sent.generation), got, status)
    }

    /// Reads an answer, from its status, its headers and the beginning of its body, received now.
    ///
    /// The body may be empty where [`Authorizer::looks_at_body`] does not ask for it.
    #[must_use]
    pub fn answered(
        &self,
        (status, headers, body): (StatusCode, &HeaderMap, &[u8]),
        can_be_repeated: bool,
        now: Now,
    ) -> Evaluation {
        let received =
            Received { status, headers, body, ends_with_connection: false, sent: now, received: now };
        let meaning = api_meaning(&self.reading(), &received);
        let next = match &self.sent {
            Some(sent) if meaning.calls_for_renewal() => {
                Action::after_refusal(sent.generation, sent.is_repetition, can_be_repeated)
            }
            _ => Action::Deliver,
        };
        Evaluation { meaning, next }
    }

    pub(crate) fn reading(&self) -> Reading {
        let secrets = self.sent.iter().map(|sent| sent.access_token.clone()).collect();
        let profile = self.authorizer.profile.clone();
        Reading { profile, purpose: Purpose::ApiCall, scopes: None, secrets, answer_limit: ANSWER_LIMIT }
    }
}

impl Action {
    /// What a refusal of this generation asks for: a repetition, once.
    pub(crate) fn after_refusal(generation: Generation, is_repetition: bool, can_be_repeated: bool) -> Self {
        match (is_repetition, can_be_repeated) {
            (true, _) => Self::Report(generation),
            (false, true) => Self::Repeat(generation),
            (false, false) => Self::Unrepeatable(generation),
        }
    }

    /// The generation to be reported as refused, if any.
    #[must_use]
    pub fn refused(self) -> Option<Generation> {
        match self {
            Self::Deliver => None,
            Self::Report(generation) | Self::Unrepeatable(generation) | Self::Repeat(generation) => {
                Some(generation)
            }
        }
    }
}

impl From<&Client> for Authorizer {
    fn from(client: &Client) -> Self {
        Self::new(client.profile().clone())
    }
}

/// Returns the token that was got if it is of another generation; else why there is no other, if that is known.
pub(crate) fn another(
    sent: Option<Generation>,
    got: Result<Token, TokenError>,
    status: impl FnOnce() -> Option<Status>,
) -> Result<Token, Option<TokenError>> {
    match got {
        Ok(token) if sent != Some(token.generation()) => Ok(token),
        // The refused token is handed out again, for it may still work.
        Ok(_) => Err(status().and_then(|status| status.setback)),
        Err(failure) => Err(Some(failure)),
    }
}

/// Refuses a token of another provider, which would learn it.
pub(crate) fn check_issuer(profile: &Profile, token: &TokenSet) -> Result<(), RequestError> {
    let own = token.issuer == *profile.issuer();
    own.then_some(()).ok_or_else(|| RequestError::OtherProvider { provider: profile.title().to_owned() })
}

/// The origin of a URL; nothing if the URL is not absolute. User information is no part of it.
fn origin_of(url: &Uri) -> Option<String> {
    let authority = url.authority().map(Authority::as_str)?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host_and_port.is_empty()).then_some(origin(url.scheme_str()?, host_and_port))
}
