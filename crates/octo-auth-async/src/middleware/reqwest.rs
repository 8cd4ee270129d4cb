//! The middleware of `reqwest-middleware`.

use std::mem;

use async_trait::async_trait;
use http::{Extensions, Uri};
use octo_auth_core::{Action, ApiCall, Authorizer, CallError, RequestError};
use reqwest::{Body, Request, Response, ResponseBuilderExt};
use reqwest_middleware::{Error, Middleware, Result};

use super::Caller;
use super::body::WholeBody;
use crate::token_source::TokenSource;

/// Authorises every request of a `reqwest_middleware::ClientWithMiddleware` with the token of one key.
///
/// If the provider refuses the token, it is renewed, once for all callers, and the request is sent once more through
/// the middlewares that follow; if that is refused too, or no other token is to be had, the provider's answer is what
/// the caller gets, whole. Why no other token is to be had is a [`TokenError`](crate::Failure) among its extensions.
///
/// A request with [`TokenSource`] among its extensions (`with_extension`) takes those, so that one client can call for many
/// accounts.
///
/// A request that must not carry the token, or for which none is to be had, is not sent: the call ends in
/// [`Error::Middleware`](reqwest_middleware::Error::Middleware) with a [`CallError`] to downcast to. So does the
/// refusal of a request whose body is a stream: it cannot be sent twice
/// ([`CallError::Unrepeatable`]). The refusal is reported, so the call that is made again has another token.
///
/// reqwest follows redirects by itself and takes `Authorization` off where one leads to another origin; what is answered
/// there says nothing about the token and is delivered as it is. It takes no other header off: build the client with
/// `redirect(reqwest::redirect::Policy::none())` if the authorizer adds a header
/// ([`Authorizer::with_header`](crate::Authorizer::with_header)) or the profile carries the token in a header of its own
/// ([`Profile::token_header_name`](crate::Profile::token_header_name)). reqwest tells a middleware nothing of its policy, so
/// this one cannot refuse.
///
/// A middleware after this one that makes a response of
/// its own must keep the response's URL, else it looks as if it came from elsewhere.
///
/// Put a retry middleware before this one, so that each attempt has a token that is valid then; that of `reqwest-retry`
/// wraps the errors of this one in a `RetryError`, and refuses bodies that are streams.
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
    /// Authorises calls with these tokens, at the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        Self { caller: Caller::new(tokens) }
    }

    /// The same by another authorizer, such as `tokens.authorizer()` with a host or a header added.
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

/// Looks at an answer to a request for this URL, reports a refusal, and returns the answer whole.
async fn judge(
    caller: &Caller,
    call: &ApiCall,
    asked: &reqwest::Url,
    answer: Response,
    can_be_repeated: bool,
) -> (Response, Action) {
    // reqwest has taken the token off on the way.
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

/// Reads the beginning of an answer's body; the answer is whole again then.
async fn look_at(answer: Response) -> (Response, Vec<u8>) {
    let url = answer.url().clone();
    let (mut parts, body) = http::Response::<Body>::from(answer).into_parts();
    let mut body = WholeBody::new(body);
    let head = body.look().await;
    // The URL of a response is lost on the way through `http::Response` unless it is among the extensions.
    if let Some(named) = http::Response::builder().url(url).extensions_mut() {
        parts.extensions.extend(mem::take(named));
    }
    (http::Response::from_parts(parts, Body::wrap(body)).into(), head)
}
