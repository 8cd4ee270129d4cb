//! The events of a simulated world as plain data, so that a failing sequence can be shrunk and read.

use octo_auth_core::{Storage, TransportError};
use serde::{Deserialize, Serialize};

/// The largest number of processes in a world.
pub const MOST_PROCESSES: u8 = 8;

/// A world and its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The initial state of the world.
    pub setup: Setup,
    /// The events, in order.
    pub events: Vec<PlanEvent>,
}

/// The initial state of a world. By default: one process at a standard server with strict rotation, with a private
/// store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The provider of the registration.
    pub provider: Provider,
    /// The store of the machines.
    #[serde(with = "super::serialization::storage")]
    pub storage: Storage,
    /// The number of processes that share the store, from 1 to [`MOST_PROCESSES`]. A number out of this range counts
    /// as the nearest limit. A store that is not shared has one process.
    pub processes: u8,
    /// How the server treats a used refresh token.
    pub rotation: Rotation,
    /// The seed of the machines' random numbers.
    pub seed: u64,
}

/// The provider of the registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Provider {
    /// A standard server with a revocation endpoint. It has two scope sets and two accounts.
    Standard,
    /// The same. Its profile says that a refresh token must not be used twice.
    NoReplay,
    /// OfficeRND, with a limit of five requests a minute. It has two scope sets and two accounts.
    OfficeRnd,
    /// Octorate, with ApiLogin and three accounts.
    Octorate,
}

/// How the server treats a used refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rotation {
    /// It stays valid.
    None,
    /// It is replaced. The old one returns the same successor for half a minute.
    Grace,
    /// It is replaced. Reuse of the old one ends the whole token family.
    Strict,
}

/// A spec of a machine. Both numbers are taken modulo the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The machine.
    pub machine: u8,
    /// The spec.
    pub key: u8,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum PlanEvent {
    /// Both clocks advance by this many milliseconds, as they also do while the machine is suspended.
    Pass(u32),
    /// The wall clock is stepped by this many seconds.
    SetWall(i32),
    /// Only the boot clock advances, by this many milliseconds.
    BootAlone(u32),
    /// A caller asks. The resulting job stays in flight.
    Ask(Who),
    /// A caller asks whose deadline has passed.
    AskAtDeadline(Who),
    /// A caller reads the token that it may use without asking.
    Glance(Who),
    /// The refresh ahead polls a machine for due tokens. The resulting job stays in flight.
    Tend(u8),
    /// A caller asks, and its flight runs to the end. Each job takes this many milliseconds.
    Drive(Who, Reply, u16),
    /// One of the jobs in flight ends. The number is taken modulo their count.
    End(u8, Reply, StoreEnd),
    /// The carrier of one of the jobs in flight is lost. The flag says whether the job was executed.
    Lose(u8, bool),
    /// The answer to a request arrives whose carrier was lost.
    ArriveLate(u8, Reply),
    /// A resource server refuses the token served last, or the one before it.
    Refuse(Who, Generations),
    /// A user signs in: with tokens of this lifetime in seconds, or with only a refresh token.
    Adopt(Who, Option<u32>),
    /// The refresh token of the account's first sign-in is imported from a configuration.
    Seed(Who),
    /// A user signs out.
    SignOut(Who),
    /// The client secret of a machine is replaced.
    ReplaceClient(u8),
    /// A machine admits a request outside of its specs.
    Admit(u8),
    /// A machine begins no flight from now on.
    ShutDown(u8),
    /// A machine tries to save all unsaved records.
    SaveAll(u8),
    /// The process of a machine dies and is started again with the stored records.
    Crash(u8),
    /// The same while its records are being saved. The store takes each record that was on its way.
    CrashWhileSaving(u8),
    /// The user withdraws the consent for a spec at the server.
    Withdraw(u8),
    /// The oldest job in flight of a spec ends.
    EndOf(Who, Reply, StoreEnd),
    /// The carrier of that job is lost. The flag says whether the job was executed.
    LoseOf(Who, bool),
    /// That job is executed, and the process dies before it receives the result. Another process is started in its
    /// place.
    CrashAfter(Who),
    /// The answer arrives to the spec's request whose carrier was lost longest ago.
    LateOf(Who, Reply),
}

/// Which token of a caller is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Generations {
    /// The token served last.
    Last,
    /// The token before it.
    Earlier,
}

/// The outcome of a store operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StoreEnd {
    /// It succeeds.
    Works,
    /// It fails, and nothing is changed.
    Fails,
    /// It succeeds, but is reported as failed.
    FailsAfterwards,
    /// It is never reported, and nothing is changed.
    IsLost,
}

/// The outcome of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reply {
    /// The server does what is asked and says so.
    Token(TokenReply),
    /// The server does what is asked, but its answer is unusable.
    Broken(Breakage),
    /// The server does not do what is asked.
    Refusal(ErrorReply),
    /// A gateway answers in place of the server.
    Gateway {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u16>,
        /// Whether the server did what was asked.
        done: bool,
    },
    /// No answer arrives. The flag says whether the server did what was asked.
    Fault(FaultKind, bool),
}

/// An answer with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenReply {
    /// The lifetime in seconds, or `None` if the answer does not state one.
    pub lifetime: Option<u64>,
    /// The server's renewal hint in seconds, or `None`.
    pub hint: Option<u32>,
    /// Whether the answer repeats the last access token.
    pub again: bool,
    /// The `refresh_token` member.
    pub refresh: RefreshMember,
}

/// The `refresh_token` member of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RefreshMember {
    /// The next refresh token.
    Given,
    /// No such member.
    Absent,
    /// An invalid value.
    Odd(u8),
}

/// The reason why an answer with status 200 is unusable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Breakage {
    /// No access token. The refresh token is readable.
    NoAccessToken,
    /// An access token that cannot be in a header. The refresh token is readable.
    UnsafeAccessToken,
    /// An HTML page.
    Page,
    /// Truncated JSON.
    Cut,
    /// An empty body.
    Empty,
}

/// An error code of RFC 6749, or `None`. The alias is necessary because serde borrows a field that it sees as a
/// reference.
type Code = Option<&'static str>;

/// An answer that refuses the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorReply {
    /// The HTTP status.
    pub status: u16,
    /// The error code in the format of RFC 6749. `None` means no body.
    #[serde(with = "super::serialization::code")]
    pub code: Code,
    /// The `Retry-After` header, in seconds.
    pub retry_after: Option<u16>,
    /// Whether the body contains an access token nevertheless.
    pub holds_a_token: bool,
}

/// The reason why no answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FaultKind {
    /// No connection.
    NotSent,
    /// No answer in time.
    TimedOut,
    /// The answer was cut off.
    BrokenOff,
    /// The answer is not HTTP.
    Malformed,
}

impl FaultKind {
    /// Returns the error of a transport that meets this fault.
    pub(super) fn error(self) -> TransportError {
        match self {
            Self::NotSent => TransportError::not_sent("no connection"),
            Self::TimedOut => TransportError::timed_out("no answer in time"),
            Self::BrokenOff => TransportError::broken_off("the answer broke off"),
            Self::Malformed => TransportError::malformed("not HTTP"),
        }
    }
}

impl Setup {
    /// Returns the number of processes.
    pub(super) fn running(&self) -> u8 {
        if self.storage == Storage::MultiProcess { self.processes.clamp(1, MOST_PROCESSES) } else { 1 }
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            provider: Provider::Standard,
            storage: Storage::SingleProcess,
            processes: 1,
            rotation: Rotation::Strict,
            seed: 0,
        }
    }
}

impl Reply {
    /// Returns an answer with a token of this lifetime in seconds, and with the next refresh token.
    #[must_use]
    pub fn token(lifetime: u64) -> Self {
        let refresh = RefreshMember::Given;
        Self::Token(TokenReply { lifetime: Some(lifetime), hint: None, again: false, refresh })
    }

    /// Returns this answer with a renewal hint in seconds, if it has a token.
    #[must_use]
    pub fn with_hint(self, hint: Option<u32>) -> Self {
        match self {
            Self::Token(reply) => Self::Token(TokenReply { hint, ..reply }),
            other => other,
        }
    }

    /// Returns a refusal with a status and an error code of RFC 6749, or without a body.
    #[must_use]
    pub fn refusal(status: u16, code: Option<&'static str>) -> Self {
        Self::Refusal(ErrorReply { status, code, retry_after: None, holds_a_token: false })
    }
}
