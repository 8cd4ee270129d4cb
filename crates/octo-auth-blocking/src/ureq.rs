//! The transport over ureq.
//!
//! Whatever builder it is made from, it follows no redirect, repeats nothing, keeps no cookie, decompresses
//! nothing, and opens a connection for each request. A connection kept from minutes ago is often closed by the
//! server just as it is used again, and then nobody knows whether a refresh took effect; token requests are far
//! too rare for reuse to pay.

mod fault;
mod head;
mod incoming;
mod outgoing;

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{ANSWER_LIMIT, Body, Fault, note_framing};
use octo_auth_system::SetupError;
use ureq::Agent;
use ureq::config::{Config, ConfigBuilder};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;

use self::fault::Progress;
use self::outgoing::Outgoing;
use crate::transport::Transport;

/// The time within which a host's name must be resolved, and then again a connection made and TLS agreed.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest head of an answer, in bytes: about what the other adapter takes.
const LONGEST_HEAD: usize = 400 * 1024;

/// Carries requests with ureq.
#[derive(Debug, Clone)]
pub struct UreqTransport {
    agent: Agent,
    tls: TlsConfig,
    /// Whether plain http, which the core allows to loopback alone, goes past every proxy.
    loopback_is_direct: bool,
}

impl UreqTransport {
    /// A transport with rustls, ring and the certificates the operating system trusts.
    ///
    /// Https goes through the proxy named by the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`); plain http,
    /// which goes to loopback only, goes past every proxy. A machine without any trusted certificate can still
    /// talk to loopback; its https requests are reported as not sent.
    ///
    /// # Errors
    ///
    /// None today: ureq refuses no setting before it connects. The signature is that of the async adapter, so that
    /// a program moves from one to the other by its imports.
    pub fn new() -> Result<Self, SetupError> {
        let builder =
            Config::builder().user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        Ok(Self { loopback_is_direct: true, ..Self::from_builder(builder)? })
    }

    /// A transport from a ureq configuration: for an own certificate authority, a client certificate, a proxy.
    ///
    /// The builder's TLS and proxy settings hold, for loopback too; redirects, connection reuse, the treatment of
    /// statuses and the deadlines are set as this module demands. Where the builder names no cryptography, ring is
    /// used, and where it names no certificates, those the operating system trusts; ureq's own list
    /// (`RootCerts::WebPki`) counts as naming none.
    ///
    /// # Errors
    ///
    /// None today, as for [`UreqTransport::new`].
    pub fn from_builder(builder: ConfigBuilder<AgentScope>) -> Result<Self, SetupError> {
        let config = builder
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .max_response_header_size(LONGEST_HEAD)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .build();
        let tls = completed(config.tls_config());
        let agent = Agent::with_parts(config, incoming::connector(), DefaultResolver::default());
        Ok(Self { agent, tls, loopback_is_direct: false })
    }

    /// Sends a request and reads the head of its response.
    fn begin(
        &self,
        request: Request<impl ureq::AsSendBody>,
        deadline: Duration,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let past_proxies =
            self.loopback_is_direct && request.uri().scheme() == Some(&http::uri::Scheme::HTTP);
        let mut settings =
            self.agent.configure_request(request).tls_config(self.tls.clone()).timeout_global(Some(deadline));
        if past_proxies {
            settings = settings.proxy(None);
        }
        self.agent.run(settings.build())
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, Fault> {
        if request.body().is_empty() && request.method() == http::Method::GET {
            let request = outgoing::copy(request, ());
            let begun = self.begin(request, deadline).map_err(|error| fault::of(error, Progress::Unknown))?;
            return read(begun).map_err(fault::in_the_body);
        }
        let mut body = Outgoing::new(request.body());
        let begun = self.begin(outgoing::with_body(request, &mut body), deadline);
        read(begun.map_err(|error| fault::of(error, body.progress()))?).map_err(fault::in_the_body)
    }
}

/// Reads a response, its body up to the limit and one byte more.
fn read(incoming: Response<ureq::Body>) -> Result<Response<Body>, ureq::Error> {
    const ENOUGH: usize = ANSWER_LIMIT + 1;
    let (parts, mut body) = incoming.into_parts();
    let announced = body.content_length().and_then(|length| usize::try_from(length).ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or(4096).min(ENOUGH));
    body.as_reader().take(ENOUGH as u64).read_to_end(&mut bytes)?;
    let mut response = Response::new(Body::new(bytes));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    note_framing(&mut response);
    Ok(response)
}

/// TLS settings with what they leave open filled in: cryptography chosen here, so that neither a feature nor
/// another crate of the program can choose it, and the platform's certificates.
fn completed(tls: &TlsConfig) -> TlsConfig {
    let provider = tls
        .unversioned_rustls_crypto_provider()
        .clone()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let roots = match tls.root_certs() {
        RootCerts::WebPki => RootCerts::PlatformVerifier,
        named => named.clone(),
    };
    TlsConfig::builder()
        .provider(tls.provider())
        .client_cert(tls.client_cert().cloned())
        .root_certs(roots)
        .use_sni(tls.use_sni())
        .disable_verification(tls.disable_verification())
        .unversioned_rustls_crypto_provider(provider)
        .build()
}
