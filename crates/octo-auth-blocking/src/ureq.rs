//! The transport that uses ureq.
//!
//! With any builder, it does not follow redirects, repeat requests, keep cookies or decompress bodies. It opens a
//! connection for each request; connections for API calls can be kept.
//!
//! ureq makes the connection: name lookup, proxy, TCP and TLS. The request and the response do not pass through
//! ureq, which would log every byte of them.

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

/// The default user agent.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The largest size of a connection's buffer, in bytes. There is one for each direction, and with TLS two.
const LARGEST_BUFFER: usize = 16 * 1024;

/// The longest deadline. It means no deadline.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Sends requests with ureq.
///
/// It does not log what it sends or receives.
///
/// Each token request opens a new connection. A server may close a kept connection just when it is used again. If
/// that request was a refresh, the client cannot know whether the server processed it. With rotation, the refresh
/// token may then be lost. A new connection costs about 0.5 ms of CPU time and, over TLS, two more round trips, as
/// sessions are resumed. With 100,000 accounts and one refresh per hour each, that is 28 connections and 14 ms of
/// CPU time per second.
///
/// The lookup of a host's name uses a thread, because the deadline could not end it otherwise. If the host is an
/// IP address, no thread is used.
#[derive(Clone)]
pub struct UreqTransport {
    connector: Arc<DefaultConnector>,
    /// The configuration for direct connections. Plain http is always sent directly, so that no proxy sees it in
    /// clear text.
    config: Config,
    /// The proxies for https, with their configuration. Without proxies of our own, ureq chooses.
    proxied: Option<(Option<Proxies>, Config)>,
    /// The connections of API calls, if they are kept.
    kept: Option<Arc<Kept>>,
}

impl UreqTransport {
    /// Builds a transport that uses rustls, ring and the trusted certificates of the operating system.
    ///
    /// Https uses the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). The module
    /// [`proxies`](crate::proxies) lists the values that are accepted. Plain http goes only to loopback, and never
    /// through a proxy. On a machine without trusted certificates, plain http to loopback still works, and https
    /// requests are reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_proxies(&Proxies::from_env().map_err(|error| SetupError::of(PROXY, error))?)
    }

    /// Builds the transport of [`UreqTransport::new`] with these proxies instead of those of the environment.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq rejects the proxy.
    pub fn with_proxies(proxies: &Proxies) -> Result<Self, SetupError> {
        Self::from_builder_with_proxies(Config::builder(), proxies)
    }

    /// Builds a transport from a ureq configuration, for a private certificate authority, a client certificate or
    /// a proxy.
    ///
    /// The builder's TLS and proxy settings apply to https. Its settings `https_only`, `ip_family`, `no_delay`,
    /// `user_agent` and the buffer sizes, up to 16 kB, are used too. This module sets everything else. A
    /// middleware of the builder is not called, as it would see the credentials. If the builder sets no crypto
    /// provider, ring is used. If it sets no certificates, the trusted ones of the operating system are used;
    /// ureq's own list (`RootCerts::WebPki`) counts as not set.
    ///
    /// Plain http goes only to loopback, and never through a proxy.
    ///
    /// If no proxy is set on the builder, ureq reads the environment in its own way. Use
    /// [`UreqTransport::from_builder_with_proxies`] to read it as [`UreqTransport::new`] does.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the user agent is not a valid header value.
    pub fn from_builder(builder: ConfigBuilder<AgentScope>) -> Result<Self, SetupError> {
        let given = builder.build();
        let tls = given.tls_config();
        let proxied = match given.proxy() {
            Some(proxy) => Some((None, completed(&given, tls, Some(proxy.clone()))?)),
            None => None,
        };
        Ok(Self { connector: Arc::default(), config: completed(&given, tls, None)?, proxied, kept: None })
    }

    /// Builds a transport from a ureq configuration with these proxies, for a private certificate authority behind
    /// a proxy that the environment names ([`Proxies::from_env`]). The builder's own proxy is removed. Everything
    /// else is as for [`UreqTransport::from_builder`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if ureq rejects the proxy, or if the user agent is not a valid header value.
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

    /// Trusts only these certificate authorities, in PEM text with one or more certificates. Use it for servers
    /// with a private authority. To also trust the operating system's authorities, add its bundle to the text.
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
    /// A [`SetupError`] if the text has no certificate, or one that cannot be used.
    pub fn with_root_certificates(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        let roots = tls::roots(pem.as_ref())?;
        self.with_tls(|tls| tls.root_certs(roots.clone()))
    }

    /// Sets a client certificate for servers that request one (RFC 8705). The PEM text contains the certificate,
    /// the certificates of its issuers if any, and its unencrypted private key.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the text has no certificate or no key, or if the key does not match the certificate.
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
        // Kept connections and the connector's TLS sessions belong to the old settings.
        let (connector, kept) = (Arc::default(), self.kept.map(|_| Arc::default()));
        Ok(Self { connector, config: changed(&self.config)?, proxied, kept })
    }

    /// Keeps the connections of API calls for further calls: at most 16 connections, each for at most 15 s. Token
    /// requests still open a new connection each.
    ///
    /// A server may close a connection just when it is used again. The call then fails, and it is unknown whether
    /// it was processed.
    #[must_use]
    pub fn with_api_connections(self) -> Self {
        Self { kept: Some(Arc::default()), ..self }
    }

    /// Returns the configuration for a request to a URL.
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
        // A server may answer and close the connection before it has read the whole request.
        let head = http1::read_head(request.method(), &mut connection);
        let head = head.map_err(|error| fault::before_the_body(sent.as_ref().err(), error))?;
        let (response, read) = http1::read_body(head, &mut connection, options.answer_limit());
        if let Err(error) = read {
            return Err(fault::in_the_body(error).with_partial_response(response));
        }
        let stays_open = http1::stays_open(&response, options.answer_limit());
        // Bytes that arrive without a request belong to no response, so do not keep that connection.
        if let Some(kept) = kept.filter(|_| is_sent && stays_open && !connection.holds_input()) {
            kept.put(server, connection);
        }
        Ok(response)
    }
}

const NO_REQUEST: &str = "the request could not be built: its URL has no host";

/// Returns the URL without its path and query, which ureq does not need for a connection.
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

/// Shows only the proxies: what ureq shows of a builder's proxy begins with a letter of the user name.
impl fmt::Debug for UreqTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxies = self.proxied.as_ref().and_then(|(proxies, _)| proxies.as_ref());
        f.debug_struct("UreqTransport").field("proxies", &proxies).finish_non_exhaustive()
    }
}

/// Returns the configuration from the builder's settings that are used, with other TLS settings and another proxy.
/// Settings that it leaves open get their defaults.
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

/// The name of a proxy in setup errors.
const PROXY: &str = "the proxy";

const UNSOUND_USER_AGENT: &str = "the user agent holds a character that cannot stand in a header: remove it";
