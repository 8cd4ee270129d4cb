//! A process of the bare core: its machine, who asks there, and what is carried for it.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_core::{
    Accounts, Adopted, Change, Decision, Exchange, Failure, Fault, Job, Key, KeyEffects, Now, Token,
    TokenSet, Verdict, Waits, Warm,
};

use super::carrier::Carrier;
use crate::scenario::step::Act;
use crate::scenario::{Call, CallId, Named, Outcome, Scenery};

/// How long a shutdown waits for what is under way.
const GRACE: Duration = Duration::from_secs(5);

/// How often it tries again to save.
const SAVING_AGAIN: Duration = Duration::from_secs(1);

/// A process.
pub(super) struct Process {
    scenery: Arc<Scenery>,
    named: Named,
    accounts: Accounts,
    callers: Vec<Caller>,
    carriers: Vec<Carrier>,
    redeeming: Vec<Redeeming>,
    warm: Option<Warm>,
    closing: Option<Closing>,
    news: Vec<Change>,
    is_shut: bool,
}

/// Somebody who waits for a token.
struct Caller {
    name: String,
    key: Key,
    asks: octo_auth_core::Caller,
}

/// An exchange beside the machine.
struct Redeeming {
    name: String,
    exchange: Option<Exchange<TokenSet>>,
    call: Option<(CallId, Now)>,
}

/// A shutdown that waits.
struct Closing {
    end: Duration,
    again: Duration,
}

impl Process {
    pub(super) fn new(scenery: &Arc<Scenery>, named: Named, accounts: Accounts) -> Self {
        Self {
            scenery: scenery.clone(),
            named,
            accounts,
            callers: Vec::new(),
            carriers: Vec::new(),
            redeeming: Vec::new(),
            warm: None,
            closing: None,
            news: Vec::new(),
            is_shut: false,
        }
    }

    /// Begins an act.
    pub(super) fn act(&mut self, act: &Act) {
        let setup = self.scenery.setup().clone();
        let now = self.scenery.now();
        match act {
            Act::Ask(name, callers) => self.ask(name, *callers, setup.policy.wait()),
            Act::Glance(name) => self.ask(name, 1, Duration::ZERO),
            Act::Refuse(name, token) => {
                let generation = self.scenery.generation(self.named, name, token.as_deref());
                if let Some(generation) = generation {
                    self.by_handle(&setup.key(name), |accounts, key, now| {
                        accounts.refused(key, generation, now);
                    });
                }
            }
            Act::Adopt(name, token, refresh_token) => {
                if let Some(adopted) = self.scenery.adopted(name, token.as_ref(), refresh_token.as_deref()) {
                    self.adopt(name, adopted);
                }
            }
            Act::SignOut(name) => {
                let key = setup.key(name);
                let job = self.by_handle(&key, Accounts::sign_out);
                self.carry(job.flatten());
            }
            Act::Redeem(name) => {
                self.scenery.begin();
                let exchange = self.scenery.redeemed(name);
                self.redeeming.push(Redeeming { name: name.clone(), exchange, call: None });
            }
            Act::KeepWarm(which) => {
                self.warm = Some(*which);
                self.scenery.keep_warm();
            }
            Act::ReplaceClient => {
                // Its requests can be built: it is the same.
                let _ = self.accounts.replace_client(setup.client());
            }
            Act::ShutDown => {
                self.step(now, Accounts::shut_down);
                self.is_shut = true;
                self.scenery.begin();
                self.scenery.let_cool();
                self.save_all(now);
                self.closing = Some(Closing { end: now.boot + GRACE, again: now.boot + SAVING_AGAIN });
            }
            Act::Crash | Act::Start => {}
        }
    }

    /// Goes on as far as it can while time stands still; the answer is whether anything has moved.
    pub(super) fn go_on(&mut self) -> bool {
        let asked = self.ask_again();
        let carried = self.carry_on();
        let tended = self.tend();
        let redeemed = self.redeem();
        let closed = self.close();
        asked || carried || tended || redeemed || closed
    }

    /// Tells the scenery what has changed.
    pub(super) fn hear(&mut self) {
        for change in std::mem::take(&mut self.news) {
            self.scenery.heard(self.named, &change);
        }
    }

    fn ask(&mut self, name: &str, callers: usize, wait: Duration) {
        let key = self.scenery.setup().key(name);
        let deadline = self.scenery.now().boot + wait;
        self.scenery.set_out(self.named, name, callers);
        for _ in 0..callers {
            match self.accounts.hold(&key) {
                Ok(_) => {
                    let asks = octo_auth_core::Caller::new(Waits::Until(deadline));
                    let caller = Caller { name: name.to_owned(), key: key.clone(), asks };
                    self.callers.push(caller);
                }
                Err(failure) => self.scenery.told(self.named, name, &Err(failure)),
            }
        }
    }

    /// Asks for everybody who waits; who is told goes away.
    fn ask_again(&mut self) -> bool {
        let waiting = std::mem::take(&mut self.callers);
        let mut has_moved = false;
        for mut caller in waiting {
            match self.told(&mut caller) {
                Some(told) => {
                    has_moved = true;
                    self.accounts.let_go(&caller.key);
                    self.scenery.told(self.named, &caller.name, &told);
                }
                None => self.callers.push(caller),
            }
        }
        has_moved
    }

    /// What a caller is told; nothing if it has to wait.
    fn told(&mut self, caller: &mut Caller) -> Option<Result<Token, Failure>> {
        loop {
            let asks = &mut caller.asks;
            let Decision { verdict, state, .. } =
                self.on(&caller.key, |accounts, key, now| accounts.ask(key, asks, now));
            self.scenery.decided(state);
            match verdict {
                Verdict::Use(token) => return Some(Ok(token)),
                Verdict::UseAndRun(token, job) => {
                    self.carry(Some(job));
                    return Some(Ok(token));
                }
                Verdict::Run(job) => self.carry(Some(job)),
                Verdict::Wait { .. } => return None,
                Verdict::GiveUp(failure) => return Some(Err(failure)),
            }
        }
    }

    fn adopt(&mut self, name: &str, adopted: Adopted) {
        let key = self.scenery.setup().key(name);
        match self.by_handle(&key, |accounts, key, now| accounts.adopt(key, adopted, now)) {
            Some(Ok(job)) => self.carry(job),
            Some(Err(error)) => self.scenery.not_adopted(self.named, name, &error),
            None => {}
        }
    }

    /// Makes one call on the machine through a handle, as adapters do.
    fn by_handle<R>(&mut self, key: &Key, call: impl FnOnce(&mut Accounts, &Key, Now) -> R) -> Option<R> {
        self.accounts.hold(key).ok()?;
        let result = self.on(key, call);
        self.accounts.let_go(key);
        Some(result)
    }

    /// Makes one call on the machine for a key and notes what has changed by it.
    fn on<R>(&mut self, key: &Key, call: impl FnOnce(&mut Accounts, &Key, Now) -> R) -> R {
        let now = self.scenery.now();
        self.step(now, |accounts| call(accounts, key, now))
    }

    fn step<R>(&mut self, now: Now, call: impl FnOnce(&mut Accounts) -> R) -> R {
        let (result, effects) = self.accounts.step(now, call);
        for KeyEffects { key, events, .. } in effects.keys {
            self.news.extend(events.into_iter().map(|event| Change { key: key.clone(), event }));
        }
        result
    }
}

impl Process {
    fn carry(&mut self, job: Option<Job>) {
        self.carriers.extend(job.map(Carrier::new));
    }

    fn carry_on(&mut self) -> bool {
        let mut carriers = std::mem::take(&mut self.carriers);
        let mut has_moved = false;
        for carrier in &mut carriers {
            let (moved, report) = carrier.go_on(&self.scenery, self.named);
            has_moved |= moved;
            if let Some(report) = report {
                let key = carrier.key().clone();
                let next = self.on(&key, |accounts, _, now| accounts.report(report, now));
                carrier.next(next);
            }
        }
        carriers.retain(|carrier| !carrier.is_home());
        self.carriers.append(&mut carriers);
        has_moved
    }

    /// Begins what is due before anybody waits for it.
    fn tend(&mut self) -> bool {
        let Some(which) = self.warm.filter(|_| !self.is_shut) else { return false };
        let now = self.scenery.now();
        let tending = self.step(now, |accounts| accounts.tend(which, now));
        let has_job = tending.job.is_some();
        self.carry(tending.job);
        has_job
    }

    /// Sends what waits for the budget, and begins keys anew with what came.
    fn redeem(&mut self) -> bool {
        let mut waiting = std::mem::take(&mut self.redeeming);
        let mut has_moved = false;
        for redeeming in &mut waiting {
            let now = self.scenery.now();
            let Some(exchange) = &redeeming.exchange else { continue };
            let Some((call, sent)) = redeeming.call else {
                if self.accounts.admit(exchange.purpose(), now).is_ok() {
                    let deadline = self.scenery.setup().policy.exchange_deadline();
                    let call = Call::Send(exchange.request().clone(), deadline);
                    redeeming.call = Some((self.scenery.arrive(self.named, call), now));
                    has_moved = true;
                }
                continue;
            };
            let Some(outcome) = self.scenery.outcome(call) else { continue };
            has_moved = true;
            let Some(exchange) = redeeming.exchange.take() else { continue };
            let result = match outcome {
                Outcome::Response(response) => exchange.finish(&response, sent, now),
                Outcome::Fault(fault) => Err(exchange.lost(fault)),
                _ => Err(exchange.lost(Fault::unknown("its carrier is gone"))),
            };
            self.scenery.done(self.named);
            match result {
                Ok(answer) => self.adopt(&redeeming.name, Adopted::from(answer.value)),
                Err(error) => self.scenery.redeemed_in_vain(self.named, &redeeming.name, &error),
            }
        }
        waiting.retain(|redeeming| redeeming.exchange.is_some());
        self.redeeming.append(&mut waiting);
        has_moved
    }

    fn close(&mut self) -> bool {
        let now = self.scenery.now();
        let Some(closing) = &mut self.closing else { return false };
        let is_busy = self.accounts.is_busy() || !self.carriers.is_empty() || !self.redeeming.is_empty();
        if !is_busy || closing.end <= now.boot {
            self.closing = None;
            self.scenery.shut_down(self.named);
            return true;
        }
        if closing.again > now.boot {
            return false;
        }
        closing.again = now.boot + SAVING_AGAIN;
        self.save_all(now)
    }

    fn save_all(&mut self, now: Now) -> bool {
        let jobs = self.step(now, |accounts| accounts.save_all(now));
        let has_jobs = !jobs.is_empty();
        jobs.into_iter().for_each(|job| self.carry(Some(job)));
        has_jobs
    }
}
