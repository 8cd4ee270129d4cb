//! Authorised calls with a ureq agent.
//!
//! The core makes the decisions. This module changes the request accordingly, reads the beginning of an answer if
//! the core asks for it, and returns the answer complete.

use std::borrow::Cow;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{Request, Response, Uri};
use octo_auth_core::{ApiCall, Authorizer, CallError, Diagnostic, Remedy};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::{Body, ResponseExt, SendBody};

use crate::token_source::TokenSource;

/// Adds the token of one spec to every request of a [`ureq::Agent`].
///
/// If the provider refuses the token, the middleware reports it, so that the next call gets another token. It
/// cannot repeat a request. The caller gets the refusal, and may repeat the call.
///
/// If the extensions of a request contain a [`TokenSource`], that one is used. So one agent can call for many
/// accounts.
///
/// Configure the agent with `http_status_as_error(false)`. Otherwise ureq turns refusals into errors before this
/// middleware sees them. The middleware cannot check this setting in advance. With the wrong setting, the first
/// answer with status 400 or above returns [`StatusesAreErrors`].
///
/// A request that must not carry the token, or for which no token is available, is not sent. The call returns
/// [`ureq::Error::Other`] with a [`CallError`] in it.
///
/// At level trace the agent logs every request, with the token, under the target `ureq_proto`. Keep that target at
/// debug.
///
/// An answer that came after a redirect says nothing about the token, because ureq removes `Authorization` on
/// every redirect. It removes no other header. So configure the agent with `max_redirects(0)` if the authorizer
/// adds a header ([`Authorizer::with_header`](crate::Authorizer::with_header)), or if the profile uses another
/// header for the token ([`Profile::token_header_name`](crate::Profile::token_header_name)). If redirects are on,
/// leave `redirect_auth_headers` at `Never`: the other setting lets the token go to another port. If a call is
/// redirected, call the target address instead.
///
/// ```no_run
/// use octo_auth_blocking::{Authorize, TokenSource};
///
/// # fn example(tokens: TokenSource) -> Result<(), ureq::Error> {
/// let agent: ureq::Agent = ureq::Agent::config_builder()
///     .http_status_as_error(false)
///     .middleware(Authorize::new(tokens))
///     .build()
///     .into();
/// let mut members = agent.get("https://app.officernd.com/api/v2/organizations/example/members").call()?;
/// println!("{}", members.body_mut().read_to_string()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Authorize {
    tokens: TokenSource,
    authorizer: Authorizer,
}

/// The error of an agent that turns statuses into errors, which hides refusals of the token.
///
/// It is returned in a [`ureq::Error::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusesAreErrors {
    status: u16,
}

impl Authorize {
    /// Builds a middleware that uses these tokens, and allows the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer }
    }

    /// Replaces the authorizer, such as by `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { authorizer, ..self }
    }

    /// Adds the token to a request.
    fn authorize(&self, request: &mut Request<SendBody>, tokens: &TokenSource) -> Result<ApiCall, CallError> {
        let mut call = self.authorizer.call(request.uri(), request.headers())?;
        let token = tokens.get()?;
        call.authorize(&token, request.headers_mut())?;
        Ok(call)
    }

    /// Reports a refusal, and returns the answer complete.
    fn judge(&self, call: &ApiCall, tokens: &TokenSource, answer: Response<Body>) -> Response<Body> {
        let (parts, body) = answer.into_parts();
        let (head, body) =
            if self.authorizer.looks_at_body(parts.status) { look_at(body) } else { (Vec::new(), body) };
        let judged = call.answered((parts.status, &parts.headers, &head), false, tokens.now());
        if let Some(generation) = judged.next.refused() {
            tokens.refused(generation);
        }
        Response::from_parts(parts, body)
    }
}

impl Middleware for Authorize {
    fn handle(
        &self,
        mut request: Request<SendBody>,
        next: MiddlewareNext,
    ) -> Result<Response<Body>, ureq::Error> {
        let tokens = request.extensions().get().unwrap_or(&self.tokens).clone();
        let call = self.authorize(&mut request, &tokens).map_err(other)?;
        let asked = request.uri().clone();
        match next.handle(request) {
            Ok(answer) if is_redirected(&answer, &asked) => Ok(answer),
            Ok(answer) => Ok(self.judge(&call, &tokens, answer)),
            Err(ureq::Error::StatusCode(status)) => Err(other(StatusesAreErrors { status })),
            Err(error) => Err(error),
        }
    }
}

impl StatusesAreErrors {
    /// Returns the status that was turned into an error.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }
}

impl std::fmt::Display for StatusesAreErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the agent turns the status {} into an error, which hides refusals of the token: set it up with \
             `http_status_as_error(false)`",
            self.status
        )
    }
}

impl std::error::Error for StatusesAreErrors {}

impl Diagnostic for StatusesAreErrors {
    fn code(&self) -> Cow<'static, str> {
        "statuses_are_errors".into()
    }

    fn remedy(&self) -> Remedy {
        Remedy::FixConfiguration
    }
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> ureq::Error {
    ureq::Error::Other(Box::new(error))
}

/// Returns whether an answer came from another address than the requested one. An answer that another middleware
/// made, such as a cache, has no address. ureq panics if asked for it; the panic is caught.
fn is_redirected(answer: &Response<Body>, asked: &Uri) -> bool {
    let is_elsewhere = || catch_unwind(AssertUnwindSafe(|| answer.get_uri() != asked)).unwrap_or(false);
    !answer.extensions().is_empty() && is_elsewhere()
}

/// Reads the beginning of a body. Returns it, and a body that is complete again.
fn look_at(body: Body) -> (Vec<u8>, Body) {
    let mut rebuilt = Body::builder();
    if let Some(mime_type) = body.mime_type() {
        rebuilt = rebuilt.mime_type(mime_type);
    }
    if let Some(charset) = body.charset() {
        rebuilt = rebuilt.charset(charset);
    }
    let mut rest = body.into_reader();
    let mut head = Vec::new();
    let read = rest.by_ref().take(Authorizer::LOOKED_AT as u64).read_to_end(&mut head);
    let seen = io::Cursor::new(head.clone());
    let whole = match read {
        Ok(count) if count < Authorizer::LOOKED_AT => rebuilt.data(head.clone()),
        Ok(_) => rebuilt.reader(seen.chain(rest)),
        Err(error) => rebuilt.reader(seen.chain(BrokenOff(Some(error)))),
    };
    (head, whole)
}

/// The end of a body that failed while its beginning was read. The reader gets that error.
struct BrokenOff(Option<io::Error>);

impl Read for BrokenOff {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}
