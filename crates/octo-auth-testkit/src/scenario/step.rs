//! The steps of a scenario as plain data.

use std::time::Duration;

use octo_auth_core::profile::{ClientAuthentication, Replay};
use octo_auth_core::{
    Client, Policy, PolicyError, Profile, RecordName, RefreshAhead, Scopes, Storage, TokenSpec,
};

use super::ScriptedReply;
use crate::registration::{self, sound};

/// The settings of a scenario.
#[derive(Debug, Clone)]
pub struct ScenarioSettings {
    /// The rows of the decision table that the scenario shows.
    pub shows: Vec<String>,
    /// The provider.
    pub provider: ServerKind,
    /// The kind of store, the same for all processes.
    pub storage: Storage,
    /// The policy of renewals and waiting.
    pub policy: Policy,
    /// The names of the processes. A single process has an empty name.
    pub processes: Vec<String>,
    /// The names of the token specs in the steps, in the order of their first mention.
    pub keys: Vec<String>,
}

/// The provider that issues tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// A standard server with a revocation endpoint.
    Standard,
    /// The same, but the server never accepts a refresh token twice, whatever the outcome of the first use.
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
pub enum ScenarioStep {
    /// An act of a process.
    At(usize, Act),
    /// An event outside of the processes.
    Around(ExternalEvent),
}

/// An act of a process.
#[derive(Debug, Clone)]
pub enum Act {
    /// This number of callers ask for a token concurrently, and wait as long as the policy says.
    Ask(String, usize),
    /// A caller asks for a token without waiting.
    Glance(String),
    /// A resource server refuses a token: the one given, or the one that a caller received last.
    Refuse(String, Option<String>),
    /// Imports an access token with an optional lifetime, a refresh token, or both.
    Adopt(String, Option<(String, Option<Duration>)>, Option<String>),
    /// Signs an account out.
    SignOut(String),
    /// Exchanges an authorization code and imports the resulting tokens.
    Redeem(String),
    /// Starts to refresh tokens ahead.
    RefreshAhead(RefreshAhead),
    /// Replaces the client, for example by one with another secret.
    ReplaceClient,
    /// Shuts the process down.
    ShutDown,
    /// Kills the process, whatever it is doing.
    Crash,
    /// Starts a new process at the place of one that ended.
    Start,
}

/// An event outside of the processes.
#[derive(Debug, Clone)]
pub enum ExternalEvent {
    /// Time passes.
    Pass(Duration),
    /// The machine is suspended for this duration. The boot clock counts it, and no process runs meanwhile.
    Suspend(Duration),
    /// An operator sets the wall clock forward or back.
    SetWall {
        /// By how much.
        by: Duration,
        /// Whether the clock is set back.
        back: bool,
    },
    /// Sets the reply to the next request without a prepared reply.
    Next(ScriptedReply),
    /// Sets the reply to all further requests.
    Always(ScriptedReply),
    /// Sends the reply to a request that the server kept waiting.
    Answers(ScriptedReply),
    /// Sets the condition of the store.
    Store(Mood),
    /// Another process writes the record of a spec.
    Write(String, Foreign),
    /// Another process claims the renewal of a spec for this duration, or releases its claim.
    Claim(String, Option<Duration>),
}

/// The condition of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// It works.
    #[default]
    Up,
    /// All calls fail.
    Down,
    /// Reads succeed, writes fail.
    ReadOnly,
    /// Calls get no answer.
    Silent,
}

/// A write of another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreign {
    /// A separate sign-in with this refresh token.
    SignIn(String),
    /// The next generation of the stored tokens: this access token, this refresh token.
    Renewal(String, String),
    /// The same content again.
    Same,
}

impl ScenarioSettings {
    /// Returns a client at the provider.
    #[must_use]
    pub fn client(&self) -> Client {
        match self.provider {
            ServerKind::Standard => registration::standard(),
            ServerKind::Strict => registration::with(strict()),
            ServerKind::Octorate => registration::octorate(),
            ServerKind::OctoTable => registration::octotable(),
            ServerKind::OfficeRnd => registration::officernd(),
        }
    }

    /// Returns the token spec of a name. `service` is the client itself, `service/a` the same for tenant `a`, `admin`
    /// Octorate's ApiLogin. Any other name is an account.
    #[must_use]
    pub fn key(&self, name: &str) -> TokenSpec {
        let scopes = match self.provider {
            ServerKind::OfficeRnd => Scopes::parse("flex.community.members.read").unwrap_or_default(),
            _ => Scopes::none(),
        };
        match (name, name.strip_prefix("service/")) {
            ("service", _) => TokenSpec::client_credentials(&scopes),
            ("admin", _) => TokenSpec::api_login(),
            (_, Some(tenant)) => TokenSpec::client_credentials(&scopes).with_parameter("tenant", tenant),
            _ => TokenSpec::account(name),
        }
    }

    /// Returns the name of a spec in the steps.
    pub(super) fn name_of(&self, key: &TokenSpec) -> String {
        let known = self.keys.iter().find(|name| self.key(name) == *key);
        known.cloned().unwrap_or_else(|| key.to_string())
    }

    /// Returns the name of a spec's record.
    pub(super) fn record_name(&self, name: &str) -> RecordName {
        RecordName::new(&self.client(), &self.key(name))
    }

    /// Returns whether a record is the request log.
    pub(super) fn is_request_log(&self, record: &RecordName) -> bool {
        *record == RecordName::requests(&self.client())
    }

    /// Returns the name in the steps of a record's spec, or `requests` for the request log.
    pub(super) fn key_of_record(&self, record: &RecordName) -> String {
        if self.is_request_log(record) {
            return "requests".to_owned();
        }
        let known = self.keys.iter().find(|name| self.record_name(name) == *record);
        known.cloned().unwrap_or_else(|| record.to_string())
    }

    /// Returns a policy with one changed setting.
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

/// Returns a standard server that accepts no refresh token twice.
fn strict() -> Profile {
    let profile = registration::standard_profile(ClientAuthentication::Body);
    sound(profile.edit(|document| {
        if let Some(refresh) = &mut document.refresh {
            refresh.replay = Replay::Never;
        }
    }))
}
