//! What the keys of one registration share: the client, its budget, and what failures of the endpoint left behind.

use std::time::Duration;

use super::budget::Budget;
use crate::client::Client;
use crate::grant::Entropy;
use crate::lifecycle::{Dice, Policy, Setback, Setbacks, Storage};
use crate::time::Now;

/// What the keys of one registration share.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) client: Client,
    pub(crate) policy: Policy,
    pub(crate) storage: Storage,
    pub(crate) dice: Dice,
    /// The owner of all its claims, so that a claim left behind by a lost flight is no obstacle to the next.
    pub(crate) owner: String,
    pub(crate) budget: Budget,
    pub(crate) setbacks: Setbacks,
    pub(crate) shutting_down: bool,
    probe: Option<Probe>,
    flights: u64,
}

/// The one flight that tries the endpoint again after it failed.
#[derive(Debug)]
struct Probe {
    flight: u64,
    until: Duration,
}

impl Registration {
    /// The time one step with the store may take.
    pub(crate) const SAVING: Duration = Duration::from_secs(5);

    pub(crate) fn new(client: Client, policy: Policy, storage: Storage, entropy: &Entropy) -> Self {
        let documented = client.profile().document().token_limit.as_ref();
        let mut budget = Budget::new(policy.limit(documented), documented.is_some());
        budget.share(storage == Storage::Shared && policy.knows_a_limit(documented));
        let mut dice = Dice::new(entropy);
        let owner = dice.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            dice,
            owner,
            budget,
            setbacks: Setbacks::default(),
            shutting_down: false,
            probe: None,
            flights: 0,
            client,
            policy,
            storage,
        }
    }

    /// Puts another client in the place of the present one, with other limits perhaps; what was sent still counts.
    pub(crate) fn replace_client(&mut self, client: Client) {
        let documented = client.profile().document().token_limit.as_ref();
        self.budget.set(self.policy.limit(documented), documented.is_some());
        self.budget.share(self.storage == Storage::Shared && self.policy.knows_a_limit(documented));
        self.client = client;
        self.setbacks.clear();
        self.probe = None;
    }

    /// A number no other flight has.
    pub(crate) fn number(&mut self) -> u64 {
        self.flights += 1;
        self.flights
    }

    /// Lets a flight try the endpoint for all keys, if it failed last time.
    pub(crate) fn probe(&mut self, flight: u64, now: Now) {
        if self.setbacks.any() {
            let until = now.boot.saturating_add(self.longest_flight());
            self.probe = Some(Probe { flight, until });
        }
    }

    /// Takes note that a flight ended: another may try the endpoint.
    pub(crate) fn landed(&mut self, flight: u64) {
        if self.probe.as_ref().is_some_and(|probe| probe.flight == flight) {
            self.probe = None;
        }
    }

    /// Takes note that the endpoint gave a token to a request sent at that moment.
    pub(crate) fn succeeded(&mut self, sent: Now) {
        self.setbacks.clear_before(sent.boot);
        // What has failed since is not over by this.
        if !self.setbacks.any() {
            self.probe = None;
            self.budget.succeeded();
        }
    }

    /// Until when the endpoint is left alone by all keys but the one whose flight this is, and why.
    pub(crate) fn closed(&self, own_flight: Option<u64>, now: Duration) -> Option<Setback> {
        if let Some(closed) = self.setbacks.closed(now) {
            return Some(closed.clone());
        }
        let probe = self.probe.as_ref()?;
        let others = probe.until > now && own_flight != Some(probe.flight);
        let last = self.setbacks.last().filter(|_| others)?;
        Some(Setback { until: probe.until, ..last.clone() })
    }

    /// The longest time from the first to the last step of a flight, and for which a claim is taken: more than the
    /// exchange and twice the saving.
    pub(crate) fn longest_flight(&self) -> Duration {
        self.policy.exchange_deadline() + 6 * Self::SAVING
    }
}
