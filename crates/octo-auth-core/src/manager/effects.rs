//! What a step changes outside the manager: the published tokens, the events for subscribers, the callers to
//! wake.

use std::sync::Arc;
use std::time::Duration;

use super::TokenManager;
use crate::key::{Event, Published, Settled, State};
use crate::spec::TokenSpec;
use crate::time::Now;

/// What the driver must do after a step, in the same critical section: publish, notify, wake.
#[derive(Debug, Default)]
#[must_use = "callers wait for what these effects tell"]
pub struct Effects {
    /// The specs that the step has looked at.
    pub specs: Vec<TokenEffects>,
    /// Whether something has changed for all specs: wake every waiting caller.
    pub concerns_all: bool,
    /// Whether to wake tasks that wait for no single spec: those that wait for the next refresh ahead or for
    /// a shutdown.
    pub wakes_watchers: bool,
}

/// What a step changes about one spec.
#[derive(Debug)]
pub struct TokenEffects {
    /// The spec.
    pub spec: Arc<TokenSpec>,
    /// The token that its handles may serve without asking the manager.
    pub published: Option<Arc<Published>>,
    /// The events, in the order of the variants of [`Event`].
    pub events: Vec<Event>,
    /// The state of the spec.
    pub state: State,
    /// The duration for which its token can still be served; `None` if unknown, zero without a token.
    pub served_for: Option<Duration>,
    /// Whether callers that wait for the spec must ask again.
    pub wakes_callers: bool,
}

impl TokenManager {
    /// Calls `call` on the manager. Returns its result, and the effects outside the manager.
    pub fn step<R>(&mut self, now: Now, call: impl FnOnce(&mut Self) -> R) -> (R, Effects) {
        let answer = call(self);
        (answer, self.take_effects(now))
    }

    fn take_effects(&mut self, now: Now) -> Effects {
        self.look_at_queued();
        self.look_at_held_up();
        let concerns_all = std::mem::take(&mut self.all_touched);
        let mut effects = Effects { specs: Vec::new(), concerns_all, wakes_watchers: concerns_all };
        for spec in std::mem::take(&mut self.touched) {
            let Some(account) = self.accounts.get_mut(&spec) else { continue };
            account.is_touched = false;
            account.place(&mut self.idle, &self.shared, now);
            account.place_unsaved(&mut self.unsaved, &self.shared);
            account.place_busy(&mut self.busy, &self.shared);
            account.place_held_up(&mut self.held_up);
            let is_served = account.handles > 0;
            let settled = account.state.settled(&account.shown, is_served, &self.shared, now);
            let Settled { shown, events, due, place, published } = settled;
            if account.is_due_stale {
                account.schedule(&mut self.due, &mut self.lines, due, place);
            }
            let wakes_callers = shown.facts != account.shown.facts;
            effects.wakes_watchers |= wakes_callers || shown.next_change != account.shown.next_change;
            effects.specs.push(TokenEffects {
                published,
                events,
                state: shown.facts.state,
                served_for: account.state.served_for(now),
                wakes_callers,
                spec,
            });
            account.shown = shown;
        }
        effects
    }
}
