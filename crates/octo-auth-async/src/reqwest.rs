//! The transport that uses reqwest.
//!
//! With any builder, it does not follow redirects, repeat requests, keep cookies or decompress bodies. It opens a
//! connection for each request; connections for API calls can be kept. It uses only HTTP/1.1: HTTP/2 brings no
//! benefit for single requests, and adds ways in which a request can be refused halfway.

mod fault;
mod sending;
mod tls;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_core::{Body, Delivery, SendOptions, TransportError, note_framing};
use octo_auth_system::SetupError;
use octo_auth_system::proxies::Proxies;
use reqwest::{Client, ClientBuilder, Url};
use rustls::ClientConfig;

use self::sending::Sending;
use self::tls::Certificates;
use crate::deadline::within;
use crate::transport::Transport;

/// The limit for name lookup, connecting and the TLS handshake together.
const CONNECT: Duration = Duration::from_secs(10);

/// A duration that never ends in practice.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Sends requests with reqwest.
///
/// Each token request opens a new connection. A server may close a kept connection just when it is used again. If
/// that request was a refresh, the client cannot know whether the server processed it. With rotation, the refresh
/// token may then be lost. A new connection costs about 0.6 ms of CPU time and, over TLS, two more round trips, as
/// sessions are resumed. With 100,000 accounts and one refresh per hour each, that is 28 connections and 17 ms of
/// CPU time per second.
#[derive(Clone)]
pub struct ReqwestTransport {
    /// The client for https, or the error if this machine has no trusted certificates.
    secure: Result<Client, rustls::Error>,
    /// The client for plain http, which the core allows only for loopback.
    plain: Client,
    /// The client for API calls, if their connections are kept.
    api: Option<Client>,
    /// The proxies, unless a builder set them.
    proxies: Option<Proxies>,
    /// The certificates, unless a builder set them.
    certificates: Option<Certificates>,
}

impl ReqwestTransport {
    /// Builds a transport that uses rustls, ring and the trusted certificates of the operating system.
    ///
    /// Https uses the proxy that the environment names (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). The module
    /// [`proxies`](crate::proxies) lists the values that are accepted. Plain http goes only to loopback, and never
    /// through a proxy. On a machine without trusted certificates, plain http to loopback still works, and https
    /// requests are reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, or if reqwest rejects its settings.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_proxies(&Proxies::from_env().map_err(|error| SetupError::of(PROXY, error))?)
    }

    /// Builds the transport of [`ReqwestTransport::new`] with these proxies instead of those of the environment.
    ///
    /// With reqwest 0.13, the TLS handshake fails behind an https proxy that is named by its IPv6 address, such as
    /// `https://[2001:db8::1]`. Such a request is reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest rejects its settings.
    pub fn with_proxies(proxies: &Proxies) -> Result<Self, SetupError> {
        Self::with_certificates(proxies, Certificates::default())
    }

    fn with_certificates(proxies: &Proxies, certificates: Certificates) -> Result<Self, SetupError> {
        let secure = match certificates.client_config() {
            Ok(tls) => Ok(build(through(proxies, own(tls))?)?),
            Err(error) if certificates.are_default() => Err(error),
            Err(error) => return Err(SetupError::new(error)),
        };
        let (proxies, certificates) = (Some(proxies.clone()), Some(certificates));
        Ok(Self { secure, plain: plain()?, api: None, proxies, certificates })
    }

    /// Trusts only these certificate authorities, in PEM text with one or more certificates. Use it for servers
    /// with a private authority. To also trust the operating system's authorities, add its bundle to the text.
    ///
    /// ```no_run
    /// # use octo_auth_async::{Client, ReqwestTransport, TokenManager};
    /// # fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let transport = ReqwestTransport::new()?
    ///     .with_root_certificates(std::fs::read("authority.pem")?)?
    ///     .with_client_certificate(std::fs::read("client.pem")?)?;
    /// let manager = TokenManager::builder(client).transport(transport).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the text has no certificate, or one that cannot be used. Also if the transport was made
    /// from a builder, or already has connections for API calls ([`ReqwestTransport::with_api_connections`]).
    pub fn with_root_certificates(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        self.with_changed(|certificates| certificates.trust(pem.as_ref()))
    }

    /// Sets a client certificate for servers that request one (RFC 8705). The PEM text contains the certificate,
    /// the certificates of its issuers if any, and its unencrypted private key.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the text has no certificate or no key, or if the key does not match the certificate.
    /// Otherwise as [`ReqwestTransport::with_root_certificates`].
    pub fn with_client_certificate(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        self.with_changed(|certificates| certificates.show(pem.as_ref()))
    }

    fn with_changed(
        self,
        change: impl FnOnce(&mut Certificates) -> Result<(), SetupError>,
    ) -> Result<Self, SetupError> {
        let (Some(proxies), Some(mut certificates), None) = (self.proxies, self.certificates, self.api)
        else {
            return Err(SetupError::new(NOT_ITS_TLS));
        };
        change(&mut certificates)?;
        Self::with_certificates(&proxies, certificates)
    }

    /// Returns a reqwest builder with the TLS of [`ReqwestTransport::new`], to add a proxy, a local address or
    /// headers to it.
    ///
    /// This TLS is complete: reqwest ignores certificate settings (such as `tls_certs_merge`, `tls_certs_only`,
    /// `identity` or `tls_version_min`) that are added to it. Use [`ReqwestTransport::from_builder`] for those.
    ///
    /// If no proxy is set on the builder, reqwest reads the environment in its own way. Use
    /// [`ReqwestTransport::from_builder_with_proxies`] to read it as [`ReqwestTransport::new`] does.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if this machine has no trusted certificates.
    pub fn builder() -> Result<ClientBuilder, SetupError> {
        let error_of = |error| SetupError::of("the trust in certificates", error);
        Certificates::default().client_config().map(own).map_err(error_of)
    }

    /// Builds a transport from a reqwest builder, for a private certificate authority, a client certificate or a
    /// proxy.
    ///
    /// The builder's TLS and proxy settings apply to https. Plain http goes only to loopback. It uses its own
    /// client and no proxy, so that no credentials reach a proxy in clear text. This module sets redirects,
    /// retries, decompression, connection reuse, the HTTP version and the connect deadline (10 s). Do not set a
    /// cookie store on the builder.
    ///
    /// For certificates alone, [`ReqwestTransport::with_root_certificates`] and
    /// [`ReqwestTransport::with_client_certificate`] are shorter.
    ///
    /// If the program has not installed a crypto provider for rustls, ring is installed for the process
    /// (`rustls::crypto::CryptoProvider::install_default`). Without a provider, reqwest panics.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest rejects the builder's settings.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, SetupError> {
        tls::ensure_cryptography();
        let secure = Ok(build(untimed(builder))?);
        Ok(Self { secure, plain: plain()?, api: None, proxies: None, certificates: None })
    }

    /// Adds a separate client for API calls, made from this builder. It keeps its connections for further calls.
    /// Token requests still open a new connection each.
    ///
    /// The builder sets how many connections are kept and for how long (`pool_max_idle_per_host`,
    /// `pool_idle_timeout`). Proxies and certificates that were given to this transport
    /// ([`ReqwestTransport::with_root_certificates`]) apply here too, unless a builder set the proxies. Everything
    /// else is as for [`ReqwestTransport::from_builder`].
    ///
    /// A server may close a connection just when it is used again. The call then fails, and it is unknown whether
    /// it was processed.
    ///
    /// ```no_run
    /// # use octo_auth_async::{Client, ReqwestTransport, TokenManager};
    /// # fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let transport = ReqwestTransport::new()?.with_api_connections(ReqwestTransport::builder()?)?;
    /// let manager = TokenManager::builder(client).transport(transport).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`ReqwestTransport::from_builder`].
    pub fn with_api_connections(self, builder: ClientBuilder) -> Result<Self, SetupError> {
        let builder = match &self.proxies {
            Some(proxies) => through(proxies, builder)?,
            None => builder,
        };
        let builder = match self.certificates.as_ref().filter(|own| !own.are_default()) {
            Some(own) => builder.tls_backend_preconfigured(own.client_config().map_err(SetupError::new)?),
            None => builder,
        };
        tls::ensure_cryptography();
        Ok(Self { api: Some(quiet(untimed(builder)).build().map_err(SetupError::new)?), ..self })
    }

    /// Builds a transport from a reqwest builder with these proxies, for a private certificate authority behind a
    /// proxy that the environment names ([`Proxies::from_env`]). The builder's own proxies are removed. Everything
    /// else is as for [`ReqwestTransport::from_builder`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest rejects the builder's settings.
    pub fn from_builder_with_proxies(builder: ClientBuilder, proxies: &Proxies) -> Result<Self, SetupError> {
        let transport = Self::from_builder(through(proxies, builder)?)?;
        Ok(Self { proxies: Some(proxies.clone()), ..transport })
    }

    /// Returns the client for a request.
    fn client(&self, request: &Request<Body>) -> Result<&Client, TransportError> {
        let is_plain = request.uri().scheme() == Some(&http::uri::Scheme::HTTP);
        // If a builder set the proxies, it may send plain http to one.
        let may_keep =
            SendOptions::of(request).may_reuse_connection() && (!is_plain || self.proxies.is_some());
        if let Some(api) = self.api.as_ref().filter(|_| may_keep) {
            return Ok(api);
        }
        if is_plain {
            return Ok(&self.plain);
        }
        let without = |error: &rustls::Error| {
            TransportError::misconfigured("this machine has no trusted certificates")
                .with_source(error.clone())
        };
        self.secure.as_ref().map_err(without)
    }
}

const NOT_ITS_TLS: &str = "certificates are added to a transport that was not made from a builder, before its \
     connections for API calls; add them to the builder instead";

/// The name of a proxy in setup errors.
const PROXY: &str = "the proxy";

/// Shows only the proxies: headers that a builder adds to each request may contain secrets.
impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        let client = self.client(request)?;
        let sending = Sending::begin(request, deadline);
        let mut partial = None;
        let limit = SendOptions::of(request).answer_limit();
        let exchanged = async {
            for _ in 1..CONNECTIONS {
                let outgoing = sending.copy(request).try_into()?;
                match exchange(client, outgoing, limit, &mut partial).await {
                    Err(error) if fault::is_unexplained(&error) => {}
                    ended => return ended,
                }
            }
            exchange(client, sending.copy(request).try_into()?, limit, &mut partial).await
        };
        let ended = within(deadline, exchanged).await;
        let fault = match ended {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => fault::of(error),
            Err(elapsed) => TransportError::timed_out("no answer within the deadline").with_source(elapsed),
        };
        if let Some(partial) = partial {
            return Err(fault.with_partial_response(partial.map(Body::new)));
        }
        match sending.is_unsent() && fault.delivery() == Delivery::Unknown {
            true => Err(TransportError::not_sent("the request was not sent").with_source(fault)),
            false => Err(fault),
        }
    }
}

/// The most connections that one request is tried on, if the connection ends before the request was written. hyper
/// then hides the reason. This happens when a server demands a client certificate (RFC 8446 section 4.4.2.4).
/// Another connection usually shows the reason.
const CONNECTIONS: usize = 3;

/// Sends a request and reads the response, with its body up to the limit and one byte more. `partial` contains the
/// response until it is complete.
async fn exchange(
    client: &Client,
    outgoing: reqwest::Request,
    limit: usize,
    partial: &mut Option<Response<Vec<u8>>>,
) -> reqwest::Result<Response<Body>> {
    let mut incoming = client.execute(outgoing).await?;
    let enough = limit.saturating_add(1);
    let announced = incoming.content_length().and_then(|length| usize::try_from(length).ok());
    let response = partial.insert(Response::new(Vec::new()));
    *response.status_mut() = incoming.status();
    *response.headers_mut() = std::mem::take(incoming.headers_mut());
    let bytes = response.body_mut();
    bytes.reserve_exact(announced.unwrap_or(4096).min(enough));
    while bytes.len() < enough {
        let Some(chunk) = incoming.chunk().await? else { break };
        bytes.extend_from_slice(&chunk[..chunk.len().min(enough - bytes.len())]);
    }
    let mut response = std::mem::take(response).map(Body::new);
    note_framing(&mut response);
    Ok(response)
}

/// Returns a builder with the TLS settings of this library.
fn own(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
}

/// Sets these proxies on a builder and removes all others. reqwest asks the closure for each connection.
fn through(proxies: &Proxies, builder: ClientBuilder) -> Result<ClientBuilder, SetupError> {
    let builder = builder.no_proxy();
    let Some(proxy) = proxies.proxy() else { return Ok(builder) };
    let (proxies, address) =
        (proxies.clone(), Url::parse(proxy.url().expose()).map_err(|error| SetupError::of(PROXY, error))?);
    let way = move |url: &Url| {
        let is_direct = url.as_str().parse().is_ok_and(|url| proxies.for_url(&url).is_none());
        (!is_direct).then(|| address.clone())
    };
    Ok(builder.proxy(reqwest::Proxy::custom(way)))
}

/// Builds the client for plain http. It uses no proxy.
fn plain() -> Result<Client, SetupError> {
    build(own(tls::untrusting()?).no_proxy())
}

/// Builds a client for token requests.
fn build(builder: ClientBuilder) -> Result<Client, SetupError> {
    single_use(builder).build().map_err(refused)
}

/// Returns the error of a builder whose settings reqwest rejects. The innermost cause names the setting.
fn refused(error: reqwest::Error) -> SetupError {
    match fault::innermost(&error) {
        Some(cause) => SetupError::of("the HTTP client", cause),
        None => SetupError::of("the HTTP client", error),
    }
}

/// Configures a client to open a connection for each request.
fn single_use(builder: ClientBuilder) -> ClientBuilder {
    quiet(builder).pool_max_idle_per_host(0)
}

/// Turns off all automatic behaviour of a client.
fn quiet(builder: ClientBuilder) -> ClientBuilder {
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .http1_only()
        // Skip an invalid header: it must not hide the status of the response.
        .http1_ignore_invalid_headers_in_responses(true)
        .connect_timeout(CONNECT)
        .connection_verbose(false)
}

/// Removes the timers of a program's builder: they would win over an answer that has arrived. `within` applies
/// ours.
fn untimed(builder: ClientBuilder) -> ClientBuilder {
    builder.timeout(FOR_EVER).read_timeout(FOR_EVER)
}
