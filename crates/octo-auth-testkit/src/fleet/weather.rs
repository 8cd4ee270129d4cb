//! The faults around a fleet and their durations: phases that come and go, and their effect on jobs.

use super::chance::Chance;
use crate::world::{Breakage, ErrorReply, FaultKind, RefreshMember, Reply, StoreEnd, TokenReply};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A fault that lasts for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The endpoint is unreachable or does not work.
    Outage,
    /// The endpoint throttles its clients.
    Throttling,
    /// The server does what is asked, but its answers do not arrive.
    LostAnswers,
    /// Answers take up to their deadline, and some take longer.
    SlowAnswers,
    /// Answers are unusable.
    BrokenAnswers,
    /// The store fails, but stores some of the records nevertheless.
    StoreFaults,
    /// The store takes seconds.
    SlowStore,
    /// Carriers of jobs die, but some answers arrive nevertheless.
    LostCarriers,
    /// Resource servers refuse good tokens.
    RefusedTokens,
    /// The server does not know the client.
    WrongClient,
    /// The server omits the refresh token from its answers, or sends an invalid one.
    NoRefreshTokens,
    /// The server issues the same access token again.
    SameTokens,
    /// Tokens live for minutes or seconds.
    ShortLives,
    /// An operator sets the wall clock.
    ClockSteps,
    /// Processes die.
    Crashes,
}

/// All phases with their mean pause and their mean duration.
const PHASES: [(Phase, u64, u64); 15] = [
    (Phase::Outage, 20 * HOUR, 25 * MINUTE),
    (Phase::Throttling, 20 * HOUR, 10 * MINUTE),
    (Phase::LostAnswers, 30 * HOUR, 20 * MINUTE),
    (Phase::SlowAnswers, 16 * HOUR, 30 * MINUTE),
    (Phase::BrokenAnswers, 30 * HOUR, 10 * MINUTE),
    (Phase::StoreFaults, 16 * HOUR, 15 * MINUTE),
    (Phase::SlowStore, 16 * HOUR, 30 * MINUTE),
    (Phase::LostCarriers, 16 * HOUR, 40 * MINUTE),
    (Phase::RefusedTokens, 16 * HOUR, 20 * MINUTE),
    (Phase::WrongClient, 60 * HOUR, 15 * MINUTE),
    (Phase::NoRefreshTokens, 24 * HOUR, 3 * HOUR),
    (Phase::SameTokens, 30 * HOUR, 20 * MINUTE),
    (Phase::ShortLives, 20 * HOUR, 30 * MINUTE),
    (Phase::ClockSteps, 24 * HOUR, HOUR),
    (Phase::Crashes, 16 * HOUR, HOUR),
];

/// The weather at one moment.
#[derive(Debug)]
pub(super) struct Weather {
    /// Whether each phase is on, and until when it stays so, in milliseconds.
    phases: [(bool, u64); PHASES.len()],
    next: u64,
    /// The lifetime of tokens, in seconds.
    lifetime: u64,
}

impl Weather {
    pub(super) fn new(chance: &mut Chance) -> Self {
        let lifetime = chance.pick(3600, &[3599, 3600, 7200, 1440, 14_400, 86_400]);
        let phases = PHASES.map(|(_, away, _)| (false, chance.below(away * 2)));
        Self { phases, next: 0, lifetime }
    }

    /// Updates the phases to a time in milliseconds.
    pub(super) fn pass(&mut self, now: u64, chance: &mut Chance) {
        if self.next > now {
            return;
        }
        for ((is_on, until), (_, away, lasting)) in self.phases.iter_mut().zip(PHASES) {
            while *until <= now {
                *is_on = !*is_on;
                *until += chance.about(if *is_on { lasting } else { away });
            }
        }
        self.next = self.phases.iter().map(|(_, until)| *until).min().unwrap_or(0);
    }

    /// Returns whether a phase is on.
    pub(super) fn has(&self, phase: Phase) -> bool {
        PHASES.iter().zip(self.phases).any(|((known, ..), (is_on, _))| *known == phase && is_on)
    }

    /// Returns how long a request takes, in milliseconds.
    pub(super) fn answer_takes(&self, chance: &mut Chance) -> u64 {
        match self.has(Phase::SlowAnswers) {
            true if chance.hits(7000) => chance.between(SECOND, 58 * SECOND),
            true => chance.between(59 * SECOND, 70 * SECOND),
            false if chance.hits(100) => chance.between(SECOND, 30 * SECOND),
            false => chance.between(20, 900),
        }
    }

    /// Returns how long a store operation takes, in milliseconds.
    pub(super) fn store_takes(&self, chance: &mut Chance) -> u64 {
        match self.has(Phase::SlowStore) {
            true => chance.between(300, 5300),
            false if chance.hits(50) => chance.between(SECOND, 6 * SECOND),
            false => chance.between(1, 30),
        }
    }

    /// Returns the outcome of a store operation.
    pub(super) fn store_end(&self, chance: &mut Chance) -> StoreEnd {
        let works = if self.has(Phase::StoreFaults) { 5000 } else { 9985 };
        if chance.hits(works) {
            return StoreEnd::Works;
        }
        chance.pick(StoreEnd::Fails, &[StoreEnd::Fails, StoreEnd::FailsAfterwards, StoreEnd::IsLost])
    }

    /// Returns the outcome of a request.
    pub(super) fn reply(&self, chance: &mut Chance) -> Reply {
        if self.has(Phase::WrongClient) && chance.hits(9000) {
            return Reply::refusal(401, Some("invalid_client"));
        }
        if self.has(Phase::Outage) && chance.hits(9000) {
            return outage(chance);
        }
        if self.has(Phase::Throttling) && chance.hits(7000) {
            return throttling(chance);
        }
        if self.has(Phase::LostAnswers) && chance.hits(4000) {
            return lost_answer(chance);
        }
        if self.has(Phase::BrokenAnswers) && chance.hits(5000) {
            return broken_answer(chance);
        }
        if chance.hits(40) {
            return match chance.below(5) {
                0 => outage(chance),
                1 => throttling(chance),
                2 => lost_answer(chance),
                3 => broken_answer(chance),
                _ => odd_refusal(chance),
            };
        }
        Reply::Token(self.token(chance))
    }

    fn token(&self, chance: &mut Chance) -> TokenReply {
        let lifetime = match self.has(Phase::ShortLives) {
            true => Some(chance.pick(0, &[1, 30, 59, 60, 120, 299, 600])),
            false if chance.hits(100) => None,
            false => Some(self.lifetime),
        };
        let refresh = match self.has(Phase::NoRefreshTokens) {
            true if chance.hits(5000) => RefreshMember::Odd(chance.byte()),
            true => RefreshMember::Absent,
            false => RefreshMember::Given,
        };
        let again = self.has(Phase::SameTokens) && chance.hits(5000);
        let hint = chance.hits(300).then(|| u32::try_from(chance.below(self.lifetime)).unwrap_or(0));
        TokenReply { lifetime, hint, again, refresh }
    }
}

fn outage(chance: &mut Chance) -> Reply {
    match chance.below(6) {
        0 | 1 => Reply::Fault(FaultKind::NotSent, false),
        2 => Reply::Fault(FaultKind::TimedOut, false),
        3 => Reply::refusal(500, Some("server_error")),
        4 => Reply::refusal(503, None),
        _ => Reply::Gateway { status: chance.pick(502, &[503, 504]), retry_after: None, done: false },
    }
}

fn throttling(chance: &mut Chance) -> Reply {
    let retry_after = (!chance.hits(2000)).then(|| chance.pick(5, &[20, 30, 60, 120, 600, 5000]));
    match chance.below(3) {
        0 => Reply::Gateway { status: 503, retry_after, done: false },
        1 => Reply::Refusal(ErrorReply {
            status: 429,
            code: Some("slow_down"),
            retry_after,
            holds_a_token: false,
        }),
        _ => Reply::Refusal(ErrorReply { status: 429, code: None, retry_after, holds_a_token: false }),
    }
}

fn lost_answer(chance: &mut Chance) -> Reply {
    match chance.below(4) {
        0 => Reply::Gateway { status: chance.pick(502, &[504]), retry_after: None, done: true },
        1 => Reply::Fault(FaultKind::TimedOut, true),
        2 => Reply::Fault(FaultKind::BrokenOff, true),
        _ => Reply::Fault(FaultKind::Malformed, true),
    }
}

fn broken_answer(chance: &mut Chance) -> Reply {
    use Breakage as B;
    if chance.hits(1500) {
        return Reply::refusal(302, None);
    }
    Reply::Broken(chance.pick(B::Page, &[B::NoAccessToken, B::UnsafeAccessToken, B::Cut, B::Empty]))
}

fn odd_refusal(chance: &mut Chance) -> Reply {
    let odd = [
        (400, None),
        (401, None),
        (403, None),
        (404, None),
        (408, None),
        (425, None),
        (302, None),
        (503, Some("temporarily_unavailable")),
    ];
    let (status, code) = chance.pick((400, Some("invalid_scope")), &odd);
    Reply::Refusal(ErrorReply { status, code, retry_after: None, holds_a_token: chance.hits(2000) })
}
