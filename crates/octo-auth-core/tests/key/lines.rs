//! Many accounts of one registration: each step looks at only few of them, as counted by its effects.

use std::collections::HashMap;
use std::time::Duration;

use octo_auth_core::{
    Effects, Freshness, Imported, Policy, RefreshAhead, Secret, Storage, TokenSpec, TransportError,
};
use octo_auth_testkit::machine::{InMemoryStore, Machine, ServerReply};
use octo_auth_testkit::registration::standard;

use crate::scene::{DAY, not_sent};

/// The largest number of specs that one step looks at.
const MOST: usize = 130;

/// Many accounts, the number of specs that all steps have looked at, and the largest number of one step.
struct Crowd {
    world: Machine,
    keys: Vec<TokenSpec>,
    looks: usize,
    most: usize,
}

impl Crowd {
    /// Signs this number of accounts in. All their tokens live for an hour from the same time.
    fn new(policy: Policy, count: usize) -> Self {
        let world = Machine::with_store_and_policy(
            standard(),
            policy,
            Storage::SingleProcess,
            &InMemoryStore::default(),
            1,
        );
        let keys = (0..count).map(|number| TokenSpec::account(&format!("hotel-{number}"))).collect();
        let mut crowd = Self { world, keys, looks: 0, most: 0 };
        for number in 0..count {
            crowd.sign_in(number);
        }
        (crowd.looks, crowd.most) = (0, 0);
        crowd
    }

    fn sign_in(&mut self, number: usize) {
        let brought = Imported::RefreshToken(Secret::from(format!("RT-{number}")));
        let (key, now) = (self.keys[number].clone(), self.world.now);
        let (job, effects) = self.world.manager.step(now, |manager| manager.import(&key, brought, now));
        self.count(&effects);
        self.world.carry(job.expect("a sound refresh token"));
    }

    fn count(&mut self, effects: &Effects) {
        self.looks += effects.specs.len();
        self.most = self.most.max(effects.specs.len());
    }

    /// Renews tokens that are due now. Returns when to look again.
    fn poll_due(&mut self, which: RefreshAhead) -> Duration {
        loop {
            let now = self.world.now;
            let (due, effects) = self.world.manager.step(now, |manager| manager.poll_due(which, now));
            self.count(&effects);
            match due.job {
                Some(job) => self.world.carry(Some(job)),
                None => return due.again,
            }
        }
    }

    /// Refreshes tokens ahead for this many seconds.
    fn tend_for(&mut self, which: RefreshAhead, seconds: u64) {
        let end = self.world.now.boot + Duration::from_secs(seconds);
        while self.world.now.boot < end {
            let again = self.poll_due(which);
            self.world.pass_until(again.min(end));
        }
    }

    /// Gets the first token of each account, within this many seconds.
    fn fill(&mut self, seconds: u64) {
        self.tend_for(RefreshAhead::All, seconds);
        let now = self.world.now;
        assert!(self.keys.iter().all(|key| {
            self.world.manager.status(key, now).is_some_and(|status| status.freshness == Freshness::Fresh)
        }));
        (self.looks, self.most) = (0, 0);
    }

    /// Returns the number of requests in the busiest minute.
    fn peak(&self) -> usize {
        let sent: Vec<Duration> = self.world.asked.iter().map(|asked| asked.at.boot).collect();
        let minute = Duration::from_secs(60);
        (0..sent.len())
            .map(|last| last + 1 - sent.partition_point(|at| *at + minute <= sent[last]))
            .max()
            .unwrap_or(0)
    }
}

#[test]
fn tokens_with_the_same_expiry_are_renewed_within_the_budget_and_with_few_visits() {
    let policy = Policy::default().with_request_limit(100).expect("a sound limit");
    let mut crowd = Crowd::new(policy, 1000);
    crowd.fill(620);
    let (sent, limit) = (crowd.world.requests(), 100);
    let lived = crowd.keys.iter().filter(|key| {
        let status = crowd.world.manager.status(key, crowd.world.now);
        status.is_some_and(|status| status.token.is_some())
    });
    assert_eq!(lived.count(), 1000);
    // The tokens were fetched in ten minutes, and the renewals may take as long.
    let mut without = 0;
    for _ in 0..120 {
        crowd.tend_for(RefreshAhead::All, 30);
        let now = crowd.world.now;
        let has_none = |key: &&TokenSpec| {
            crowd.world.manager.status(key, now).is_none_or(|status| status.token.is_none())
        };
        without += crowd.keys.iter().filter(has_none).count();
    }
    let renewals = crowd.world.requests() - sent;
    assert!(renewals >= 1000, "{renewals}");
    assert!(crowd.peak() <= limit, "{} requests in a minute", crowd.peak());
    assert_eq!(without, 0, "each token was renewed before it expired");
    assert!(crowd.looks <= 8 * renewals, "{} looks for {renewals} renewals", crowd.looks);
    assert!(crowd.most <= MOST, "{} keys in one step", crowd.most);
}

#[test]
fn accounts_waiting_for_the_request_budget_are_not_visited_at_each_free_slot() {
    let policy = Policy::default().with_request_limit(10).expect("a sound limit");
    let mut crowd = Crowd::new(policy, 1000);
    let before = crowd.world.requests();
    crowd.tend_for(RefreshAhead::All, 600);
    let requests = crowd.world.requests() - before;
    assert!((90..=110).contains(&requests), "{requests}");
    assert!(crowd.looks <= 1000 + 8 * requests, "{} looks for {requests} requests", crowd.looks);
}

#[test]
fn the_end_of_an_outage_visits_few_accounts_in_each_step() {
    let mut crowd = Crowd::new(Policy::default(), 1000);
    crowd.world.endpoint.always(|_| not_sent());
    crowd.tend_for(RefreshAhead::All, 600);
    let during = (crowd.looks, crowd.world.requests());
    assert!(during.0 <= 1000 + 8 * during.1, "{} looks for {} requests", during.0, during.1);
    crowd.world.endpoint.always(ServerReply::next_tokens);
    crowd.tend_for(RefreshAhead::All, 130);
    assert_eq!(crowd.world.requests() - during.1, 1000, "all are renewed");
    assert!(crowd.most <= MOST, "{} keys in one step", crowd.most);
}

#[test]
fn a_replaced_client_and_a_shutdown_visit_few_accounts_in_each_step() {
    let mut crowd = Crowd::new(Policy::default(), 500);
    crowd.fill(70);
    let now = crowd.world.now;
    let (replaced, effects) = crowd.world.manager.step(now, |manager| manager.replace_client(standard()));
    assert!(replaced.is_ok() && effects.specs.is_empty(), "it concerns none");
    // Now all accounts are blocked because of the client.
    crowd.world.endpoint.always(|_| ServerReply::error(400, "invalid_grant"));
    crowd.world.pass_seconds(3600);
    crowd.tend_for(RefreshAhead::All, 60);
    crowd.world.endpoint.always(ServerReply::next_tokens);
    let (refused, now) = (crowd.world.requests(), crowd.world.now);
    let (replaced, effects) = crowd.world.manager.step(now, |manager| manager.replace_client(standard()));
    assert!(replaced.is_ok());
    crowd.count(&effects);
    crowd.tend_for(RefreshAhead::All, 120);
    assert_eq!(crowd.world.requests() - refused, 500, "each refresh token is tried with the new client");
    let ((), effects) = crowd.world.manager.step(crowd.world.now, octo_auth_core::TokenManager::shut_down);
    crowd.count(&effects);
    assert!(crowd.most <= MOST, "{} keys in one step", crowd.most);
}

#[test]
fn unused_tokens_are_visited_once_when_they_are_due() {
    let mut crowd = Crowd::new(Policy::default(), 500);
    crowd.fill(70);
    crowd.world.pass_seconds(3600);
    let requests = crowd.world.requests();
    // Tokens that were fetched while the accounts were filled count as used once.
    crowd.tend_for(RefreshAhead::Used, 60);
    crowd.looks = 0;
    crowd.tend_for(RefreshAhead::Used, 600);
    assert_eq!((crowd.looks, crowd.world.requests()), (0, requests));
    crowd.tend_for(RefreshAhead::All, 60);
    assert_eq!(crowd.world.requests() - requests, 500, "they are renewed if all are refreshed ahead");
}

#[test]
fn dead_refresh_tokens_are_tried_at_most_twice_a_day_and_do_not_delay_others() {
    let mut crowd = Crowd::new(Policy::default(), 60);
    crowd.world.endpoint.always(|asked| match asked.refresh_token() {
        Some(token) if token.ends_with('7') && token.starts_with("RT-") => {
            ServerReply::error(400, "invalid_grant")
        }
        _ => ServerReply::next_tokens(asked),
    });
    crowd.tend_for(RefreshAhead::All, DAY);
    let mut tries: HashMap<&str, usize> = HashMap::new();
    for asked in &crowd.world.asked {
        *tries.entry(asked.refresh_token().expect("a refresh")).or_default() += 1;
    }
    let dead = tries.iter().filter(|(token, _)| token.starts_with("RT-") && token.ends_with('7'));
    let dead: Vec<usize> = dead.map(|(_, count)| *count).collect();
    assert_eq!(dead.len(), 6);
    assert!(dead.iter().all(|count| *count <= 2), "{dead:?}");
    let now = crowd.world.now;
    let served = crowd.keys.iter().filter(|key| {
        crowd.world.manager.status(key, now).is_some_and(|status| status.freshness != Freshness::Expired)
    });
    assert_eq!(served.count(), 54, "the others have their tokens");
}

#[test]
fn one_account_whose_answer_takes_30_seconds_delays_no_other() {
    let mut crowd = Crowd::new(Policy::default(), 100);
    let now = crowd.world.now;
    let slow = crowd.world.manager.poll_due(RefreshAhead::All, now).job.expect("something is due");
    let send = crowd.world.step(slow).expect("the request follows");
    let slow_key = send.ticket().spec().clone();
    crowd.tend_for(RefreshAhead::All, 1);
    let now = crowd.world.now;
    let served = |crowd: &Crowd| {
        let status =
            |key: &&TokenSpec| crowd.world.manager.status(key, now).is_some_and(|own| own.token.is_some());
        crowd.keys.iter().filter(status).count()
    };
    assert_eq!(served(&crowd), 99, "all but the slow one");
    crowd.world.pass_seconds(30);
    let octo_auth_core::Job::Send(send) = send else { unreachable!("it is a request") };
    let lost = send.failed(TransportError::unknown("timeout"), crowd.world.now);
    let rest = crowd.world.manager.report(lost, crowd.world.now);
    crowd.world.carry(rest);
    assert!(crowd.world.manager.status(&slow_key, crowd.world.now).is_some_and(|own| own.setback.is_some()));
    assert_eq!(served(&crowd), 99, "its failure is its own");
}

#[test]
fn eviction_loses_none_of_the_accounts_that_are_not_saved() {
    let policy = Policy::default().with_capacity(300).expect("a sound capacity");
    let mut crowd = Crowd::new(policy, 297);
    crowd.world.store.refuse_writing(true);
    for number in 297..300 {
        crowd.keys.push(TokenSpec::account(&format!("hotel-{number}")));
        crowd.sign_in(number);
    }
    crowd.world.store.refuse_writing(false);
    for number in 300..900 {
        crowd.keys.push(TokenSpec::account(&format!("hotel-{number}")));
        crowd.sign_in(number);
    }
    assert_eq!(crowd.world.manager.specs().count(), 300);
    assert!(crowd.most <= MOST, "{} keys in one step", crowd.most);
    for job in crowd.world.manager.save_all(crowd.world.now) {
        crowd.world.carry(Some(job));
    }
    for number in 0..900 {
        let record = crowd.world.stored(&crowd.keys[number]);
        assert_eq!(record.refresh_token(), Some(format!("RT-{number}").as_str()));
    }
}
