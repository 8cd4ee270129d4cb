#![doc = include_str!("telemetry/names.md")]
#![cfg_attr(
    not(all(feature = "tracing", feature = "metrics")),
    allow(dead_code, unused_variables, reason = "what no feature tells is carried here all the same")
)]

#[cfg(feature = "tracing")]
mod events;
mod facts;
#[cfg(feature = "metrics")]
mod measures;
mod panics;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Client, Ending, ExchangeError, Generation, Purpose, RenewalCause, SendJob, Step, Token, TokenError,
    TokenSpec,
};

pub use facts::{News, Reported};

use facts::End;
use panics::undisturbed;

use octo_auth_system::Clock;

/// The telemetry of one `TokenManager`.
#[derive(Debug, Clone)]
pub struct Telemetry {
    provider: Arc<str>,
}

/// A waiting caller. If it is dropped without [`CallerWait::over`], the outcome is `cancelled`.
pub struct CallerWait<'t> {
    telemetry: &'t Telemetry,
    key: &'t TokenSpec,
    clock: &'t dyn Clock,
    began: Duration,
    outcome: &'static str,
}

/// A span of work in flight.
#[derive(Debug)]
pub struct Scope {
    #[cfg(feature = "tracing")]
    span: events::Span,
}

impl Telemetry {
    /// Builds the telemetry of this client's `TokenManager`.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        #[cfg(feature = "metrics")]
        undisturbed(measures::describe);
        Self { provider: client.profile().name().into() }
    }

    /// Reports a change.
    pub fn change(&self, news: &News) {
        undisturbed(|| {
            #[cfg(feature = "tracing")]
            events::change(&self.provider, news);
            #[cfg(feature = "metrics")]
            measures::change(&self.provider, news);
        });
    }

    /// Returns the span of a job's request.
    #[must_use]
    pub fn request(&self, job: &SendJob) -> Scope {
        self.exchange(job.purpose(), job.request().uri().host(), Some(job.spec()), job.cause())
    }

    /// Returns the span of a request that belongs to no spec.
    #[must_use]
    pub fn request_beside(&self, purpose: Purpose, host: Option<&str>) -> Scope {
        self.exchange(purpose, host, None, None)
    }

    /// Returns the span of a store call for a spec.
    #[must_use]
    pub fn store_call(&self, key: &TokenSpec, call: Step) -> Scope {
        Scope {
            #[cfg(feature = "tracing")]
            span: events::Span::new(|| events::store_call(&self.provider, key, call.word())),
        }
    }

    /// Reports the end of a job, and the rest of the request budget.
    pub fn reported(&self, reported: &Reported, budget_left: u32) {
        let Reported { ticket, end } = reported;
        undisturbed(|| match ticket.step() {
            Step::Send { purpose, cause } => {
                #[cfg(feature = "tracing")]
                events::requested(&self.provider, Some(ticket.spec()), (purpose, cause), end);
                #[cfg(feature = "metrics")]
                measures::requested(&self.provider, cause, end.outcome, budget_left);
            }
            call => {
                #[cfg(feature = "tracing")]
                events::stored(&self.provider, ticket.spec(), call.word(), end.outcome);
            }
        });
    }

    /// Reports the end of an exchange that belongs to no spec, and the rest of the request budget. `budget_left`
    /// may panic.
    pub fn exchanged(
        &self,
        purpose: Purpose,
        failure: Option<&ExchangeError>,
        budget_left: impl FnOnce() -> u32,
    ) {
        undisturbed(|| {
            let end = End::of(failure.map_or(Ending::Done, Ending::Failed));
            #[cfg(feature = "tracing")]
            events::requested(&self.provider, None, (purpose, None), &end);
            #[cfg(feature = "metrics")]
            measures::requested(&self.provider, None, end.outcome, budget_left());
        });
    }

    /// Starts measuring a caller's wait, from this moment on the boot clock.
    #[must_use]
    pub fn waiting<'t>(
        &'t self,
        key: &'t TokenSpec,
        clock: &'t dyn Clock,
        began: Duration,
    ) -> CallerWait<'t> {
        CallerWait { telemetry: self, key, clock, began, outcome: "cancelled" }
    }

    /// Reports that a resource server refused a token.
    pub fn refused(&self, key: &TokenSpec, generation: Generation) {
        undisturbed(|| {
            #[cfg(feature = "tracing")]
            events::refused(&self.provider, key, generation);
            #[cfg(feature = "metrics")]
            measures::refused(&self.provider);
        });
    }

    /// Reports that a shutdown begins.
    pub fn shutting_down(&self) {
        #[cfg(feature = "tracing")]
        undisturbed(|| events::shutting_down(&self.provider));
    }

    /// Reports that a shutdown stopped waiting, and whether everything has ended and is stored.
    pub fn shut_down(&self, is_finished: bool) {
        #[cfg(feature = "tracing")]
        undisturbed(|| events::shut_down(&self.provider, is_finished));
    }

    fn exchange(
        &self,
        purpose: Purpose,
        host: Option<&str>,
        key: Option<&TokenSpec>,
        cause: Option<RenewalCause>,
    ) -> Scope {
        Scope {
            #[cfg(feature = "tracing")]
            span: events::Span::new(|| events::request(&self.provider, (purpose, cause), host, key)),
        }
    }

    fn waited(&self, key: &TokenSpec, outcome: &'static str, wait: Duration) {
        undisturbed(|| {
            #[cfg(feature = "tracing")]
            events::waited(&self.provider, key, outcome, wait);
            #[cfg(feature = "metrics")]
            measures::waited(&self.provider, outcome, wait);
        });
    }
}

impl CallerWait<'_> {
    /// Ends the wait with this result of the caller.
    pub fn over(mut self, told: Result<&Token, &TokenError>) {
        self.outcome = match told {
            Ok(token) if token.is_suspect() => "suspect",
            Ok(_) => "token",
            Err(failure) => failure.kind().word(),
        };
    }
}

impl Drop for CallerWait<'_> {
    fn drop(&mut self) {
        if cfg!(any(feature = "tracing", feature = "metrics")) {
            undisturbed(|| {
                let wait = self.clock.boot().saturating_sub(self.began);
                self.telemetry.waited(self.key, self.outcome, wait);
            });
        }
    }
}

impl Scope {
    /// Runs work inside the span.
    pub fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        #[cfg(feature = "tracing")]
        let _inside = self.span.enter();
        work()
    }

    /// Awaits work inside the span.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        std::future::poll_fn(|context| self.within(|| work.as_mut().poll(context))).await
    }
}
