//! The target of the connections, and their TLS.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::PostgresStoreError;
use crate::pool::PoolError;

/// The limit of the wait for the server when a connection is made.
const CONNECTING: Duration = Duration::from_secs(2);

/// The duration of silence after which TCP checks that the peer is still there.
const SILENCE: Duration = Duration::from_secs(10);

/// The receiver of the notices' payloads.
pub(crate) type Heard = Option<UnboundedSender<String>>;

/// The target of the connections, and their TLS.
#[derive(Clone)]
pub(crate) struct Target {
    config: Config,
    /// `None` for local sockets, and if `sslmode` is `disable`.
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    pub(crate) fn new(mut config: Config, tls: Option<ClientConfig>) -> Result<Self, PostgresStoreError> {
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        config.keepalives_idle(SILENCE).keepalives_interval(SILENCE / 2).keepalives_retries(3);
        let is_local = config.get_hosts().iter().any(|host| !matches!(host, Host::Tcp(_)));
        let tls = match tls {
            _ if is_local || config.get_ssl_mode() == SslMode::Disable => None,
            Some(tls) => Some(tls),
            None => Some(trusting_the_system()?),
        };
        Ok(Self { config, tls: tls.map(MakeRustlsConnect::new) })
    }

    /// Makes a connection. A task of this runtime then drives it.
    pub(crate) async fn connect(&self, heard: Heard) -> Result<Client, PoolError> {
        let connected = timeout(CONNECTING, self.connect_in_time(heard)).await;
        let silent = |_| PoolError::NoConnection(format!("no answer within {CONNECTING:?}"));
        connected.map_err(silent)?.map_err(PoolError::Connecting)
    }

    async fn connect_in_time(&self, heard: Heard) -> Result<Client, tokio_postgres::Error> {
        Ok(match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(drive(connection, heard));
                client
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(drive(connection, heard));
                client
            }
        })
    }
}

/// Reads and writes until the connection ends.
async fn drive<S, T>(mut connection: Connection<S, T>, heard: Heard)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let (AsyncMessage::Notification(notice), Some(heard)) = (message, &heard) {
            // If the receiver is gone the client is gone too, and the connection ends.
            let _ = heard.send(notice.payload().to_owned());
        }
    }
}

/// Returns a TLS configuration that trusts the certificate authorities of the operating system.
fn trusting_the_system() -> Result<ClientConfig, PostgresStoreError> {
    let failed = |error: rustls::Error| PostgresStoreError::Tls { reason: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().map_err(failed)?;
    // The platform's verifier does verify. rustls calls every verifier `dangerous` that is not its own.
    let verifier = Arc::new(Verifier::new(provider).map_err(failed)?);
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}
