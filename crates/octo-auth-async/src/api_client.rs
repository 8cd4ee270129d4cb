//! An authorised API client for programs without an HTTP client of their own.

use http::Request;
use octo_auth_core::{ANSWER_LIMIT, Answer, ApiAnswer, ApiError, Authorizer, Body, ProfileError};

use crate::token_source::TokenSource;

/// Calls the provider's API with the tokens of one spec. It is cheap to clone.
///
/// A request may go only to the hosts of the provider's profile and to hosts added to the [`Authorizer`]. It is
/// never sent without a token, and redirects are not followed. If the provider refuses the token, the token is
/// renewed once for all callers, and the request is repeated once. If the second request is refused too, or no
/// other token is available, the caller gets the refusal as the answer. [`ApiAnswer::renewal_failure`] then says
/// why no other token was available.
///
/// Do not set `Accept-Encoding`: the client does not read compressed bodies. It would miss what a provider says
/// there about the token, such as Octorate's message for an expired token.
///
/// A body is read up to [`ANSWER_LIMIT`](crate::ANSWER_LIMIT), 1 MiB, unless [`ApiClient::with_answer_limit`] sets
/// another limit. A longer body is an error if the status is a success; the body of a refusal is cut. Calls use
/// the transport of the tokens. Each call opens a connection unless the transport keeps connections for API calls
/// ([`ReqwestTransport::with_api_connections`](crate::ReqwestTransport::with_api_connections)).
///
/// ```no_run
/// use octo_auth_async::{ApiClient, Body, TokenSource};
///
/// # async fn example(tokens: TokenSource) -> Result<(), Box<dyn std::error::Error>> {
/// let client = ApiClient::new(tokens);
/// let url = "https://app.officernd.com/api/v2/organizations/example/members";
/// let answer = client.call(&http::Request::get(url).body(Body::empty())?).await?;
/// println!("{}, {} bytes", answer.value.status(), answer.value.body().len());
/// # Ok(())
/// # }
/// ```
///
/// One client can call for many accounts: if the extensions of a request contain a `TokenSource`, that one is
/// used.
///
/// ```no_run
/// # use octo_auth_async::{ApiClient, Body, TokenSource};
/// # async fn example(client: ApiClient, inn: TokenSource) -> Result<(), Box<dyn std::error::Error>> {
/// let url = "https://api.octorate.com/connect/rest/v1/reservation/100001";
/// let request = http::Request::get(url).extension(inn).body(Body::empty())?;
/// let answer = client.call(&request).await?;
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
    /// Builds a client that uses these tokens, and allows the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer, answer_limit: ANSWER_LIMIT }
    }

    /// Replaces the authorizer, such as by `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { authorizer, ..self }
    }

    /// Allows one more host to receive the tokens, such as the `regionUrl` of an OfficeRND organization.
    ///
    /// # Errors
    ///
    /// As [`Authorizer::with_api_host`].
    pub fn with_api_host(self, url: &str) -> Result<Self, ProfileError> {
        Ok(Self { authorizer: self.authorizer.with_api_host(url)?, ..self })
    }

    /// Sets the limit of an answer's body in bytes, for exports and long lists. The whole body is held in memory.
    #[must_use]
    pub fn with_answer_limit(self, bytes: usize) -> Self {
        Self { answer_limit: bytes, ..self }
    }

    /// Sends a call. Every response of the provider is an answer, also a refusal or an error.
    /// [`ApiAnswer::meaning`] returns its [`TokenStatus`](crate::TokenStatus): what it says about the token.
    /// [`ApiAnswer::error_for_status`] turns a refusal into an error.
    ///
    /// If the future is dropped, the answer is lost. A request that was started is still finished.
    ///
    /// # Errors
    ///
    /// [`ApiError::Call`] if the request must not carry the token or no token is available: nothing was sent.
    /// [`ApiError::Exchange`] if no readable answer came.
    pub async fn call(&self, request: &Request<Body>) -> Result<Answer<ApiAnswer>, ApiError> {
        let tokens = request.extensions().get().unwrap_or(&self.tokens);
        tokens.drive(self.authorizer.whole_call(request, self.answer_limit)).await
    }
}
