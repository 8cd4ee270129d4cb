//! What is to happen in a simulated world: plain data, so that a failing sequence can be shrunk and read.

use octo_auth_core::Storage;
use serde::{Deserialize, Serialize};

/// The most processes of a world.
pub const MOST_PROCESSES: u8 = 8;

/// A world and what happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How the world begins.
    pub setup: Setup,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// How a world begins. By default: one process at a standard server that rotates strictly, with a store of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Whose registration it is.
    pub provider: Provider,
    /// What store the machines have.
    #[serde(with = "super::serialization::storage")]
    pub storage: Storage,
    /// How many processes share the store, from 1 to [`MOST_PROCESSES`]; a number beyond counts as the nearest. Where
    /// nothing is shared there is one.
    pub processes: u8,
    /// What the server does with a refresh token that was used.
    pub rotation: Rotation,
    /// What the machines' dice are seeded with.
    pub seed: u64,
}

/// Whose registration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Provider {
    /// A standard server with a revocation endpoint: two scope sets and two accounts.
    Standard,
    /// The same, whose profile says that a refresh token must not be used twice.
    NoReplay,
    /// OfficeRND, five requests a minute: two scope sets and two accounts.
    OfficeRnd,
    /// Octorate: ApiLogin and three accounts.
    Octorate,
}

/// What the server does with a refresh token that was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rotation {
    /// It stays good.
    None,
    /// It is replaced; the old one brings the same successor for half a minute.
    Grace,
    /// It is replaced; the old one, used again, ends everything got from it.
    Strict,
}

/// Which key of which machine, each taken modulo how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    /// The machine.
    pub machine: u8,
    /// The key.
    pub key: u8,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Event {
    /// Both clocks go on by so many milliseconds, as they also do when the machine is suspended.
    Pass(u32),
    /// The wall clock is set, by so many seconds.
    SetWall(i32),
    /// The boot clock goes on by so many milliseconds, and the wall clock does not.
    BootAlone(u32),
    /// A caller asks; what is to be carried out stays in flight.
    Ask(Who),
    /// A caller asks whose time is over.
    AskAtDeadline(Who),
    /// A caller looks at what it may serve without asking.
    Glance(Who),
    /// Somebody keeps the tokens of a machine warm; what is to be carried out stays in flight.
    Tend(u8),
    /// A caller asks, and the flight it begins is carried to its end, each of its jobs taking so many milliseconds.
    Drive(Who, Reply, u16),
    /// One of the jobs in flight ends, by number modulo how many there are.
    End(u8, Reply, StoreEnd),
    /// The carrier of one of the jobs in flight is lost, the server having done what was asked or not.
    Lose(u8, bool),
    /// The answer of a request arrives whose carrier was lost.
    ArriveLate(u8, Reply),
    /// A resource server refuses the token served last, or the one before it.
    Refuse(Who, Generations),
    /// A user signs in: tokens that live so many seconds, or a refresh token alone.
    Adopt(Who, Option<u32>),
    /// The refresh token of the account's first sign-in is imported from a configuration.
    Seed(Who),
    /// A user signs out.
    SignOut(Who),
    /// The client secret of a machine is replaced.
    ReplaceClient(u8),
    /// A machine sends a request beside its keys.
    Admit(u8),
    /// A machine begins no flight from now on.
    ShutDown(u8),
    /// What is unsaved in a machine is to be saved.
    SaveAll(u8),
    /// The process of a machine dies and is started again on what the store holds.
    Crash(u8),
    /// The same while its records are being saved: the store has taken each that was on its way.
    CrashWhileSaving(u8),
    /// The user withdraws consent at the server, by key.
    Withdraw(u8),
    /// The job of a key ends that has been in flight longest.
    EndOf(Who, Reply, StoreEnd),
    /// The carrier of that job is lost, the job having been carried out or not.
    LoseOf(Who, bool),
    /// That job is carried out, and the process dies before it hears of it; another is started in its place.
    CrashAfter(Who),
    /// The answer arrives of the key's request whose carrier was lost longest ago.
    LateOf(Who, Reply),
}

/// Which of the tokens a caller was given is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Generations {
    /// The one given last.
    Last,
    /// The one before it.
    Earlier,
}

/// What becomes of a step with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum StoreEnd {
    /// It is done.
    Works,
    /// It fails, and nothing was changed.
    Fails,
    /// It is done, and reported as failed.
    FailsAfterwards,
    /// Nothing is ever heard of it, and nothing was changed.
    IsLost,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Reply {
    /// The server does what is asked and says so.
    Token(TokenReply),
    /// The server does what is asked, and what it says cannot be used.
    Broken(Breakage),
    /// The server does not do what is asked.
    Refusal(Refusal),
    /// Something before the server answers in its place, the server having done what was asked or not.
    Gateway {
        /// The status.
        status: u16,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u16>,
        /// Whether the server did what was asked.
        done: bool,
    },
    /// No answer comes, the server having done what was asked or not.
    Fault(FaultKind, bool),
}

/// An answer with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenReply {
    /// The lifetime in seconds, if the answer tells it.
    pub lifetime: Option<u64>,
    /// The hint when to renew, in seconds.
    pub hint: Option<u32>,
    /// Whether it is the access token given last, again.
    pub again: bool,
    /// What it holds in the place of a refresh token.
    pub refresh: RefreshMember,
}

/// What an answer holds in the place of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum RefreshMember {
    /// The one to use next.
    Given,
    /// Nothing.
    Absent,
    /// Something that cannot be one.
    Odd(u8),
}

/// How an answer with status 200 cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Breakage {
    /// No access token; the refresh token can be read.
    NoAccessToken,
    /// An access token that cannot stand in a header; the refresh token can be read.
    UnsafeAccessToken,
    /// A page.
    Page,
    /// JSON that is cut off.
    Cut,
    /// Nothing.
    Empty,
}

/// One of the codes of RFC 6749, if any: by this name, since serde takes a reference that it sees for one to borrow.
type Code = Option<&'static str>;

/// How a server says that it does not do what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The code in the form of RFC 6749; nothing: no body.
    #[serde(with = "super::serialization::code")]
    pub code: Code,
    /// The header `Retry-After`, in seconds.
    pub retry_after: Option<u16>,
    /// Whether an access token stands in the body all the same.
    pub holds_a_token: bool,
}

/// Why no answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum FaultKind {
    /// No connection.
    NotSent,
    /// No answer in time.
    TimedOut,
    /// The answer broke off.
    BrokenOff,
    /// What came is not HTTP.
    Malformed,
}

impl Setup {
    /// How many processes there are.
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
    /// An answer with a token that lives so many seconds, and with the refresh token to use next.
    #[must_use]
    pub fn token(lifetime: u64) -> Self {
        let refresh = RefreshMember::Given;
        Self::Token(TokenReply { lifetime: Some(lifetime), hint: None, again: false, refresh })
    }

    /// This answer with a hint when to renew, in seconds, if it has a token.
    #[must_use]
    pub fn with_hint(self, hint: Option<u32>) -> Self {
        match self {
            Self::Token(reply) => Self::Token(TokenReply { hint, ..reply }),
            other => other,
        }
    }

    /// A refusal with a status and, in the form of RFC 6749, a code.
    #[must_use]
    pub fn refusal(status: u16, code: Option<&'static str>) -> Self {
        Self::Refusal(Refusal { status, code, retry_after: None, holds_a_token: false })
    }
}
