//! A process over the driver: its callers, and the jobs that run for it, one step after the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octo_auth_core::{
    Exchange, Imported, Now, RefreshAhead, State, Token, TokenError, TokenManager, TokenSet, TransportError,
    Waits,
};
use octo_auth_driver::{
    Admission, Admitted, CallerAction, Changes, Due, JobGuard, KeyCell, Running, Saver, Shared,
};
use octo_auth_system::Clock;

use super::job_runner::JobRunner;
use crate::scenario::step::Act;
use crate::scenario::{CallId, Environment, IoCall, IoOutcome, Named};

/// How long a shutdown waits for what is in flight.
const GRACE: Duration = Duration::from_secs(5);

/// The interval between two attempts to save.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// A process.
pub(super) struct Process {
    environment: Arc<Environment>,
    named: Named,
    shared: Arc<Shared>,
    changes: Changes,
    callers: Vec<Caller>,
    runners: Vec<JobRunner>,
    redeeming: Vec<Redeeming>,
    refreshing: Option<RefreshAhead>,
    saver: Arc<Mutex<Option<Saver>>>,
    closing: Option<Closing>,
}

/// A caller that waits for a token.
struct Caller {
    name: String,
    cell: Arc<KeyCell>,
    asks: octo_auth_core::Caller,
}

/// A code exchange outside of the machine.
struct Redeeming {
    name: String,
    exchange: Option<Exchange<TokenSet>>,
    admission: Admission,
    call: Option<(CallId, Now, Running)>,
}

/// A shutdown in progress.
struct Closing {
    end: Duration,
    again: Duration,
}

/// The clock of a scenario.
struct ScenarioClock(Arc<Environment>);

impl Clock for ScenarioClock {
    fn now(&self) -> Now {
        self.0.now()
    }
}

impl Process {
    pub(super) fn new(environment: &Arc<Environment>, named: Named, manager: TokenManager) -> Self {
        let shared = Shared::new(manager, Arc::new(ScenarioClock(environment.clone())));
        let saver = Arc::new(Mutex::new(None));
        let place = saver.clone();
        shared.on_unsaved(move |saver| {
            place.lock().unwrap_or_else(PoisonError::into_inner).replace(saver);
        });
        Self {
            environment: environment.clone(),
            named,
            changes: shared.changes(),
            shared,
            callers: Vec::new(),
            runners: Vec::new(),
            redeeming: Vec::new(),
            refreshing: None,
            saver,
            closing: None,
        }
    }

    /// Begins an act.
    pub(super) fn act(&mut self, act: &Act) {
        let setup = self.environment.setup().clone();
        let now = self.environment.now();
        match act {
            Act::Ask(name, callers) => self.ask(name, *callers, setup.policy.wait()),
            Act::Glance(name) => self.ask(name, 1, Duration::ZERO),
            Act::Refuse(name, token) => {
                let generation = self.environment.generation(self.named, name, token.as_deref());
                if let (Some(generation), Some(cell)) = (generation, self.acquire(name)) {
                    self.shared.refused(cell.spec(), generation);
                    self.shared.release(&cell);
                }
            }
            Act::Adopt(name, token, refresh_token) => {
                if let Some(imported) =
                    self.environment.imported(name, token.as_ref(), refresh_token.as_deref())
                {
                    self.import(name, imported);
                }
            }
            Act::SignOut(name) => {
                if let Some(cell) = self.acquire(name) {
                    let guard = self.shared.sign_out(cell.spec());
                    self.run(guard);
                    self.shared.release(&cell);
                }
            }
            Act::Redeem(name) => {
                self.environment.begin();
                let exchange = self.environment.redeemed(name);
                self.redeeming.push(Redeeming {
                    name: name.clone(),
                    exchange,
                    admission: self.shared.admission(),
                    call: None,
                });
            }
            Act::RefreshAhead(which) => {
                self.refreshing = Some(*which);
                self.environment.refresh_ahead();
            }
            Act::ReplaceClient => {
                // This cannot fail: requests of this client could be built before.
                let _ = self.shared.replace_client(setup.client());
            }
            Act::ShutDown => {
                self.shared.shut_down();
                self.environment.begin();
                self.environment.let_cool();
                self.save_all();
                self.closing = Some(Closing { end: now.boot + GRACE, again: now.boot + SAVING_AGAIN });
            }
            Act::Crash | Act::Start => {}
        }
    }

    /// Proceeds as far as possible at the present time. Returns whether anything has changed.
    pub(super) fn go_on(&mut self) -> bool {
        let asked = self.ask_again();
        let ran = self.run_on();
        let refreshed = self.refresh_ahead();
        let saved = self.save_again();
        let redeemed = self.redeem();
        let closed = self.close();
        asked || ran || refreshed || saved || redeemed || closed
    }

    /// Reports changes to the environment.
    pub(super) fn hear(&mut self) {
        while let Some(change) = self.changes.try_next() {
            self.environment.heard(self.named, &change);
        }
    }

    fn ask(&mut self, name: &str, callers: usize, wait: Duration) {
        let key = self.environment.setup().key(name);
        let deadline = self.environment.now().boot + wait;
        self.environment.set_out(self.named, name, callers);
        for _ in 0..callers {
            match self.shared.acquire(&key) {
                Ok(cell) => {
                    let asks = octo_auth_core::Caller::new(Waits::Until(deadline));
                    self.callers.push(Caller { name: name.to_owned(), cell, asks });
                }
                Err(failure) => self.environment.told(self.named, name, &Err(failure)),
            }
        }
    }

    /// Asks again for every waiting caller. A caller with an answer is removed.
    fn ask_again(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.callers);
        let mut has_moved = false;
        for mut caller in waiting {
            match self.told(&mut caller) {
                Some(told) => {
                    has_moved = true;
                    self.shared.release(&caller.cell);
                    self.environment.told(self.named, &caller.name, &told);
                }
                None => self.callers.push(caller),
            }
        }
        has_moved
    }

    /// Returns the answer to a caller, or `None` if it has to wait.
    fn told(&mut self, caller: &mut Caller) -> Option<Result<Token, TokenError>> {
        loop {
            let before = self.state(caller);
            let told = self.shared.ask(&caller.cell, &mut caller.asks);
            // Beginning a job changes the state in which it begins. The end of an overdue flight shows only
            // afterwards.
            let state = if matches!(told, CallerAction::Run(..)) { before } else { self.state(caller) };
            state.into_iter().for_each(|state| self.environment.decided(state));
            match told {
                CallerAction::Token(token) => return Some(Ok(token)),
                CallerAction::Run(token, guard) => {
                    self.run(Some(guard));
                    if let Some(token) = token {
                        return Some(Ok(token));
                    }
                }
                CallerAction::Wait(..) => return None,
                CallerAction::TokenError(failure) => return Some(Err(failure)),
            }
        }
    }

    fn state(&self, caller: &Caller) -> Option<State> {
        self.shared.status(caller.cell.spec()).map(|status| status.state)
    }

    fn import(&mut self, name: &str, imported: Imported) {
        let Some(cell) = self.acquire(name) else { return };
        match self.shared.import(cell.spec(), imported) {
            Ok(guard) => self.run(guard),
            Err(error) => self.environment.not_imported(self.named, name, &error),
        }
        self.shared.release(&cell);
    }

    fn acquire(&self, name: &str) -> Option<Arc<KeyCell>> {
        self.shared.acquire(&self.environment.setup().key(name)).ok()
    }
}

impl Process {
    fn run(&mut self, guard: Option<JobGuard>) {
        self.runners.extend(guard.map(JobRunner::new));
    }

    fn run_on(&mut self) -> bool {
        let (environment, named) = (&self.environment, self.named);
        let mut has_moved = false;
        self.runners.retain_mut(|runner| match runner.go_on(environment, named) {
            Some(moved) => {
                has_moved |= moved;
                true
            }
            None => false,
        });
        has_moved
    }

    /// Begins a refresh ahead that is due.
    fn refresh_ahead(&mut self) -> bool {
        match self.refreshing.map(|which| self.shared.poll_due(which)) {
            Some(Due::Run(guard)) => {
                self.run(Some(guard));
                true
            }
            Some(Due::Wait(..) | Due::Over) | None => false,
        }
    }

    /// Saves again what could not be saved.
    fn save_again(&mut self) -> bool {
        let place = || self.saver.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(saver) = place().take() else { return false };
        let due = saver.poll(&self.shared);
        if matches!(due, Due::Over) {
            return false;
        }
        place().replace(saver);
        let Due::Run(guard) = due else { return false };
        self.environment.decided(State::Unsaved);
        self.run(Some(guard));
        true
    }

    /// Sends the exchanges that wait for the budget, and imports the resulting tokens.
    fn redeem(&mut self) -> bool {
        let mut waiting = std::mem::take(&mut self.redeeming);
        let mut has_moved = false;
        for redeeming in &mut waiting {
            let now = self.environment.now();
            let Some(exchange) = &redeeming.exchange else { continue };
            let Some((call, sent, _)) = &redeeming.call else {
                match redeeming.admission.ask(exchange.purpose()) {
                    Admitted::Wait(..) => continue,
                    Admitted::Yes(running) => {
                        let deadline = self.environment.setup().policy.exchange_deadline();
                        let call = IoCall::Send(exchange.request().clone(), deadline);
                        redeeming.call = Some((self.environment.arrive(self.named, call), now, running));
                    }
                    Admitted::No(fault) => {
                        let Some(exchange) = redeeming.exchange.take() else { continue };
                        let error = exchange.failed(fault);
                        self.environment.redeemed_in_vain(self.named, &redeeming.name, &error);
                    }
                }
                has_moved = true;
                continue;
            };
            let Some(outcome) = self.environment.outcome(*call) else { continue };
            has_moved = true;
            let (sent, Some(exchange)) = (*sent, redeeming.exchange.take()) else { continue };
            let result = match outcome {
                IoOutcome::Response(response) => Ok(response),
                IoOutcome::Fault(fault) => Err(fault),
                _ => Err(TransportError::unknown("its task is gone")),
            };
            let result = exchange.end(result, sent, now);
            self.environment.done(self.named);
            match result {
                Ok(answer) => self.import(&redeeming.name, Imported::from(answer.value)),
                Err(error) => self.environment.redeemed_in_vain(self.named, &redeeming.name, &error),
            }
        }
        waiting.retain(|redeeming| redeeming.exchange.is_some());
        self.redeeming.append(&mut waiting);
        has_moved
    }

    fn close(&mut self) -> bool {
        let now = self.environment.now();
        let Some(closing) = &mut self.closing else { return false };
        if self.shared.listen_while_busy().is_none() || closing.end <= now.boot {
            self.closing = None;
            self.environment.shut_down(self.named);
            return true;
        }
        if closing.again > now.boot {
            return false;
        }
        closing.again = now.boot + SAVING_AGAIN;
        self.save_all()
    }

    fn save_all(&mut self) -> bool {
        let guards = self.shared.save_all();
        let has_jobs = !guards.is_empty();
        self.runners.extend(guards.into_iter().map(JobRunner::new));
        has_jobs
    }
}
