//! The state that all accounts of one client share: the client, the request budget, and the health of the
//! endpoint.

mod budget;
mod health;
mod history;
mod policy;
mod request_log;
mod rng;
mod slots;

use std::time::Duration;

pub(crate) use budget::{BudgetRequest, Drawn, Limit, SendLog, Share};
pub(crate) use health::Evidence;
pub(crate) use history::{FailureHistory, LONGEST_RETRY_AFTER, Setback, doubled, part};
pub use policy::{Policy, PolicyError};
pub(crate) use rng::SeededRng;

use budget::Budget;
use health::EndpointHealth;
use slots::Slots;

use crate::client::Client;
use crate::grant::Entropy;
use crate::profile::Replay;
use crate::store::{Identity, RecordName, STORE_CALL, Storage, hex};
use crate::time::{Now, Timestamp};

/// The state that all accounts of one client share.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) client: Client,
    pub(crate) policy: Policy,
    pub(crate) storage: Storage,
    pub(crate) rng: SeededRng,
    /// Identifies this process start in the operations that it stores.
    pub(crate) writer: u64,
    pub(crate) budget: Budget,
    pub(crate) health: EndpointHealth,
    slots: Slots,
    pub(crate) is_shutting_down: bool,
    /// Grows with each replacement of the client. An account compares it at its next look.
    pub(crate) client_epoch: u32,
    /// The identity of the request log.
    pub(crate) requests: Identity,
    flights: u64,
    operations: u64,
    /// Both clocks at the first look of this process.
    first_look: Option<Now>,
}

impl SharedState {
    pub(crate) fn new(client: Client, policy: Policy, storage: Storage, entropy: &Entropy) -> Self {
        let documented = client.profile().document().token_limit.as_ref();
        let mut budget = Budget::new(policy.limit(documented));
        budget.set_account(Policy::account_limit(client.profile().document().account_limit.as_ref()));
        budget.share(storage != Storage::None && policy.knows_a_limit(documented));
        let mut rng = SeededRng::new(entropy);
        Self {
            writer: rng.number(),
            rng,
            budget,
            health: EndpointHealth::default(),
            slots: Slots::default(),
            is_shutting_down: false,
            client_epoch: 0,
            requests: identity(&client, RecordName::requests(&client)),
            flights: 0,
            operations: 0,
            first_look: None,
            client,
            policy,
            storage,
        }
    }

    /// Returns the claim owner of a writer. It is the same for all flights, so a claim left by a lost flight
    /// does not block the next one.
    pub(crate) fn owner(writer: u64) -> String {
        hex(&writer.to_be_bytes())
    }

    /// Replaces the client, whose limits may differ. Requests already sent still count.
    pub(crate) fn replace_client(&mut self, client: Client) {
        let documented = client.profile().document().token_limit.as_ref();
        self.budget.set(self.policy.limit(documented));
        let of_account = client.profile().document().account_limit.as_ref();
        self.budget.set_account(Policy::account_limit(of_account));
        self.budget.share(self.storage != Storage::None && self.policy.knows_a_limit(documented));
        self.requests = identity(&client, RecordName::requests(&client));
        self.client = client;
        self.client_epoch += 1;
        self.health.clear();
    }

    /// Returns the identity of a record of this registration.
    pub(crate) fn identity(&self, name: RecordName) -> Identity {
        Identity { name, ..self.requests.clone() }
    }

    /// Returns the wall time without any forward steps of the wall clock since the first look of this
    /// process.
    pub(crate) fn steady_wall(&mut self, now: Now) -> Timestamp {
        let first = self.note_look(now);
        now.wall.min(first.wall.saturating_add(now.boot.saturating_sub(first.boot)))
    }

    /// Returns both clocks at the first look of this process, which may be this one.
    pub(crate) fn note_look(&mut self, now: Now) -> Now {
        *self.first_look.get_or_insert(now)
    }

    /// Returns whether another renewal may be in flight.
    pub(crate) fn has_slot(&self, is_client_grant: bool) -> bool {
        self.slots.has_room(is_client_grant, self.policy.concurrency())
    }

    /// Records that a renewal begins.
    pub(crate) fn renewal_begins(&mut self, flight: u64, is_client_grant: bool, now: Now) {
        self.health.probe(flight, now.boot.saturating_add(self.longest_flight()));
        self.slots.take(flight, is_client_grant);
    }

    /// Records that a flight has ended.
    pub(crate) fn flight_ended(&mut self, flight: u64) {
        self.health.flight_ended(flight);
        self.slots.release(flight);
    }

    /// Returns a number that no other flight has.
    pub(crate) fn next_flight(&mut self) -> u64 {
        self.flights += 1;
        self.flights
    }

    /// Returns a number that is larger than those of all earlier operations.
    pub(crate) fn next_operation(&mut self) -> u64 {
        self.operations += 1;
        self.operations
    }

    /// Returns whether the provider accepts a refresh token twice; `None` if it has no refresh grant.
    pub(crate) fn replay(&self) -> Option<Replay> {
        self.client.profile().document().refresh.as_ref().map(|refresh| refresh.replay)
    }

    /// Returns the longest duration of a flight: the exchange and six store calls.
    pub(crate) fn longest_flight(&self) -> Duration {
        self.policy.exchange_deadline() + 6 * STORE_CALL
    }
}

fn identity(client: &Client, name: RecordName) -> Identity {
    Identity { name, issuer: client.profile().issuer().clone(), client_id: client.client_id().into() }
}
