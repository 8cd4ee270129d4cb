//! Calls of the provider's API that are always authorised, for programs that use no HTTP client of their own.

use http::Request;
use octo_auth_core::{ANSWER_LIMIT, Answer, ApiAnswer, ApiError, Authorizer, Body, ProfileError};

use crate::token_source::TokenSource;

/// Calls the provider's API with the tokens of one key. It is cheap to clone.
///
/// A request goes to a host of the provider's profile or one that was added to the [`Authorizer`], never without a
/// token, and no redirect is followed. If the provider refuses the token, it is renewed, once for all callers, and the
/// request is sent once more; if that is refused too, or no other token is to be had, its answer is what the caller
/// gets. Why no other token is to be had is in [`ApiAnswer::renewal_failure`].
///
/// Leave `Accept-Encoding` alone: what a provider says in a compressed body, such as Octorate's words for an expired
/// token, is not read.
///
/// An answer is read up to [`ANSWER_LIMIT`](crate::ANSWER_LIMIT), 1 MiB, unless [`ApiClient::with_answer_limit`] allows
/// more: a longer success is an error, a longer refusal is cut there. It goes over the transport of the tokens. Each call
/// opens a connection unless the transport keeps those of API calls
/// ([`UreqTransport::with_api_connections`](crate::UreqTransport::with_api_connections)).
///
/// ```no_run
/// use octo_auth_blocking::{ApiClient, Body, TokenSource};
///
/// # fn example(tokens: TokenSource) -> Result<(), Box<dyn std::error::Error>> {
/// let client = ApiClient::new(tokens);
/// let url = "https://app.officernd.com/api/v2/organizations/example/members";
/// let answer = client.call(&http::Request::get(url).body(Body::empty())?)?;
/// println!("{}, {} bytes", answer.value.status(), answer.value.body().len());
/// # Ok(())
/// # }
/// ```
///
/// One client can call for many accounts: a request takes the tokens that are among its extensions, if any are.
///
/// ```no_run
/// # use octo_auth_blocking::{ApiClient, Body, TokenSource};
/// # fn example(client: ApiClient, inn: TokenSource) -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://api.octorate.com/connect/rest/v1/reservation/100001";
/// let request = http::Request::get(url).extension(inn).body(Body::empty())?;
/// let answer = client.call(&request)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ApiClient {
    tokens: TokenSource,
    authorizer: Authorizer,
    answer_limit: usize,
}

impl ApiClient {
    /// Calls with these tokens, at the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer, answer_limit: ANSWER_LIMIT }
    }

    /// The same by another authorizer, such as `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { authorizer, ..self }
    }

    /// The same, for one more host that the tokens may go to, such as the `regionUrl` of an OfficeRND organization.
    ///
    /// # Errors
    ///
    /// As [`Authorizer::with_api_host`].
    pub fn with_api_host(self, url: &str) -> Result<Self, ProfileError> {
        Ok(Self { authorizer: self.authorizer.with_api_host(url)?, ..self })
    }

    /// The same, reading the answer to a call up to this number of bytes, for exports and long lists. The answer is in
    /// memory as a whole.
    #[must_use]
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        Self { answer_limit: bytes, ..self }
    }

    /// Makes a call. Whatever the provider answers, refusals and errors included, is an answer; its
    /// [`TokenStatus`](crate::Meaning) says what it says of the token, and
    /// [`ApiAnswer::error_for_status`] makes an error of a refusal.
    ///
    /// On a worker of an async runtime nothing is sent, as for [`TokenManager::run`](crate::Accounts::run).
    ///
    /// # Errors
    ///
    /// [`ApiError::Call`] if the request must not carry the token or there is none: nothing was sent.
    /// [`ApiError::Exchange`] if no answer came that can be read.
    pub fn call(&self, request: &Request<Body>) -> Result<Answer<ApiAnswer>, ApiError> {
        let tokens = request.extensions().get().unwrap_or(&self.tokens);
        tokens.drive(self.authorizer.whole_call(request, self.answer_limit))
    }
}
