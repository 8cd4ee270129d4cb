//! The layer for tower services that carry HTTP requests.

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

/// How a request's body is copied, if it can be.
type Copying<B> = Arc<dyn Fn(&B) -> Option<B> + Send + Sync>;

/// Authorises every request of a tower service with the token of one key; `B` is the body of its requests.
///
/// A request that must not carry the token, or for which none is to be had, is not sent: the call ends in a
/// [`CallError`]. Errors come in a box; those of the service below pass as they are.
///
/// A request with [`TokenSource`] among its extensions takes those, so that one stack can call for many accounts.
///
/// # Refusals
///
/// If the provider refuses the token, that is reported, so that the next call has another. Whether this call is
/// repeated is for you to say, since a body need not be one that can be sent twice:
///
/// - By default it is not: the provider's answer is what the caller gets, whole.
/// - With [`AuthorizeLayer::repeating`], the token is renewed, once for all callers, and the request is sent once more.
///   If that is refused too, or no other token is to be had, the provider's answer is what the caller gets; why no other
///   token is to be had is a [`TokenError`](crate::Failure) among its extensions. If the body could not be copied, the call
///   ends in [`CallError::Unrepeatable`].
///
/// # Its place in the stack
///
/// Requests must have absolute URLs here. A layer that follows redirects belongs outside of this one: each request
/// it makes is checked then, and none with the token leaves the hosts of the provider. So does one that retries: each
/// attempt has a token that is valid then. A timeout outside of it counts the waiting for a token in, and bounds how
/// long the beginning of a refusal is waited for. A layer that decompresses belongs inside: what a provider says in a
/// compressed body is not read here, such as Octorate's words for an expired token.
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
    /// Authorises calls with these tokens, at the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        Self { caller: Caller::new(tokens), copying: None }
    }

    /// The same by another authorizer, such as `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { caller: Caller { authorizer, ..self.caller }, ..self }
    }

    /// The same, repeating a request whose token was refused, once. The body is copied before each request is sent;
    /// a copy of `None` says that this one cannot be sent twice.
    #[must_use]
    pub fn repeating(self, copy: impl Fn(&B) -> Option<B> + Send + Sync + 'static) -> Self {
        Self { copying: Some(Arc::new(copy)), ..self }
    }

    /// A copy of the whole request, if it is wanted and can be had.
    fn copy(&self, request: &Request<B>) -> Option<Request<B>> {
        let mut copy = Request::new(self.copying.as_ref()?(request.body())?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }

    /// Makes a call with a service that is ready for it.
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

/// Looks at an answer, reports a refusal, and returns the answer whole.
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

/// What comes of a call.
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
        // The service that was polled is the one that is ready; its copy is not.
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
