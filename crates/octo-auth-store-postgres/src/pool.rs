//! Connections: the program's own pool, or those that the store makes itself.

use std::error::Error;
use std::time::Duration;

use crate::error::PostgresStoreError;

/// Why a pool could not send a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// There is no connection, so nothing was sent. The text says why, and holds no secret.
    #[error("{0}")]
    NoConnection(String),
    /// A connection could not be made, so nothing was sent.
    #[error(transparent)]
    Connecting(tokio_postgres::Error),
    /// The statement failed.
    #[error(transparent)]
    Statement(#[from] tokio_postgres::Error),
    /// There was no answer in this time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
}

impl PoolError {
    /// There is no connection, for this reason.
    pub fn no_connection(error: &(dyn Error + 'static)) -> Self {
        Self::NoConnection(error.to_string())
    }

    /// The error of a statement about the tables in a schema.
    pub(crate) fn of_statement(self, schema: &str) -> PostgresStoreError {
        match self {
            Self::NoConnection(reason) => PostgresStoreError::Unreachable { reason },
            Self::Connecting(error) => PostgresStoreError::of_connecting(&error),
            Self::Statement(error) => PostgresStoreError::of_statement(&error, schema),
            Self::Timeout(waited) => PostgresStoreError::Timeout { waited },
        }
    }
}
