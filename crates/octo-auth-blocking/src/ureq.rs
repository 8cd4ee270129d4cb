//! The transport over ureq.
//!
//! Whatever builder it is made from, it follows no redirect, repeats nothing, keeps no cookie, decompresses
//! nothing, and opens a connection for each request. A connection kept from minutes ago is often closed by the
//! server just as it is used again, and then nobody knows whether a refresh took effect; token requests are far
//! too rare for reuse to pay.
//!
//! ureq writes what passes through it into the log. So an agent is made for each exchange, whose connection shows ureq
//! no secret: see [`veil`].

mod chunks;
mod fault;
mod head;
mod incoming;
mod outgoing;
mod veil;

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use http::header::TRANSFER_ENCODING;
use http::response::Parts;
use http::{Request, Response, Uri, Version};
use octo_auth_core::{Body, Fault, note_framing};
use octo_auth_system::SetupError;
use octo_auth_system::proxies::Proxies;
use ureq::Agent;
use ureq::config::{Config, ConfigBuilder};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;

use self::chunks::STAR;
use self::fault::Progress;
use self::outgoing::Outgoing;
use self::veil::Veil;
use crate::transport::Transport;

/// The time within which a host's name must be resolved, and then again a connection made and TLS agreed.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest head of an answer, in bytes: about what the other adapter takes.
const LONGEST_HEAD: usize = 400 * 1024;

/// Carries requests with ureq.
///
/// ureq logs at level trace what it sends and receives. It is shown no secret: the log has stars in the place of bodies,
/// and neither the query of a URL nor any header that may be a credential.
#[derive(Clone)]
pub struct UreqTransport {
    config: Config,
    tls: TlsConfig,
    /// By which way each request goes; `None` if the builder's own settings say so.
    ways: Option<Ways>,
}

/// By which way a request goes.
#[derive(Clone)]
struct Ways {
    proxies: Proxies,
    /// The proxy of all requests that do not go to the server directly, as ureq takes it.
    proxy: Option<ureq::Proxy>,
}

impl UreqTransport {
    /// A transport with rustls, ring and the certificates the operating system trusts.
    ///
    /// Https goes through the proxy named by the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`); the module
    /// [`proxies`](crate::proxies) lists what may stand there. Plain http, which goes to loopback only, goes
    /// past every proxy. A machine without any trusted certificate can still talk to loopback; its https requests are
    /// reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_proxies(&Proxies::from_env().map_err(SetupError::new)?)
    }

    /// The transport of [`UreqTransport::new`] with these proxies instead of the environment's.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq refuses the proxy.
    pub fn with_proxies(proxies: &Proxies) -> Result<Self, SetupError> {
        let builder =
            Config::builder().user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")));
        Self::from_builder_with_proxies(builder, proxies)
    }

    /// A transport from a ureq configuration: for an own certificate authority, a client certificate, a proxy.
    ///
    /// The builder's TLS and proxy settings hold, for loopback too; redirects, connection reuse, the treatment of
    /// statuses and the deadlines are set as this module demands. Where the builder names no cryptography, ring is
    /// used, and where it names no certificates, those the operating system trusts; ureq's own list
    /// (`RootCerts::WebPki`) counts as naming none.
    ///
    /// A middleware of the builder sees no more than ureq does: no credentials, no query and no bodies.
    ///
    /// Without a proxy set on it, ureq reads the environment in its own way. For the reading of [`UreqTransport::new`] see
    /// [`UreqTransport::from_builder_with_proxies`].
    ///
    /// # Errors
    ///
    /// None today: ureq refuses no setting before it connects. The signature is that of the async adapter, so that
    /// a program moves from one to the other by its imports.
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
        Ok(Self { config, tls, ways: None })
    }

    /// A transport from a ureq configuration with these proxies: for an own certificate authority behind a proxy that the
    /// environment names ([`Proxies::from_env`]). A proxy that the builder has is removed; all else is as for
    /// [`UreqTransport::from_builder`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq refuses the proxy.
    pub fn from_builder_with_proxies(
        builder: ConfigBuilder<AgentScope>,
        proxies: &Proxies,
    ) -> Result<Self, SetupError> {
        let proxy = proxies.proxy().map(|proxy| ureq::Proxy::new(proxy.url().expose()));
        let ways = Ways { proxies: proxies.clone(), proxy: proxy.transpose().map_err(SetupError::new)? };
        Ok(Self { ways: Some(ways), ..Self::from_builder(builder.proxy(None))? })
    }

    /// Sends a request and reads the head of its response.
    fn begin(
        &self,
        request: Request<impl ureq::AsSendBody>,
        veil: &Arc<Veil>,
        deadline: Duration,
    ) -> Result<Response<ureq::Body>, ureq::Error> {
        let connector = incoming::connector(veil);
        let agent = Agent::with_parts(self.config.clone(), connector, DefaultResolver::default());
        let way = self.ways.as_ref().map(|ways| ways.of(request.uri()));
        let mut settings =
            agent.configure_request(request).tls_config(self.tls.clone()).timeout_global(Some(deadline));
        if let Some(proxy) = way {
            settings = settings.proxy(proxy);
        }
        agent.run(settings.build())
    }
}

impl Ways {
    /// The proxy for a request to a URL, if it does not go to the server directly.
    fn of(&self, url: &Uri) -> Option<ureq::Proxy> {
        self.proxies.for_url(url).and(self.proxy.clone())
    }
}

/// Shows the proxies alone: what ureq shows of one of the builder's begins with a letter of the user name.
impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxies = self.ways.as_ref().map(|ways| &ways.proxies);
        f.debug_struct("UreqTransport").field("proxies", &proxies).finish_non_exhaustive()
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, Fault> {
        let (shown, veil) = veil::over(request);
        let veil = Arc::new(veil);
        if request.body().is_empty() && request.method() == http::Method::GET {
            let begun = self.begin(shown, &veil, deadline);
            let begun = begun.map_err(|error| fault::of(error, Progress::Unknown.with(&veil)))?;
            return read(begun, &veil).map_err(fault::in_the_body);
        }
        let mut body = Outgoing::like(request.body());
        let begun = self.begin(outgoing::with_body(shown, &mut body), &veil, deadline);
        let begun = begun.map_err(|error| fault::of(error, body.progress().with(&veil)))?;
        read(begun, &veil).map_err(fault::in_the_body)
    }
}

/// Reads a response, its body up to the limit and one byte more.
fn read(incoming: Response<ureq::Body>, veil: &Veil) -> Result<Response<Body>, ureq::Error> {
    let (parts, mut body) = incoming.into_parts();
    let announced = body.content_length().and_then(|length| usize::try_from(length).ok());
    let enough = veil.answer().begin(is_chunked(&parts), announced);
    let mut stars = Stars::default();
    io::copy(&mut body.as_reader().take(enough as u64), &mut stars)?;
    let bytes = veil.answer().unveil(stars.count).ok_or_else(not_framed)?;
    let mut response = Response::new(Body::new(bytes));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    note_framing(&mut response);
    Ok(response)
}

/// Whether ureq reads the body of a response as chunks.
fn is_chunked(head: &Parts) -> bool {
    let codings = head.headers.get_all(TRANSFER_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = codings.flat_map(|value| value.split(','));
    head.version != Version::HTTP_10 && codings.any(|coding| coding.trim().eq_ignore_ascii_case("chunked"))
}

/// Counts what ureq gives out of a body, which stands for as many bytes of content.
#[derive(Default)]
struct Stars {
    count: usize,
}

impl Write for Stars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Anything else would mean that ureq and the veil are not at one about what is content.
        if bytes.iter().any(|byte| *byte != STAR) {
            return Err(not_framed());
        }
        self.count += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn not_framed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the content is not where the framing says")
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
