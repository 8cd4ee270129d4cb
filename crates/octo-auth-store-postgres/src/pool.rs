//! The connections: the program's own pool, or those that the store makes.

use std::error::Error;
use std::time::Duration;

use crate::error::PostgresStoreError;

/// The error of a pool that could not send a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// There is no connection, so the statement was not sent. The text gives the reason, and must not contain a secret.
    #[error("{0}")]
    NoConnection(String),
    /// The connection failed, so the statement was not sent.
    #[error(transparent)]
    Connecting(tokio_postgres::Error),
    /// The statement failed.
    #[error(transparent)]
    Statement(#[from] tokio_postgres::Error),
    /// No answer came within this duration.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl PoolError {
    /// Returns [`PoolError::NoConnection`] with the text of this error.
    pub fn no_connection(error: &(dyn Error + 'static)) -> Self {
        Self::NoConnection(error.to_string())
    }

    /// Converts the error of a statement about the tables in a schema.
    pub(crate) fn of_statement(self, schema: &str) -> PostgresStoreError {
        match self {
            Self::NoConnection(reason) => PostgresStoreError::Unreachable { reason },
            Self::Connecting(error) => PostgresStoreError::of_connecting(&error),
            Self::Statement(error) => PostgresStoreError::of_statement(&error, schema),
            Self::Timeout(waited) => PostgresStoreError::Timeout { waited },
        }
    }
}
