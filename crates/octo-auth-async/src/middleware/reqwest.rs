//! The middleware for `reqwest-middleware`.

use std::mem;

use async_trait::async_trait;
use http::{Extensions, Uri};
use octo_auth_core::{Action, ApiCall, Authorizer, CallError, RequestError};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{Error, Middleware, Result};

use super::Caller;
use super::body::WholeBody;
use crate::token_source::TokenSource;

/// Adds the token of one spec to every request of a `reqwest_middleware::ClientWithMiddleware`.
///
/// If the provider refuses the token, the token is renewed once for all callers. The request is then repeated
/// once, through the middlewares that follow. If the second request is refused too, or no other token is
/// available, the caller gets the provider's answer unchanged. Its extensions then contain a
/// [`TokenError`](crate::TokenError) that says why no other token was available.
///
/// If the extensions of a request contain a [`TokenSource`] (`with_extension`), that one is used. So one client
/// can call for many accounts.
///
/// A request that must not carry the token, or for which no token is available, is not sent. The call returns
/// [`Error::Middleware`](reqwest_middleware::Error::Middleware) with a [`CallError`] to downcast to. A refused
/// request whose body is a stream also returns a [`CallError`], as it cannot be sent twice
/// ([`CallError::Unrepeatable`]). The refusal is reported, so the next attempt gets another token.
///
/// reqwest follows redirects itself, and removes `Authorization` if a redirect leads to another origin. An answer
/// from there says nothing about the token and is returned unchanged. reqwest removes no other header. So build
/// the client with `redirect(reqwest::redirect::Policy::none())` if the authorizer adds a header
/// ([`Authorizer::with_header`](crate::Authorizer::with_header)), or if the profile uses another header for the
/// token ([`Profile::token_header_name`](crate::Profile::token_header_name)). This middleware cannot check that,
/// because reqwest does not show its redirect policy.
///
/// If a middleware after this one makes its own response, it must keep the URL of the response. Otherwise the
/// response looks as if it came from another origin.
///
/// Put a retry middleware before this one, so that each attempt has a token that is still valid. `reqwest-retry`
/// wraps the errors of this middleware in a `RetryError`, and rejects bodies that are streams.
///
/// ```no_run
/// use octo_auth_async::{Authorize, TokenSource};
///
/// # async fn example(tokens: TokenSource) -> Result<(), reqwest_middleware::Error> {
/// let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
///     .with(Authorize::new(tokens))
///     .build();
/// let members = client.get("https://app.officernd.com/api/v2/organizations/example/members").send().await?;
/// println!("{}", members.text().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Authorize {
    caller: Caller,
}

impl Authorize {
    /// Builds a middleware that uses these tokens, and allows the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        Self { caller: Caller::new(tokens) }
    }

    /// Replaces the authorizer, such as by `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { caller: Caller { authorizer, ..self.caller } }
    }
}

#[async_trait]
impl Middleware for Authorize {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        rest: reqwest_middleware::Next<'_>,
    ) -> Result<Response> {
        let repetition = request.try_clone();
        let asked = request.url().clone();
        let caller = self.caller.of(extensions);
        let mut call = begin(&caller, &mut request).await.map_err(Error::middleware)?;
        let answer = rest.clone().run(request, extensions).await?;
        let (mut answer, next) = judge(&caller, &call, &asked, answer, repetition.is_some()).await;
        match (next, repetition) {
            (Action::Repeat(_), Some(mut repetition)) => {
                if !caller.renew(&mut call, repetition.headers_mut(), answer.extensions_mut()).await {
                    return Ok(answer);
                }
                drop(answer);
                let answer = rest.run(repetition, extensions).await?;
                Ok(judge(&caller, &call, &asked, answer, false).await.0)
            }
            (Action::Unrepeatable(_), _) => {
                Err(Error::middleware(CallError::Unrepeatable { status: answer.status().as_u16() }))
            }
            _ => Ok(answer),
        }
    }
}

async fn begin(caller: &Caller, request: &mut Request) -> std::result::Result<ApiCall, CallError> {
    let url: Uri = request.url().as_str().parse().map_err(|_| RequestError::Url)?;
    caller.begin(&url, request.headers_mut()).await
}

/// Reads an answer to a request for this URL, reports a refusal, and returns the complete answer.
async fn judge(
    caller: &Caller,
    call: &ApiCall,
    asked: &reqwest::Url,
    answer: Response,
    can_be_repeated: bool,
) -> (Response, Action) {
    // reqwest has removed the token on the way.
    if answer.url().origin() != asked.origin() {
        return (answer, Action::Deliver);
    }
    let (answer, head) = if caller.authorizer.looks_at_body(answer.status()) {
        look_at(answer).await
    } else {
        (answer, Vec::new())
    };
    let next = caller.judge(call, (answer.status(), answer.headers(), &head), can_be_repeated);
    (answer, next)
}

/// Reads the beginning of an answer's body, and returns the answer complete again.
async fn look_at(answer: Response) -> (Response, Vec<u8>) {
    let url = answer.url().clone();
    let (mut parts, body) = http::Response::<Body>::from(answer).into_parts();
    let mut body = WholeBody::new(body);
    let head = body.look().await;
    // `http::Response` loses the URL of a response unless it is in the extensions.
    if let Some(named) = http::Response::builder().url(url).extensions_mut() {
        parts.extensions.extend(mem::take(named));
    }
    (http::Response::from_parts(parts, Body::wrap(body)).into(), head)
}
