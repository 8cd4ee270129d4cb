//! The errors of the PostgreSQL store.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use octo_auth_core::{Diagnostic, Remedy, StoreError};
use octo_auth_store_kit::SealError;
use tokio_postgres::error::SqlState;

/// The limit of characters shown of a server's message.
const LONGEST_MESSAGE: usize = 256;

/// An error of the store, with the problem and the remedy. It contains no content of a record, no parameter of a
/// statement and no password. Of a server's error it keeps only the code and the message, not the detail, which can
/// quote a row.
///
/// The methods of the store return it as the source of their [`StoreError`]; see [`PostgresStoreError::of`].
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresStoreError {
    /// The connection failed. The statement was not sent.
    #[error("PostgreSQL cannot be reached: {reason}")]
    Unreachable {
        /// The reason.
        reason: String,
    },
    /// The connection ended during a statement, so it is unknown whether the statement took effect.
    #[error("the connection to PostgreSQL ended during a statement: {reason}")]
    Lost {
        /// The reason.
        reason: String,
    },
    /// The server did not answer in time, so it is unknown whether the statement took effect.
    #[error("PostgreSQL did not answer within {waited:?}")]
    Timeout {
        /// The duration of the wait for the answer.
        waited: Duration,
    },
    /// The TLS handshake failed, or the certificate of the server is not trusted.
    #[error("no TLS connection to PostgreSQL: {reason}: check the certificate of the server and `sslmode`")]
    Tls {
        /// The reason.
        reason: String,
    },
    /// The server refused the user, the password or the database.
    #[error("PostgreSQL refuses the connection: {message}: check user, password, database and `pg_hba.conf`")]
    Refused {
        /// The message of the server.
        message: String,
    },
    /// The tables do not exist.
    #[error(
        "the schema `{schema}` has no tables of octo-auth: run `migrate` once, as a user that may create them"
    )]
    NotMigrated {
        /// The schema.
        schema: String,
    },
    /// The tables no longer have the columns that this release uses.
    #[error("the tables in the schema `{schema}` are of a newer release ({message}): upgrade this program")]
    NewerSchema {
        /// The schema.
        schema: String,
        /// What is missing.
        message: String,
    },
    /// The user lacks the permission for this operation.
    #[error(
        "the database user has no right to do this: {message}: see the documentation for the rights needed"
    )]
    Forbidden {
        /// The message of the server.
        message: String,
    },
    /// The server is read-only, for example a standby.
    #[error("PostgreSQL is read-only here: connect to the primary, with `target_session_attrs=read-write`")]
    ReadOnly,
    /// The server is starting, shutting down or recovering.
    #[error("PostgreSQL is starting or shutting down: {message}")]
    NotReady {
        /// The message of the server.
        message: String,
    },
    /// The server has no free connection.
    #[error("PostgreSQL has no connection left: raise `max_connections`, or put a pooler before it")]
    TooManyConnections,
    /// The server has run out of space, memory or another resource.
    #[error("PostgreSQL has no space or memory left: {message}")]
    Exhausted {
        /// The message of the server.
        message: String,
    },
    /// The server cancelled the statement, for example by `statement_timeout` or `lock_timeout`. It changed nothing.
    #[error("PostgreSQL cancelled the statement: {message}")]
    Canceled {
        /// The message of the server.
        message: String,
    },
    /// Other transactions interfered with every attempt. Nothing was changed.
    #[error("other transactions were in the way: {message}")]
    Contention {
        /// The message of the server.
        message: String,
    },
    /// A row was not written by this library. It was left unchanged.
    #[error(
        "the row of `{name}` was not written by octo-auth: remove it and sign in again, or restore it from a backup"
    )]
    Malformed {
        /// The name of the record.
        name: String,
    },
    /// A record cannot be sealed or opened.
    #[error("the record `{name}` {problem}")]
    Seal {
        /// The name of the record.
        name: String,
        /// The error of the seal.
        problem: SealError,
    },
    /// The name of the schema is invalid.
    #[error(
        "`{text}` cannot be the schema: it has 1 to 40 characters of a-z, 0-9 and '_', and begins with a letter"
    )]
    SchemaName {
        /// The text, with control characters escaped, at most 64 characters.
        text: String,
    },
    /// Any other error of the server, which refused the statement.
    #[error("PostgreSQL refuses a statement with the error {code}: {message}")]
    Server {
        /// The SQLSTATE.
        code: String,
        /// The message of the server.
        message: String,
    },
}

impl PostgresStoreError {
    /// Returns the PostgreSQL error inside a [`StoreError`]; `None` if it has another cause.
    #[must_use]
    pub fn of(error: &StoreError) -> Option<&Self> {
        Error::source(error)?.downcast_ref()
    }

    /// Returns the error's stable word, such as `not_migrated`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Lost { .. } => "connection_lost",
            Self::Timeout { .. } => "timeout",
            Self::Tls { .. } => "tls",
            Self::Refused { .. } => "refused",
            Self::NotMigrated { .. } => "not_migrated",
            Self::NewerSchema { .. } => "newer_schema",
            Self::Forbidden { .. } => "forbidden",
            Self::ReadOnly => "read_only",
            Self::NotReady { .. } => "not_ready",
            Self::TooManyConnections => "too_many_connections",
            Self::Exhausted { .. } => "exhausted",
            Self::Canceled { .. } => "canceled",
            Self::Contention { .. } => "contention",
            Self::Malformed { .. } => "malformed",
            Self::Seal { problem, .. } => problem.code(),
            Self::SchemaName { .. } => "config",
            Self::Server { .. } => "server",
        }
    }

    /// Returns whether the statement may have taken effect in spite of the error.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Timeout { .. })
    }

    /// Returns the error of a statement in a schema.
    pub(crate) fn of_statement(error: &tokio_postgres::Error, schema: &str) -> Self {
        let Some(refusal) = error.as_db_error() else { return Self::Lost { reason: reason(error) } };
        let (code, message) = (refusal.code(), shown(refusal.message()));
        let schema = || schema.to_owned();
        match &code.code()[..2] {
            _ if [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code) => {
                Self::NotMigrated { schema: schema() }
            }
            _ if *code == SqlState::UNDEFINED_COLUMN => Self::NewerSchema { schema: schema(), message },
            _ if *code == SqlState::INSUFFICIENT_PRIVILEGE => Self::Forbidden { message },
            _ if *code == SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
            _ if *code == SqlState::TOO_MANY_CONNECTIONS => Self::TooManyConnections,
            _ if [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(code) => {
                Self::Canceled { message }
            }
            "28" | "3D" => Self::Refused { message },
            "40" => Self::Contention { message },
            "53" => Self::Exhausted { message },
            // The server ended the session, maybe after it had executed the statement.
            "57" if [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN].contains(code) => {
                Self::Lost { reason: message }
            }
            "57" => Self::NotReady { message },
            _ => Self::Server { code: code.code().to_owned(), message },
        }
    }

    /// Returns the error of a connection that could not be made.
    pub(crate) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        let reason = reason(error);
        match Self::of_statement(error, "") {
            Self::Lost { .. } if is_tls(error) => Self::Tls { reason },
            // A password is missing, or the server requires a method that the client does not support.
            Self::Lost { .. } if is_about_the_user(&reason) => Self::Refused { message: reason },
            Self::Lost { .. } => Self::Unreachable { reason },
            refused => refused,
        }
    }
}

/// Returns the part of a server's message that is shown.
fn shown(message: &str) -> String {
    let is_shown = |letter: &char| !letter.is_control();
    message.chars().filter(is_shown).take(LONGEST_MESSAGE).collect()
}

/// Returns the texts of a client-side error and of its causes.
fn reason(error: &tokio_postgres::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        if texts.last().is_none_or(|last| !last.ends_with(&text)) {
            texts.push(text);
        }
        cause = next.source();
    }
    shown(&texts.join(": "))
}

fn is_about_the_user(reason: &str) -> bool {
    ["invalid configuration", "authentication error"].iter().any(|text| reason.starts_with(text))
}

fn is_tls(error: &tokio_postgres::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(next) = cause {
        let inner = next.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if next.is::<rustls::Error>() || inner.is_some_and(<dyn Error + Send + Sync>::is::<rustls::Error>) {
            return true;
        }
        cause = next.source();
    }
    error.to_string().contains("TLS")
}

impl Diagnostic for PostgresStoreError {
    fn code(&self) -> Cow<'static, str> {
        self.code().into()
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Timeout { .. }
            | Self::NotReady { .. }
            | Self::TooManyConnections
            | Self::Exhausted { .. }
            | Self::Canceled { .. }
            | Self::Contention { .. } => Remedy::TryLater { after: Duration::from_secs(1) },
            _ => Remedy::FixConfiguration,
        }
    }
}

impl From<PostgresStoreError> for StoreError {
    fn from(error: PostgresStoreError) -> Self {
        Self::new("the PostgreSQL store failed").with_remedy(error.remedy()).with_source(error)
    }
}
