//! Both adapters behind one type, so that a scenario is written once and runs with each.

use std::sync::Arc;
use std::time::Duration;

use octo_auth_async::{ReqwestTransport, Runner as AsyncRunner};
use octo_auth_blocking::{Runner as BlockingRunner, UreqTransport};
use octo_auth_core::{Answer, Exchange, ExchangeError, Now, Reply};
use octo_auth_system::proxies::Proxies;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::log;
use crate::registration::sound;

/// One of the adapters, ready to run exchanges in a synchronous test.
///
/// It blocks the calling thread; do not use it inside an async runtime.
pub struct Adapter(Colour);

enum Colour {
    Async { runtime: Runtime, runner: AsyncRunner },
    Blocking { runner: BlockingRunner },
}

impl Adapter {
    /// Returns each adapter with its own transport (reqwest, ureq) and the clocks of the operating system.
    #[must_use]
    pub fn all() -> Vec<Self> {
        Self::with_runners(sound(AsyncRunner::new()), sound(BlockingRunner::new()))
    }

    /// Returns each adapter with a transport that trusts only this certificate and uses no proxy, whatever the
    /// machine's settings are.
    #[must_use]
    pub fn trusting(certificate: &CertificateDer<'static>) -> Vec<Self> {
        Self::trusting_through(&[certificate], &Proxies::none())
    }

    /// Returns each adapter with a transport that trusts only these certificates and uses these proxies.
    #[must_use]
    pub fn trusting_through(certificates: &[&CertificateDer<'static>], proxies: &Proxies) -> Vec<Self> {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls(certificates));
        let reqwest = sound(ReqwestTransport::from_builder_with_proxies(builder, proxies));
        let owned = |certificate: &&CertificateDer<'_>| Certificate::from_der(certificate).to_owned();
        let roots = RootCerts::new_with_certs(&certificates.iter().map(owned).collect::<Vec<_>>());
        let builder =
            ureq::Agent::config_builder().tls_config(TlsConfig::builder().root_certs(roots).build());
        let ureq = sound(UreqTransport::from_builder_with_proxies(builder, proxies));
        Self::with_runners(AsyncRunner::with_transport(reqwest), BlockingRunner::with_transport(ureq))
    }

    /// Returns each adapter with the given runners, for example with a custom transport.
    #[must_use]
    pub fn with_runners(asynchronous: AsyncRunner, blocking: BlockingRunner) -> Vec<Self> {
        log::keep();
        // The runtime has a separate thread, so that connections are closed in time even while no test runs.
        let runtime = sound(Builder::new_multi_thread().worker_threads(1).enable_all().build());
        vec![
            Self(Colour::Async { runtime, runner: asynchronous }),
            Self(Colour::Blocking { runner: blocking }),
        ]
    }

    /// Returns this adapter with another deadline for a whole exchange.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self(match self.0 {
            Colour::Async { runtime, runner } => {
                Colour::Async { runtime, runner: runner.with_deadline(deadline) }
            }
            Colour::Blocking { runner } => Colour::Blocking { runner: runner.with_deadline(deadline) },
        })
    }

    /// Returns `async` or `blocking`, for the messages of assertions.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Colour::Async { .. } => "async",
            Colour::Blocking { .. } => "blocking",
        }
    }

    /// Runs an exchange.
    ///
    /// # Errors
    ///
    /// Returns the error of the adapter.
    pub fn run<T: Reply>(&self, exchange: Exchange<T>) -> Result<Answer<T>, ExchangeError> {
        match &self.0 {
            Colour::Async { runtime, runner } => runtime.block_on(runner.run(exchange)),
            Colour::Blocking { runner } => runner.run(exchange),
        }
    }

    /// Reads the adapter's clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        match &self.0 {
            Colour::Async { runner, .. } => runner.now(),
            Colour::Blocking { runner } => runner.now(),
        }
    }
}

/// Runs a scenario with each adapter.
pub fn each(scenario: impl FnMut(&Adapter)) {
    Adapter::all().iter().for_each(scenario);
}

/// Returns a TLS configuration for reqwest that trusts these certificates.
fn tls(certificates: &[&CertificateDer<'static>]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        sound(roots.add((*certificate).clone()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    sound(config.with_safe_default_protocol_versions()).with_root_certificates(roots).with_no_client_auth()
}
