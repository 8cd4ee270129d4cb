//! A transport that returns scripted answers and records the requests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, Uri};
use octo_auth_core::{Body, TransportError, note_framing};

use crate::response;

/// The outcome of a request.
type Said = Result<Response<Vec<u8>>, TransportError>;

/// The outcome of requests when no prepared outcome is left.
type Always = Box<dyn FnMut(&Asked) -> Said + Send>;

/// A transport without a network, for both adapters. It returns the prepared outcomes in order, then its default
/// outcome.
///
/// A clone shares the same script and log, so a test can keep one to read [`ScriptedTransport::asked`]. Without
/// [`ScriptedTransport::always`], the default outcome is that the request was not sent. Every answer comes at once.
/// Deadlines are recorded but not enforced. The [first page](crate#code-that-uses-an-adapter) shows a renewal with
/// it, and a clock to use beside it.
#[derive(Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    lined_up: VecDeque<Said>,
    always: Option<Always>,
    asked: Vec<Asked>,
}

/// A request that a scripted transport received.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Asked {
    /// The number of the request; the first one is 1.
    pub number: usize,
    /// The method.
    pub method: Method,
    /// The URI.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. `Debug` does not show it.
    pub body: Body,
    /// How long the request may take.
    pub deadline: Duration,
}

impl ScriptedTransport {
    /// Returns a transport without prepared outcomes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a response with a status and a JSON body to the prepared outcomes.
    ///
    /// # Panics
    ///
    /// If the status is below 100 or above 999.
    #[must_use]
    pub fn json(self, status: u16, body: &str) -> Self {
        self.response(response::json(status, body))
    }

    /// Adds a response to the prepared outcomes.
    #[must_use]
    pub fn response(self, response: Response<Vec<u8>>) -> Self {
        self.script().lined_up.push_back(Ok(response));
        self
    }

    /// Adds a `TransportError` to the prepared outcomes.
    #[must_use]
    pub fn fault(self, fault: TransportError) -> Self {
        self.script().lined_up.push_back(Err(fault));
        self
    }

    /// Sets the function that answers every request for which no prepared outcome is left.
    #[must_use]
    pub fn always(self, says: impl FnMut(&Asked) -> Said + Send + 'static) -> Self {
        self.script().always = Some(Box::new(says));
        self
    }

    /// Returns the requests so far, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.script().asked.clone()
    }

    pub(crate) fn answer(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        let mut script = self.script();
        let asked = Asked {
            number: script.asked.len() + 1,
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            deadline,
        };
        script.asked.push(asked.clone());
        let said = match (script.lined_up.pop_front(), &mut script.always) {
            (Some(said), _) => said,
            (None, Some(always)) => always(&asked),
            (None, None) => Err(TransportError::not_sent("the script is at its end")),
        };
        let mut response = said?.map(Body::new);
        note_framing(&mut response);
        Ok(response)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Returns the first parameter of this name in the form body, decoded, or `None`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.body.as_ref());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.script();
        let (lined_up, asked) = (script.lined_up.len(), script.asked.len());
        f.debug_struct("ScriptedTransport").field("lined_up", &lined_up).field("asked", &asked).finish()
    }
}

#[cfg(feature = "async")]
#[async_trait::async_trait]
impl octo_auth_async::Transport for ScriptedTransport {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        self.answer(request, deadline)
    }
}

#[cfg(feature = "blocking")]
impl octo_auth_blocking::Transport for ScriptedTransport {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        self.answer(request, deadline)
    }
}
