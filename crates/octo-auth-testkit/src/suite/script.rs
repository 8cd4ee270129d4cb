//! A transport that says what a test told it to say, and remembers what it was asked.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, Uri};
use octo_auth_core::{Body, TransportError, note_framing};

use crate::response;

/// What is said to a request.
type Said = Result<Response<Vec<u8>>, TransportError>;

/// What is said when nothing is lined up.
type Always = Box<dyn FnMut(&Asked) -> Said + Send>;

/// A transport without a network, of both colours: it says what was lined up, in order, then what it always says.
///
/// A clone is the same transport, so a test keeps one to look at [`ScriptedTransport::asked`]. Unless told otherwise
/// it always says that the request was not sent. Every answer comes at once; deadlines are noted and not kept. The
/// [first page](crate#code-that-uses-an-adapter) shows a renewal by it, and the clock that it takes.
#[derive(Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    lined_up: VecDeque<Said>,
    always: Option<Always>,
    asked: Vec<Asked>,
}

/// What a scripted transport was asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Asked {
    /// Which request it is, counted from one.
    pub number: usize,
    /// Its method.
    pub method: Method,
    /// Its address.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, which `Debug` does not show.
    pub body: Body,
    /// How long it may take.
    pub deadline: Duration,
}

impl ScriptedTransport {
    /// A transport that has nothing to say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lines up a response with a status and a JSON body.
    ///
    /// # Panics
    ///
    /// If the status is below 100 or above 999.
    #[must_use]
    pub fn json(self, status: u16, body: &str) -> Self {
        self.response(response::json(status, body))
    }

    /// Lines up a response.
    #[must_use]
    pub fn response(self, response: Response<Vec<u8>>) -> Self {
        self.script().lined_up.push_back(Ok(response));
        self
    }

    /// Lines up a fault.
    #[must_use]
    pub fn fault(self, fault: TransportError) -> Self {
        self.script().lined_up.push_back(Err(fault));
        self
    }

    /// Says this whenever nothing is lined up.
    #[must_use]
    pub fn always(self, says: impl FnMut(&Asked) -> Said + Send + 'static) -> Self {
        self.script().always = Some(Box::new(says));
        self
    }

    /// What it was asked so far, in order.
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
    /// A parameter of the form in the body, decoded; the first of its name.
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
