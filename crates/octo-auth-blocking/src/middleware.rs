//! Authorised calls with an agent of ureq.
//!
//! The core decides. What is here puts its decision on a request, looks at the beginning of an answer where the core
//! asks for it, and hands the answer on whole.

use std::borrow::Cow;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{Request, Response, Uri};
use octo_auth_core::{ApiCall, Authorizer, CallError, Diagnostic, Remedy};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::{Body, ResponseExt, SendBody};

use crate::token_source::TokenSource;

/// Authorises every request of a [`ureq::Agent`] with the token of one key.
///
/// It puts the token on, and reports a refusal of it, so that the next call has another. It cannot repeat a request:
/// a refusal is handed to the caller, who makes the call again if that is wanted.
///
/// A request with [`TokenSource`] among its extensions takes those, so that one agent can call for many accounts.
///
/// The agent must be set up with `http_status_as_error(false)`, else a refusal never reaches this middleware. ureq
/// tells a middleware nothing of its settings, so a mistake shows at the first answer of status 400 or above: it
/// ends in [`StatusesAreErrors`].
///
/// A request that must not carry the token, or for which none is to be had, is not sent: the call ends in
/// [`ureq::Error::Other`] with a [`CallError`] in it.
///
/// At level trace the agent logs every request with the token, under the target `ureq_proto`: keep that at debug.
///
/// An answer that came after a redirect says nothing about the token, for ureq takes `Authorization` off wherever a redirect
/// leads. It takes no other header off: set the agent up with `max_redirects(0)` if the authorizer adds a header
/// ([`Authorizer::with_header`](crate::Authorizer::with_header)) or the profile carries the token in a header of its own
/// ([`Profile::token_header_name`](crate::Profile::token_header_name)). With redirects on, leave its `redirect_auth_headers` at `Never`, as the other setting lets the token go to another port. For calls that
/// are redirected, call the address they lead to.
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

/// An agent of ureq turns statuses into errors, which hides refusals of the token.
///
/// It comes in a [`ureq::Error::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusesAreErrors {
    status: u16,
}

impl Authorize {
    /// Authorises calls with these tokens, at the hosts of their provider's profile.
    #[must_use]
    pub fn new(tokens: TokenSource) -> Self {
        let authorizer = tokens.authorizer();
        Self { tokens, authorizer }
    }

    /// The same by another authorizer, such as `tokens.authorizer()` with a host or a header added.
    #[must_use]
    pub fn with_authorizer(self, authorizer: Authorizer) -> Self {
        Self { authorizer, ..self }
    }

    /// Puts the token on a request.
    fn authorize(&self, request: &mut Request<SendBody>, tokens: &TokenSource) -> Result<ApiCall, CallError> {
        let mut call = self.authorizer.call(request.uri(), request.headers())?;
        let token = tokens.get()?;
        call.authorize(&token, request.headers_mut())?;
        Ok(call)
    }

    /// Reports a refusal, and gives the answer back as it came.
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
    /// The status that was turned into an error.
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

/// Whether an answer came from elsewhere than was asked. One made up by another middleware, such as a cache, has no
/// address; ureq has no other way to find that out than a panic.
fn is_redirected(answer: &Response<Body>, asked: &Uri) -> bool {
    let is_elsewhere = || catch_unwind(AssertUnwindSafe(|| answer.get_uri() != asked)).unwrap_or(false);
    !answer.extensions().is_empty() && is_elsewhere()
}

/// Reads the beginning of a body; the answer is that, and a body that is whole again.
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

/// The end of a body that failed while it was looked at: its reader gets the error that came.
struct BrokenOff(Option<io::Error>);

impl Read for BrokenOff {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.take().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into()))
    }
}
