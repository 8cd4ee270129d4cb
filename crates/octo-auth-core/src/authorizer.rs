//! Calls of a provider's API: where a token may be sent, how a request is authorised, and what the answer
//! means.
//!
//! Without a token no request is sent. A token is sent only to origins that the profile or the user has
//! named. Middlewares and API clients of all kinds only carry out these decisions:
//!
//! 1. [`Authorizer::call`] checks the request before a token is requested.
//! 2. [`ApiCall::authorize`] puts the token on the request.
//! 3. [`ApiCall::answered`] reads the answer: deliver it, or report the token as refused and repeat the
//!    request once.
//!
//! If the request has no streamed body, [`Authorizer::whole_call`] does all of these steps.
//!
//! Following redirects is the HTTP client's task. A client that follows one on its own must remove the token
//! when the origin changes. reqwest does so for `Authorization` only. ureq removes it everywhere while its
//! `redirect_auth_headers` is `Never`, the default. An answer from another origin says nothing about the
//! token: check it with [`Authorizer::may_go_to`].
//!
//! An authorizer copies the profile. If the client is replaced, existing authorizers continue with the old
//! hosts.

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
    /// The token sent last.
    sent: Option<Sent>,
}

/// The token on a request.
#[derive(Debug)]
struct Sent {
    generation: Generation,
    access_token: Secret,
    is_repetition: bool,
}

/// What an answer of the API means, and what the caller must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluation {
    /// What the answer means for the token.
    pub meaning: TokenStatus,
    /// What to do next.
    pub next: Action,
}

/// What to do after an answer of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a refusal that is not reported is not remedied"]
pub enum Action {
    /// Return the answer to the caller.
    Deliver,
    /// Report this generation as refused, and return the answer to the caller: the request was repeated
    /// already.
    Report(Generation),
    /// Report this generation as refused, and tell the caller that the request cannot be repeated. Return
    /// [`CallError::Unrepeatable`](crate::CallError::Unrepeatable), or the answer if the caller can see that
    /// in it.
    Unrepeatable(Generation),
    /// Report this generation as refused and get a token. If [`ApiCall::another`] returns one, send the
    /// request once more; otherwise return the answer to the caller.
    Repeat(Generation),
}

impl Authorizer {
    /// Returns an authorizer for this provider's API.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { profile, headers: Arc::default() }
    }

    /// Returns the authorizer with one more host: an API of a server described by [`Profile::rfc6749`], or
    /// the region of an OfficeRND organization (its `regionUrl`).
    ///
    /// # Errors
    ///
    /// As [`Profile::with_api_host`].
    pub fn with_api_host(self, url: &str) -> Result<Self, ProfileError> {
        Ok(Self { profile: self.profile.with_api_host(url)?, ..self })
    }

    /// Returns the authorizer with a header for every request that does not have it yet, such as OctoTable's
    /// `Property`. It replaces a header of the same name. Its value is treated as a secret.
    ///
    /// An HTTP client that follows redirects on its own removes `Authorization` when the origin changes, but
    /// no other header: reqwest and ureq would send this one to the other origin. Disable redirects in such a
    /// client (`redirect::Policy::none()`, `max_redirects(0)`). The API clients of both adapters follow none.
    ///
    /// # Errors
    ///
    /// [`RequestError::Value`] if the name or value is not allowed in a header, and for `Authorization`.
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
        // It may be an application's key as well as a property's id.
        value.set_sensitive(true);
        let headers = Arc::make_mut(&mut self.headers);
        headers.retain(|(own, _)| *own != name);
        headers.push((name, value));
        Ok(self)
    }

    /// Begins a call, before a token is requested.
    ///
    /// # Errors
    ///
    /// As [`Authorizer::may_go_to`], and [`RequestError::HeaderMissing`] if a header is missing that the
    /// provider requires (OctoTable's `Property`).
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

    /// Checks that a token may be sent to a URL: its origin (scheme, host and port) is one of the profile or
    /// was added.
    ///
    /// # Errors
    ///
    /// [`RequestError::Url`] if the URL is not absolute or has user information;
    /// [`RequestError::ForeignHost`] for any other origin.
    pub fn may_go_to(&self, url: &Uri) -> Result<(), RequestError> {
        let origin = origin_of(url).ok_or(RequestError::Url)?;
        let with_user = url.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !self.profile.api_origins().any(|own| own == origin) {
            return Err(RequestError::ForeignHost { origin, provider: self.profile.title().to_owned() });
        }
        if with_user { Err(RequestError::Url) } else { Ok(()) }
    }

    /// Returns whether the meaning of an answer with this status depends on its body. The first
    /// [`Authorizer::LOOKED_AT`] bytes are enough.
    #[must_use]
    pub fn looks_at_body(&self, status: StatusCode) -> bool {
        let mut rules = self.profile.document().refusals.iter().filter(|rule| rule.status == status.as_u16());
        // Without a rule, the body of a 401 may say that the token is refused, whatever its challenge asks
        // for.
        let is_unruled = status == StatusCode::UNAUTHORIZED && rules.clone().next().is_none();
        is_unruled || rules.any(|rule| rule.code.is_some())
    }

    /// How many bytes of a body are examined: 8 KiB.
    pub const LOOKED_AT: usize = crate::answer::LOOKED_AT;

    /// Returns the provider's profile, with the hosts that were added.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}

impl ApiCall {
    /// Puts a token on the request, with its additional headers. An existing token header is replaced.
    ///
    /// # Errors
    ///
    /// [`RequestError::OtherProvider`] for a token of another server, which must not be revealed.
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

    /// Returns the token for the repetition. It must differ from the one sent, which would be refused again.
    /// `status` returns the status of the spec.
    ///
    /// # Errors
    ///
    /// The reason why there is no other token, if that is known. The provider's own answer says more.
    pub fn another(
        &self,
        got: Result<Token, TokenError>,
        status: impl FnOnce() -> Option<Status>,
    ) -> Result<Token, Option<TokenError>> {
        another(self.sent.as_ref().map(|sent| sent.generation), got, status)
    }

    /// Reads an answer that was received now, from its status, its headers and the beginning of its body.
    ///
    /// The body may be empty if [`Authorizer::looks_at_body`] returns `false`.
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
    /// Returns what to do after a refusal of this generation: repeat the request, but only once.
    pub(crate) fn after_refusal(generation: Generation, is_repetition: bool, can_be_repeated: bool) -> Self {
        match (is_repetition, can_be_repeated) {
            (true, _) => Self::Report(generation),
            (false, true) => Self::Repeat(generation),
            (false, false) => Self::Unrepeatable(generation),
        }
    }

    /// Returns the generation to report as refused, if any.
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

/// Returns the new token if it has another generation; otherwise why there is no other, if that is known.
pub(crate) fn another(
    sent: Option<Generation>,
    got: Result<Token, TokenError>,
    status: impl FnOnce() -> Option<Status>,
) -> Result<Token, Option<TokenError>> {
    match got {
        Ok(token) if sent != Some(token.generation()) => Ok(token),
        // The refused token is returned again, because it may still work.
        Ok(_) => Err(status().and_then(|status| status.setback)),
        Err(failure) => Err(Some(failure)),
    }
}

/// Rejects a token of another provider, to which it must not be revealed.
pub(crate) fn check_issuer(profile: &Profile, token: &TokenSet) -> Result<(), RequestError> {
    let own = token.issuer == *profile.issuer();
    own.then_some(()).ok_or_else(|| RequestError::OtherProvider { provider: profile.title().to_owned() })
}

/// Returns the origin of a URL, without user information; `None` if the URL is not absolute.
fn origin_of(url: &Uri) -> Option<String> {
    let authority = url.authority().map(Authority::as_str)?;
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (!host_and_port.is_empty()).then_some(origin(url.scheme_str()?, host_and_port))
}
