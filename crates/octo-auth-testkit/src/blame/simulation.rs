//! Simulates accounts, jobs in flight and waiting callers with a queue of events over simulated time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use octo_auth_core::{
    Entropy, Imported, Job, Now, Policy, SendJob, Storage, TokenManager, TokenSpec, Verdict,
};

use super::answers::Answer;
use super::kind::Kind;
use super::outcome::SimulationCounts;
use crate::fleet::chance::{Chance, derived};
use crate::{moment, registration};

/// The number of healthy accounts.
pub const HEALTHY: usize = 500;

const MINUTE: Duration = Duration::from_secs(60);

/// The shortest time between two events of which one causes the other.
const TICK: Duration = Duration::from_millis(1);

/// How long a caller waits for a token.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long after the start accounts ask for tokens.
const END: Duration = Duration::from_secs(6 * 3600);

/// The period in which the server fails for all accounts, for the kinds of that sort.
const OUTAGE: Range<Duration> = Duration::from_secs(165 * 60)..Duration::from_secs(195 * 60);

/// The longest time between two calls of an account, in milliseconds. The average is half of it.
const LONGEST_GAP: u64 = 6 * 60 * 1000;

/// Six hours of one registration. All times are relative to the start.
pub(super) struct Simulation {
    machine: TokenManager,
    kind: Kind,
    manager: Vec<Account>,
    /// The coming events by time. Events of the same time are in insertion order.
    queue: BTreeMap<(Duration, u64), Event>,
    queued: u64,
    calls: u64,
    tokens: u64,
    /// When the requests of the last minute were sent.
    last_minute: VecDeque<Duration>,
    outcome: SimulationCounts,
}

struct Account {
    key: TokenSpec,
    is_bad: bool,
    /// Determines the times of the calls.
    chance: Chance,
    waiting: Vec<Call>,
    /// The time of the first denied call since the last served one.
    denied_since: Option<Duration>,
}

/// A caller that asked for a token.
#[derive(Clone, Copy)]
struct Call {
    number: u64,
    asked: Duration,
}

/// An event of the account at this index.
enum Event {
    /// A new call for its token.
    Asks(usize),
    /// The waiting call with this number asks again.
    AsksAgain(usize, u64),
    /// The request that was sent at this time ends so.
    Ends(usize, SendJob, Duration, Answer),
}

impl Simulation {
    pub(super) fn new(bad: usize, kind: Kind, seed: u64) -> Self {
        let account = |place: usize| Account {
            key: TokenSpec::account(&format!("account {place}")),
            is_bad: place >= HEALTHY && !kind.is_of_all(),
            chance: Chance::new(derived(seed, place as u64)),
            waiting: Vec::new(),
            denied_since: None,
        };
        let (mut bytes, mut chance) = ([0; 64], Chance::new(seed));
        bytes.fill_with(|| chance.byte());
        let entropy = Entropy::from_bytes(bytes);
        Self {
            machine: TokenManager::new(registration::standard(), Policy::default(), Storage::None, &entropy),
            kind,
            manager: (0..HEALTHY + bad).map(account).collect(),
            queue: BTreeMap::new(),
            queued: 0,
            calls: 0,
            tokens: 0,
            last_minute: VecDeque::new(),
            outcome: SimulationCounts::default(),
        }
    }

    /// Runs all events, to the end of the last call.
    pub(super) fn run(mut self) -> SimulationCounts {
        for place in 0..self.manager.len() {
            self.sign_in(place);
            self.ask_later(place, Duration::ZERO);
        }
        while let Some(((at, _), event)) = self.queue.pop_first() {
            match event {
                Event::Asks(place) => self.ask(place, at),
                Event::AsksAgain(place, number) => {
                    let waiting = &mut self.manager[place].waiting;
                    if let Some(index) = waiting.iter().position(|call| call.number == number) {
                        let call = waiting.remove(index);
                        self.decide(place, call, at);
                    }
                }
                Event::Ends(place, job, sent, answer) => {
                    let next = self.machine.report(answer.end(job, now(sent), now(at)), now(at));
                    self.carry(place, next, at);
                }
            }
        }
        for account in self.manager.iter().filter(|account| !account.is_bad) {
            let outage = account.denied_since.map_or(Duration::ZERO, |since| END.saturating_sub(since));
            self.outcome.longest_outage = self.outcome.longest_outage.max(outage);
        }
        self.outcome
    }

    fn sign_in(&mut self, place: usize) {
        let brought = Imported::RefreshToken(format!("R of {place}").into());
        let imported = self.machine.import(&self.manager[place].key, brought, now(Duration::ZERO));
        self.carry(place, registration::sound(imported), Duration::ZERO);
    }

    fn put(&mut self, at: Duration, event: Event) {
        self.queued += 1;
        self.queue.insert((at, self.queued), event);
    }

    fn ask_later(&mut self, place: usize, at: Duration) {
        let gap = self.manager[place].chance.below(LONGEST_GAP);
        let next = at + TICK + Duration::from_millis(gap);
        if next < END {
            self.put(next, Event::Asks(place));
        }
    }

    fn ask(&mut self, place: usize, at: Duration) {
        self.ask_later(place, at);
        self.calls += 1;
        self.outcome.calls += u64::from(!self.manager[place].is_bad);
        self.decide(place, Call { number: self.calls, asked: at }, at);
    }

    /// Asks the machine for a call, and follows its decision.
    fn decide(&mut self, place: usize, call: Call, at: Duration) {
        let key = &self.manager[place].key;
        let is_over = at >= call.asked + TIMEOUT;
        let decision = match is_over {
            true => self.machine.decide_at_deadline(key, now(at)),
            false => self.machine.decide(key, now(at)),
        };
        match decision.verdict {
            Verdict::Use(_) => self.served(place, call, at),
            Verdict::UseAndRun(_, job) => {
                self.served(place, call, at);
                self.carry(place, Some(job), at);
            }
            Verdict::Run(job) => {
                self.wait(place, call, call.asked + TIMEOUT, at);
                self.carry(place, Some(job), at);
            }
            Verdict::Wait { until } if !is_over => {
                self.wait(place, call, until.saturating_sub(now(Duration::ZERO).boot), at);
            }
            Verdict::Wait { .. } | Verdict::GiveUp(_) => self.denied(place, at),
        }
    }

    /// Lets a call wait until the flight ends, at most until `until` or the call's own limit.
    fn wait(&mut self, place: usize, call: Call, until: Duration, at: Duration) {
        self.manager[place].waiting.push(call);
        let again = until.min(call.asked + TIMEOUT).max(at + TICK);
        self.put(again, Event::AsksAgain(place, call.number));
    }

    fn served(&mut self, place: usize, call: Call, at: Duration) {
        let account = &mut self.manager[place];
        if !account.is_bad {
            let outage = account.denied_since.take().map_or(Duration::ZERO, |since| at - since);
            self.outcome.longest_outage = self.outcome.longest_outage.max(outage);
            self.outcome.slowest_call = self.outcome.slowest_call.max(at - call.asked);
        }
    }

    fn denied(&mut self, place: usize, at: Duration) {
        let (fails, account) = (self.fails(place, at), &mut self.manager[place]);
        account.denied_since.get_or_insert(at);
        match (account.is_bad, fails) {
            (true, _) => self.outcome.denied_bad += 1,
            (false, true) => self.outcome.denied_in_outage += 1,
            (false, false) => self.outcome.denied += 1,
        }
        if self.kind.is_of_all() {
            self.outcome.recovery = at.saturating_sub(OUTAGE.end);
        }
    }

    /// Runs a job of an account. The flight has ended if there is no job, or if the job cannot be sent.
    fn carry(&mut self, place: usize, mut job: Option<Job>, at: Duration) {
        while let Some(next) = job {
            job = match next {
                Job::Send(job) => return self.send(place, job, at),
                // The simulation has no store.
                other => self.machine.report(other.abandon(), now(at)),
            };
        }
        for call in std::mem::take(&mut self.manager[place].waiting) {
            self.decide(place, call, at);
        }
    }

    fn send(&mut self, place: usize, job: SendJob, at: Duration) {
        let fails = self.fails(place, at);
        self.outcome.requests += 1;
        self.outcome.requests_for_bad += u64::from(self.manager[place].is_bad);
        self.outcome.requests_in_outage += u64::from(fails && self.kind.is_of_all());
        self.last_minute.push_back(at);
        while self.last_minute.front().is_some_and(|sent| *sent + MINUTE <= at) {
            self.last_minute.pop_front();
        }
        self.outcome.busiest_minute = self.outcome.busiest_minute.max(self.last_minute.len() as u64);
        self.tokens += 1;
        let answer = if fails { Answer::Failure(self.kind) } else { Answer::Token(self.tokens) };
        self.put(at + answer.takes(), Event::Ends(place, job, at, answer));
    }

    /// Returns whether the server fails for an account at this time.
    fn fails(&self, place: usize, at: Duration) -> bool {
        if self.kind.is_of_all() { OUTAGE.contains(&at) } else { self.manager[place].is_bad }
    }
}

/// Returns both clocks at this time after the start.
fn now(at: Duration) -> Now {
    let start = moment::start();
    Now { wall: start.wall.saturating_add(at), boot: start.boot + at }
}
