//! The store's own connection.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Client, Cmd, Value};
use tokio::sync::Mutex;

use crate::engine::PoolError;

/// The limit of the wait for the server when a connection is made.
const CONNECTING: Duration = Duration::from_secs(2);

/// The limit of the wait for the answer to a command.
const ANSWER: Duration = Duration::from_millis(2500);

/// One connection, over which the commands of all callers are pipelined. The first command makes it, and a later one
/// makes it again after it has ended.
pub(crate) struct Own {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Own {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, connection: Mutex::default() }
    }

    pub(crate) async fn send(&self, command: &Cmd) -> Result<Value, PoolError> {
        let mut connection = self.connection().await.map_err(PoolError::Connecting)?;
        let sent = connection.req_packed_command(command).await;
        if sent.as_ref().is_err_and(|error| error.is_timeout() || error.code().is_none()) {
            *self.connection.lock().await = None;
        }
        Ok(sent?)
    }

    async fn connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        let mut slot = self.connection.lock().await;
        if let Some(connection) = &*slot {
            return Ok(connection.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(ANSWER));
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *slot = Some(connection.clone());
        Ok(connection)
    }
}
