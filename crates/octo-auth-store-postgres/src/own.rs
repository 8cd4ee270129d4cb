//! The store's own connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::{Client, Row};

use crate::engine::Parameter;
use crate::pool::PoolError;
use crate::target::Target;

/// The limit of the wait for the answer to a statement.
const ANSWER: Duration = Duration::from_millis(2500);

/// One connection, over which the statements of all callers are pipelined. The first statement makes it, and a later
/// one makes it again after it has ended.
pub(crate) struct Own {
    target: Target,
    client: Mutex<Option<Arc<Client>>>,
}

impl Own {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, client: Mutex::default() }
    }

    pub(crate) async fn send(
        &self,
        statement: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, PoolError> {
        let client = self.client().await?;
        let Ok(sent) = timeout(ANSWER, client.query_typed(statement, parameters)).await else {
            self.forget(&client).await;
            return Err(PoolError::Timeout(ANSWER));
        };
        Ok(sent?)
    }

    async fn client(&self) -> Result<Arc<Client>, PoolError> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(client.clone());
        }
        let client = Arc::new(self.target.connect(None).await?);
        *slot = Some(client.clone());
        Ok(client)
    }

    /// Drops a connection that does not answer.
    async fn forget(&self, client: &Arc<Client>) {
        let mut slot = self.client.lock().await;
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
            *slot = None;
        }
    }
}
