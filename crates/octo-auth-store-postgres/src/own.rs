//! A connection of the store's own.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::{Client, Row};

use crate::engine::Parameter;
use crate::pool::PoolError;
use crate::target::Target;

/// How long the answer to a statement is waited for.
const ANSWER: Duration = Duration::from_millis(2500);

/// One connection, which statements of all callers go over side by side. It is made by the first of them, and again after it
/// has ended.
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

    /// Forgets a connection over which no answer comes.
    async fn forget(&self, client: &Arc<Client>) {
        let mut slot = self.client.lock().await;
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
            *slot = None;
        }
    }
}
