//! The layer for tower services that send HTTP requests.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use octo_auth_core::{Action, ApiCall, Authorizer, CallError};
use tower_layer::Layer;
use tower_service::Service;

use super::Caller;
use super::body::WholeBody;
use crate::token_source::TokenSource;

/// Any error, as `tower::BoxError`.
type BoxError = Box<dyn Error + Send + Sync>;

/// Copies the body of a request, or returns `None` if it cannot be copied.
type Copying<B> = Arc<dyn Fn(&B) -> Option<B> + Send + Sync>;

/// Adds the token of one spec to every request of a tower service. `B` is the body type of the requests.
///
/// A request that must not carry the token, or for which no token is available, is not sent. The call returns a
/// [`CallError`]. Errors are boxed; errors of the inner service are returned unchanged.
///
/// If the extensions of a request contain a [`TokenSource`], that one is used. So one stack can call for many
/// accounts.
///
/// # Refusals
///
/// If the provider refuses the token, the layer reports it, so that the next call gets another token. You choose
/// whether the refused call itself is repeated, because not every body can be sent twice:
///
/// - By default it is not repeated. The caller gets the provider's answer unchanged.
/// - With [`AuthorizeLayer::repeating`], the token is renewed once for all callers, and the request is repeated
///   once. If the second request is refused too, or no other token is available, the caller gets the provider's
///   answer unchanged. Its extensions then contain a [`TokenError`](crate::TokenError) that says why no other
///   token was available. If the body could not be copied, the call returns [`CallError::Unrepeatable`].
///
/// # Its place in the stack
///
/// The requests must have absolute URLs.
///
/// - Put a layer that follows redirects outside of this one. Each request that it makes is then checked, and no
///   token goes to other hosts than the provider's.
/// - Put a layer that retries outside too, so that each attempt has a token that is still valid.
/// - A timeout outside of this layer includes the time spent waiting for a token. It also limits how long the
///   layer waits for the beginning of a refusal's body.
/// - Put a layer that decompresses inside. This layer does not read compressed bodies, and would miss Octorate's
///   message for an expired token.
///
/// ```no_run
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use octo_auth_async::{AuthorizeLayer, TokenSource};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # async fn example(tokens: TokenSource) -> Result<(), tower::BoxError> {
/// let service = ServiceBuilder::new()
///     .layer(AuthorizeLayer::new(tokens).repeating(|body: &Full<Bytes>| Some(body.clone())))
///     .service(Client::builder(TokioExecutor::new()).build_http()); // a connector with TLS of your own
///
/// let url = "https://app.officernd.com/api/v2/organizations/example/members";
/// let answer = service.oneshot(http::Request::get(url).body(Full::default())?).await?;
/// println!("{}", answer.status());
/// # Ok(())
/// # }
/// ```
pub struct AuthorizeLayer<B> {
    caller: Caller,
    copying: Option<Copying<B>>,
}

/// A tower service whose requests are authorised by an [`AuthorizeLayer`].
pub struct AuthorizeService<S, B> {
    inner: S,
    layer: AuthorizeLayer<B>,
}

impl<B> AuthorizeLayer<B> {
    /// Builds a layer that uses these tokens, and allows the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        Self { caller: Caller::new(tokens), copying: None }
    }

    /// Replaces the authorizer, such as by `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { caller: Caller { authorizer, ..self.caller }, ..self }
    }

    /// Repeats a request once if its token was refused. `copy` copies the body before each request is sent. It
    /// returns `None` if this body cannot be sent twice.
    #[must_use]
    pub fn repeating(self, copy: impl Fn(&B) -> Option<B> + Send + Sync + 'static) -> Self {
        Self { copying: Some(Arc::new(copy)), ..self }
    }

    /// Copies the whole request, if repeating is enabled and the body can be copied.
    fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        let mut copy = Request::new(self.copying.as_ref()?(request.body())?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }

    /// Makes a call with a service that is ready.
    async fn call<S, R>(self, mut inner: S, mut request: Request<B>) -> Answered<R>
    where
        S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
        R: Body,
    {
        let repetition = self.copy(&request);
        let url = request.uri().clone();
        let caller = self.caller.of(request.extensions());
        let mut call = caller.begin(&url, request.headers_mut()).await?;
        let answer = inner.call(request).await.map_err(Into::into)?;
        let (mut answer, next) = judge(&caller, &call, answer, repetition.is_some()).await;
        match (next, repetition) {
            (Action::Repeat(_), Some(mut repetition)) => {
                if !caller.renew(&mut call, repetition.headers_mut(), answer.extensions_mut()).await {
                    return Ok(answer);
                }
                drop(answer);
                poll_fn(|context| inner.poll_ready(context)).await.map_err(Into::into)?;
                let answer = inner.call(repetition).await.map_err(Into::into)?;
                Ok(judge(&caller, &call, answer, false).await.0)
            }
            (Action::Unrepeatable(_), _) if self.copying.is_some() => {
                Err(CallError::Unrepeatable { status: answer.status().as_u16() }.into())
            }
            _ => Ok(answer),
        }
    }
}

/// Reads an answer, reports a refusal, and returns the complete answer.
async fn judge<R: Body>(
    caller: &Caller,
    call: &ApiCall,
    answer: Response<R>,
    can_be_repeated: bool,
) -> (Response<WholeBody<R>>, Action) {
    let mut answer = answer.map(WholeBody::new);
    let head = if caller.authorizer.looks_at_body(answer.status()) {
        answer.body_mut().look().await
    } else {
        Vec::new()
    };
    let next = caller.judge(call, (answer.status(), answer.headers(), &head), can_be_repeated);
    (answer, next)
}

/// The result of a call.
type Answered<R> = Result<Response<WholeBody<R>>, BoxError>;

impl<S, B> Layer<S> for AuthorizeLayer<B> {
    type Service = AuthorizeService<S, B>;

    fn layer(&self, inner: S) -> AuthorizeService<S, B> {
        AuthorizeService { inner, layer: self.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for AuthorizeService<S, B>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Send + 'static,
    R: Body<Error: Send> + Send + 'static,
{
    type Response = Response<WholeBody<R>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Answered<R>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled is ready; its clone may not be.
        let copy = self.inner.clone();
        let ready = mem::replace(&mut self.inner, copy);
        Box::pin(self.layer.clone().call(ready, request))
    }
}

impl<B> Clone for AuthorizeLayer<B> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), copying: self.copying.clone() }
    }
}

impl<S: Clone, B> Clone for AuthorizeService<S, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<B> fmt::Debug for AuthorizeLayer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeLayer")
            .field("tokens", &self.caller.tokens)
            .field("is_repeating", &self.copying.is_some())
            .finish_non_exhaustive()
    }
}

impl<S, B> fmt::Debug for AuthorizeService<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeService").field("layer", &self.layer).finish_non_exhaustive()
    }
}
