//! Runs one exchange in its own task. No caller can stop it once the request is sent.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;

use octo_auth_core::{Answer, Exchange, ExchangeError, Reply, TransportError};
use octo_auth_driver::{Admitted, Running};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::registration::Registration;

/// The outcome of an exchange.
pub(crate) type Outcome<T> = Result<Answer<T>, ExchangeError>;

/// A task that owns its exchange. If it is dropped before the answer is read, it reports the exchange as not sent
/// or as lost. That happens when its runtime ends or the transport panics.
struct ExchangeTask<T: Reply, R> {
    exchange: Option<Exchange<T>>,
    is_begun: bool,
    caller: Option<oneshot::Sender<(Outcome<T>, Option<R>)>>,
    registration: Arc<Registration>,
    /// A shutdown waits until this is dropped.
    _running: Running,
}

impl Registration {
    /// Runs an exchange that belongs to no spec, and then `then` with its outcome, in the same task. The result of
    /// `then` is `None` if the task ended before the request was answered.
    pub(crate) async fn run<T: Reply, R: Send + 'static>(
        self: &Arc<Self>,
        exchange: Exchange<T>,
        then: impl FnOnce(&Arc<Self>, &Outcome<T>) -> R + Send + 'static,
    ) -> (Outcome<T>, Option<R>) {
        let Ok(runtime) = Handle::try_current() else {
            let fault = TransportError::not_sent("there is no tokio runtime here: call from inside one");
            return (Err(exchange.failed(fault)), None);
        };
        let mut admission = self.shared.admission();
        let running = loop {
            if exchange.is_too_old(self.shared.now()) {
                let fault = TransportError::not_sent("the code became too old while it waited");
                return (Err(exchange.failed(fault)), None);
            }
            match admission.ask(exchange.purpose()) {
                Admitted::Yes(running) => break running,
                Admitted::Wait(listener, at_most) => drop(timeout(at_most, listener).await),
                Admitted::No(fault) => return (Err(exchange.failed(fault)), None),
            }
        };
        let (caller, outcome) = oneshot::channel();
        let task = ExchangeTask {
            exchange: Some(exchange),
            is_begun: false,
            caller: Some(caller),
            registration: self.clone(),
            _running: running,
        };
        let ended = runtime.spawn(task.run(then)).await;
        match (outcome.await, ended) {
            (Ok(outcome), _) => outcome,
            // `then` or the reading of the answer panicked.
            (Err(_), Err(error)) if error.is_panic() => resume_unwind(error.into_panic()),
            // The runtime has ended, and with it the task of this future.
            (Err(_), _) => pending().await,
        }
    }
}

impl<T: Reply, R> ExchangeTask<T, R> {
    async fn run(mut self, then: impl FnOnce(&Arc<Registration>, &Outcome<T>) -> R) {
        let registration = self.registration.clone();
        let (shared, transport) = (&registration.shared, &*registration.transport);
        let Some(exchange) = &self.exchange else { return };
        let (purpose, request, sent) = (exchange.purpose(), exchange.request().clone(), shared.now());
        let scope = shared.telemetry().request_beside(purpose, request.uri().host());
        self.is_begun = true;
        let response = scope.around(transport.send(&request, registration.exchange_deadline)).await;
        let received = shared.now();
        let (Some(exchange), Some(caller)) = (self.exchange.take(), self.caller.take()) else { return };
        let outcome = exchange.end(response, sent, received);
        shared.telemetry().exchanged(purpose, outcome.as_ref().err(), || shared.budget_left());
        let followed = then(&registration, &outcome);
        // If the caller was dropped, the answer is lost.
        let _ = caller.send((outcome, Some(followed)));
    }
}

impl<T: Reply, R> Drop for ExchangeTask<T, R> {
    fn drop(&mut self) {
        let (Some(exchange), Some(caller)) = (self.exchange.take(), self.caller.take()) else { return };
        let fault = match self.is_begun {
            true => TransportError::unknown("the task of the request ended before its answer came"),
            false => TransportError::not_sent("the tokio runtime ended before the request was sent"),
        };
        let _ = caller.send((Err(exchange.failed(fault)), None));
    }
}
