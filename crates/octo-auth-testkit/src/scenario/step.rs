//! The steps of a scenario as plain data.

use std::time::Duration;

use octo_auth_core::profile::{ClientAuthentication, Replay};
use octo_auth_core::{
    Client, Policy, PolicyError, Profile, RecordName, RefreshAhead, Scopes, Storage, TokenSpec,
};

use super::ServerReply;
use crate::registration::{self, sound};

/// The settings of a scenario.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The rows of the decision table it shows.
    pub shows: Vec<String>,
    /// The provider.
    pub provider: Provider,
    /// What store its processes have, the same for all.
    pub storage: Storage,
    /// How tokens are renewed and how long is waited.
    pub policy: Policy,
    /// The names of its processes; one without a name unless there are several.
    pub processes: Vec<String>,
    /// The keys by the names the steps give them, in the order of their first mention.
    pub keys: Vec<String>,
}

/// The server that gives out tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// A server by the book, which revokes tokens.
    Standard,
    /// The same, but it takes no refresh token twice, whatever became of the first time.
    Strict,
    /// Octorate.
    Octorate,
    /// OctoTable.
    OctoTable,
    /// OfficeRND.
    OfficeRnd,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Something that a process does.
    At(usize, Act),
    /// Something that happens around the processes.
    Around(Event),
}

/// What a process does.
#[derive(Debug, Clone)]
pub enum Act {
    /// So many callers ask for a token at once and wait as long as the policy says.
    Ask(String, usize),
    /// A caller asks for a token and waits for nothing.
    Glance(String),
    /// A resource server refuses a token: the one told last, or this one.
    Refuse(String, Option<String>),
    /// A key begins anew with an access token that lives so long, a refresh token, or both.
    Adopt(String, Option<(String, Option<Duration>)>, Option<String>),
    /// A key is signed out.
    SignOut(String),
    /// An authorization code is exchanged, and a key begins anew with what it brings.
    Redeem(String),
    /// Tokens are kept warm from now on.
    RefreshAhead(RefreshAhead),
    /// The client is replaced, as by one with another secret.
    ReplaceClient,
    /// The process is shut down.
    ShutDown,
    /// The process ends at once, wherever it is.
    Crash,
    /// A new process begins in the place of one that ended.
    Start,
}

/// What happens around the processes.
#[derive(Debug, Clone)]
pub enum Event {
    /// Time passes.
    Pass(Duration),
    /// The machine sleeps for so long: the boot clock counts it, and nobody looks meanwhile.
    Suspend(Duration),
    /// The wall clock is set on, or back.
    SetWall {
        /// By how much.
        by: Duration,
        /// Whether back.
        back: bool,
    },
    /// What the server says to the next request that nothing is lined up for.
    Next(ServerReply),
    /// What the server says to every request from now on.
    Always(ServerReply),
    /// What the server says to a request that it kept waiting.
    Answers(ServerReply),
    /// How the store is from now on.
    Store(Mood),
    /// Somebody else writes the record of a key.
    Write(String, Foreign),
    /// Somebody else claims the renewal of a key for so long, or lets go of it.
    Claim(String, Option<Duration>),
}

/// How a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// It does what it is asked.
    #[default]
    Up,
    /// It fails at everything.
    Down,
    /// It can be read and not written.
    ReadOnly,
    /// It gives no answer.
    Silent,
}

/// What somebody else writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// A sign-in of its own, with this refresh token.
    SignIn(String),
    /// The next generation of what is stored: this access token, this refresh token.
    Renewal(String, String),
    /// The same once more.
    Same,
}

impl Setup {
    /// A client at the provider.
    #[must_use]
    pub fn client(&self) -> Client {
        match self.provider {
            Provider::Standard => registration::standard(),
            Provider::Strict => registration::with(strict()),
            Provider::Octorate => registration::octorate(),
            Provider::OctoTable => registration::octotable(),
            Provider::OfficeRnd => registration::officernd(),
        }
    }

    /// The key that the steps call so: `service` is the client itself, `service/a` the same for tenant `a`, `admin`
    /// Octorate's ApiLogin, anything else an account.
    #[must_use]
    pub fn key(&self, name: &str) -> TokenSpec {
        let scopes = match self.provider {
            Provider::OfficeRnd => Scopes::parse("flex.community.members.read").unwrap_or_default(),
            _ => Scopes::none(),
        };
        match (name, name.strip_prefix("service/")) {
            ("service", _) => TokenSpec::client_credentials(&scopes),
            ("admin", _) => TokenSpec::api_login(),
            (_, Some(tenant)) => TokenSpec::client_credentials(&scopes).with_parameter("tenant", tenant),
            _ => TokenSpec::account(name),
        }
    }

    /// The name of a key in the steps.
    pub(super) fn name_of(&self, key: &TokenSpec) -> String {
        let known = self.keys.iter().find(|name| self.key(name) == *key);
        known.cloned().unwrap_or_else(|| key.to_string())
    }

    /// The name of the record of a key.
    pub(super) fn record_name(&self, name: &str) -> RecordName {
        RecordName::new(&self.client(), &self.key(name))
    }

    /// Whether a record is the request log.
    pub(super) fn is_request_log(&self, record: &RecordName) -> bool {
        *record == RecordName::requests(&self.client())
    }

    /// The name of the key of a record in the steps; that of the request log is `requests`.
    pub(super) fn key_of_record(&self, record: &RecordName) -> String {
        if self.is_request_log(record) {
            return "requests".to_owned();
        }
        let known = self.keys.iter().find(|name| self.record_name(name) == *record);
        known.cloned().unwrap_or_else(|| record.to_string())
    }

    /// A policy with one of the settings a scenario can make.
    pub(super) fn set(policy: Policy, name: &str, value: &Value) -> Option<Result<Policy, PolicyError>> {
        match (name, value) {
            ("wait", Value::Time(time)) => Some(policy.with_wait(*time)),
            ("exchange", Value::Time(time)) => Some(policy.with_exchange_deadline(*time)),
            ("lead", Value::Time(time)) => Some(policy.with_lead(*time)),
            ("requests", Value::Number(number)) => {
                Some(policy.with_request_limit(u32::try_from(*number).unwrap_or(u32::MAX)))
            }
            ("keys", Value::Number(number)) => Some(policy.with_capacity(*number)),
            _ => None,
        }
    }
}

/// The value of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Time(Duration),
    Number(usize),
}

/// A standard server that takes no refresh token twice.
fn strict() -> Profile {
    let profile = registration::standard_profile(ClientAuthentication::Body);
    sound(profile.edit(|document| {
        if let Some(refresh) = &mut document.refresh {
            refresh.replay = Replay::Never;
        }
    }))
}
