//! The transport over ureq.
//!
//! Whatever builder it is made from, it follows no redirect, repeats nothing, keeps no cookie, decompresses
//! nothing, and opens a connection for each request, but for API calls if it is told to keep theirs.
//!
//! ureq makes the connection: lookup, proxy, TCP and TLS. The request and the response go over it without ureq, which
//! would write every byte of them into the log.

mod connection;
mod fault;
mod http1;
mod kept;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use octo_auth_core::{Body, SendOptions, TransportError};
use octo_auth_system::SetupError;
use octo_auth_system::proxies::Proxies;
use ureq::config::{AutoHeaderValue, Config, ConfigBuilder};
use ureq::tls::{TlsConfig, TlsConfigBuilder};
use ureq::typestate::AgentScope;
use ureq::unversioned::transport::DefaultConnector;

use self::kept::Kept;
use crate::transport::Transport;

/// The name this transport gives itself, unless the builder has another.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The largest buffer of a connection, in bytes: one for each direction, and with TLS once more.
const LARGEST_BUFFER: usize = 16 * 1024;

/// The longest deadline, which stands for none.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Carries requests with ureq.
///
/// Nothing that it sends or receives is in the log.
///
/// Each token request opens a connection. A server may close a kept connection just as it is used again. If that request
/// was a refresh, it is unknown whether it took effect, and with rotation the refresh token may be lost. A new connection
/// costs about 0.5 ms of CPU time and, over TLS, two round trips more: sessions are resumed. For 100,000 accounts with a
/// refresh an hour each, that is 28 connections and 14 ms a second.
///
/// Looking up a host's name takes a thread while it lasts, as the deadline could not end it otherwise; an address as host
/// takes none.
#[derive(Clone)]
pub struct UreqTransport {
    connector: Arc<DefaultConnector>,
    /// For what is sent directly, as plain http is always: no proxy sees it in clear text.
    config: Config,
    /// Which https requests go through a proxy, and how. Without proxies of our own, ureq says which.
    proxied: Option<(Option<Proxies>, Config)>,
    /// The connections of API calls, if they are kept.
    kept: Option<Arc<Kept>>,
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
        Self::with_proxies(&Proxies::from_env().map_err(|error| SetupError::of(PROXY, error))?)
    }

    /// The transport of [`UreqTransport::new`] with these proxies instead of the environment's.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq refuses the proxy.
    pub fn with_proxies(proxies: &Proxies) -> Result<Self, SetupError> {
        Self::from_builder_with_proxies(Config::builder(), proxies)
    }

    /// A transport from a ureq configuration: for an own certificate authority, a client certificate, a proxy.
    ///
    /// Of the builder count its settings of TLS and proxies, for https, and `https_only`, `ip_family`, `no_delay`,
    /// `user_agent` and the sizes of the buffers, up to 16 kB. All else is as this module demands; a middleware is not called, as
    /// it would see the credentials. Where the builder names no cryptography, ring is used, and where it names no
    /// certificates, those the operating system trusts; ureq's own list (`RootCerts::WebPki`) counts as naming none.
    ///
    /// Plain http, which goes to loopback only, goes past every proxy.
    ///
    /// Without a proxy set on it, ureq reads the environment in its own way. For the reading of [`UreqTransport::new`] see
    /// [`UreqTransport::from_builder_with_proxies`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the user agent cannot stand in a header.
    pub fn from_builder(builder: ConfigBuilder<AgentScope>) -> Result<Self, SetupError> {
        let given = builder.build();
        let tls = given.tls_config();
        let proxied = match given.proxy() {
            Some(proxy) => Some((None, completed(&given, tls, Some(proxy.clone()))?)),
            None => None,
        };
        Ok(Self { connector: Arc::default(), config: completed(&given, tls, None)?, proxied, kept: None })
    }

    /// A transport from a ureq configuration with these proxies: for an own certificate authority behind a proxy that the
    /// environment names ([`Proxies::from_env`]). A proxy that the builder has is removed; all else is as for
    /// [`UreqTransport::from_builder`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq refuses the proxy, or if the user agent cannot stand in a header.
    pub fn from_builder_with_proxies(
        builder: ConfigBuilder<AgentScope>,
        proxies: &Proxies,
    ) -> Result<Self, SetupError> {
        let given = builder.build();
        let proxy = proxies.proxy().map(|proxy| ureq::Proxy::new(proxy.url().expose()));
        let proxied = match proxy.transpose().map_err(|error| SetupError::of(PROXY, error))? {
            Some(proxy) => Some((Some(proxies.clone()), completed(&given, given.tls_config(), Some(proxy))?)),
            None => None,
        };
        let config = completed(&given, given.tls_config(), None)?;
        Ok(Self { connector: Arc::default(), config, proxied, kept: None })
    }

    /// The same, trusting these certificate authorities and no others: PEM text with one certificate or several. It is for
    /// servers with a private authority; to trust the operating system's too, add its bundle to the text.
    ///
    /// ```no_run
    /// # use octo_auth_blocking::{Client, TokenManager, UreqTransport};
    /// # fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let transport = UreqTransport::new()?
    ///     .with_root_certificates(std::fs::read("authority.pem")?)?
    ///     .with_client_certificate(std::fs::read("client.pem")?)?;
    /// let manager = TokenManager::builder(client).transport(transport).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`SetupError`] for a text without a certificate or with one that cannot be used.
    pub fn with_root_certificates(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        let roots = tls::roots(pem.as_ref())?;
        self.with_tls(|tls| tls.root_certs(roots.clone()))
    }

    /// The same, with a client certificate for servers that ask for one (RFC 8705): PEM text with the certificate, those of
    /// its issuers if any, and its private key, unencrypted.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] for a text without certificate or key, and for a key of another certificate.
    pub fn with_client_certificate(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        let certificate = tls::client_certificate(pem.as_ref())?;
        self.with_tls(|tls| tls.client_cert(Some(certificate.clone())))
    }

    fn with_tls(self, change: impl Fn(TlsConfigBuilder) -> TlsConfigBuilder) -> Result<Self, SetupError> {
        let changed = |config: &Config| {
            let tls = change(tls::builder_of(config.tls_config())).build();
            completed(config, &tls, config.proxy().cloned())
        };
        let proxied = match &self.proxied {
            Some((proxies, config)) => Some((proxies.clone(), changed(config)?)),
            None => None,
        };
        // Connections and what the connector remembers of TLS are those of the settings before.
        let (connector, kept) = (Arc::default(), self.kept.map(|_| Arc::default()));
        Ok(Self { connector, config: changed(&self.config)?, proxied, kept })
    }

    /// The same, which keeps the connections of API calls for the next calls: at most 16, for at most 15 s. Each token
    /// request opens a connection still.
    ///
    /// A server may close a connection just as it is used again: the call then fails, and it is unknown whether it was
    /// processed.
    #[must_use]
    pub fn with_api_connections(self) -> Self {
        Self { kept: Some(Arc::default()), ..self }
    }

    /// The configuration for a request to a URL.
    fn config(&self, url: &Uri) -> &Config {
        let is_proxied = |proxies: &Option<Proxies>| {
            let is_ours = proxies.as_ref().is_none_or(|proxies| proxies.for_url(url).is_some());
            url.scheme() == Some(&Scheme::HTTPS) && is_ours
        };
        match &self.proxied {
            Some((proxies, config)) if is_proxied(proxies) => config,
            _ => &self.config,
        }
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        let deadline = Instant::now() + deadline.min(FOR_EVER);
        let server = server(request.uri()).ok_or_else(|| TransportError::not_sent(NO_REQUEST))?;
        let config = self.config(&server);
        if config.https_only() && server.scheme() != Some(&Scheme::HTTPS) {
            return Err(TransportError::misconfigured("plain http is switched off by `https_only`"));
        }
        let options = SendOptions::of(request);
        let kept = self.kept.as_ref().filter(|_| options.may_reuse_connection());
        let mut connection = match kept.and_then(|kept| kept.take(&server)) {
            Some(connection) => connection,
            None => connection::connect(&self.connector, config, &server, deadline)
                .map_err(fault::of_connecting)?,
        };
        connection.end_by(deadline);
        let sent = http1::write(request, user_agent(config), &mut connection);
        let sent = match sent {
            Err(error) if fault::is_timeout(&error) => return Err(fault::in_writing(error)),
            other => other,
        };
        let is_sent = sent.is_ok();
        // A server may answer before it has read the request, and close the connection.
        let head = http1::read_head(request.method(), &mut connection);
        let head = head.map_err(|error| fault::before_the_body(sent.as_ref().err(), error))?;
        let (response, read) = http1::read_body(head, &mut connection, options.answer_limit());
        if let Err(error) = read {
            return Err(fault::in_the_body(error).with_partial_response(response));
        }
        let stays_open = http1::stays_open(&response, options.answer_limit());
        // What comes without a request belongs to no response.
        if let Some(kept) = kept.filter(|_| is_sent && stays_open && !connection.holds_input()) {
            kept.put(server, connection);
        }
        Ok(response)
    }
}

const NO_REQUEST: &str = "the request could not be built: its URL has no host";

/// The URL without path and query, which ureq does not need for a connection.
fn server(url: &Uri) -> Option<Uri> {
    let mut parts = url.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).ok().filter(|url| url.scheme().is_some())
}

fn user_agent(config: &Config) -> Option<&str> {
    match config.user_agent() {
        AutoHeaderValue::Provided(name) => Some(name.as_str()),
        _ => None,
    }
}

/// Shows the proxies alone: what ureq shows of one of the builder's begins with a letter of the user name.
impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxies = self.proxied.as_ref().and_then(|(proxies, _)| proxies.as_ref());
        f.debug_struct("UreqTransport").field("proxies", &proxies).finish_non_exhaustive()
    }
}

/// The settings of a builder that count, with other TLS and another proxy, and with what they leave open filled in.
fn completed(given: &Config, tls: &TlsConfig, proxy: Option<ureq::Proxy>) -> Result<Config, SetupError> {
    let user_agent = match given.user_agent() {
        AutoHeaderValue::Default => USER_AGENT.into(),
        chosen => chosen.clone(),
    };
    if let AutoHeaderValue::Provided(name) = &user_agent {
        HeaderValue::from_str(name).map_err(|_| SetupError::of("the HTTP client", UNSOUND_USER_AGENT))?;
    }
    let config = Config::builder()
        .tls_config(tls::completed(tls)?)
        .proxy(proxy)
        .https_only(given.https_only())
        .ip_family(given.ip_family())
        .no_delay(given.no_delay())
        .user_agent(user_agent)
        .input_buffer_size(given.input_buffer_size().min(LARGEST_BUFFER))
        .output_buffer_size(given.output_buffer_size().min(LARGEST_BUFFER));
    Ok(config.build())
}

/// What is set up of a proxy.
const PROXY: &str = "the proxy";

const UNSOUND_USER_AGENT: &str = "the user agent holds a character that cannot stand in a header: remove it";
