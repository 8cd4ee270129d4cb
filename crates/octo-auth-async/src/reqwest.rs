//! The transport over reqwest.
//!
//! Whatever builder it is made from, it follows no redirect, repeats nothing, keeps no cookie, decompresses
//! nothing, and opens a connection for each request, but for API calls if it is told to keep theirs. It speaks HTTP/1.1
//! alone: HTTP/2 gains nothing for one request and brings its own ways of refusing a request half-way.

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

/// The time within which a connection must be made, the name looked up and TLS agreed.
const CONNECT: Duration = Duration::from_secs(10);

/// A time that never ends.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Carries requests with reqwest.
///
/// Each token request opens a connection. A server may close a kept connection just as it is used again. If that request
/// was a refresh, it is unknown whether it took effect, and with rotation the refresh token may be lost. A new connection
/// costs about 0.6 ms of CPU time and, over TLS, two round trips more: sessions are resumed. For 100,000 accounts with a
/// refresh an hour each, that is 28 connections and 17 ms a second.
#[derive(Clone)]
pub struct ReqwestTransport {
    /// For https; the error if this machine has no certificates to trust.
    secure: Result<Client, rustls::Error>,
    /// For plain http, which the core allows to loopback alone.
    plain: Client,
    /// For API calls, if their connections are kept.
    api: Option<Client>,
    /// The proxies, unless they are those of a builder.
    proxies: Option<Proxies>,
    /// The certificates, unless they are those of a builder.
    certificates: Option<Certificates>,
}

impl ReqwestTransport {
    /// A transport with rustls, ring and the certificates the operating system trusts.
    ///
    /// Https goes through the proxy named by the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`); the module
    /// [`proxies`](crate::proxies) lists what may stand there. Plain http, which goes to loopback only, goes
    /// past every proxy. A machine without any trusted certificate can still talk to loopback; its https requests are
    /// reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if the environment names a proxy that cannot be used, or if reqwest refuses its settings.
    pub fn new() -> Result<Self, SetupError> {
        Self::with_proxies(&Proxies::from_env().map_err(|error| SetupError::of(PROXY, error))?)
    }

    /// The transport of [`ReqwestTransport::new`] with these proxies instead of the environment's.
    ///
    /// reqwest 0.13 agrees on no TLS with a server behind a proxy that is named by its IPv6 address, such as
    /// `https://[2001:db8::1]`: such a request is reported as not sent.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest refuses its settings.
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

    /// The same, trusting these certificate authorities and no others: PEM text with one certificate or several. It is for
    /// servers with a private authority; to trust the operating system's too, add its bundle to the text.
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
    /// A [`SetupError`] for a text without a certificate or with one that cannot be used, and for a transport that was made
    /// from a builder or has connections for API calls already ([`ReqwestTransport::with_api_connections`]).
    pub fn with_root_certificates(self, pem: impl AsRef<[u8]>) -> Result<Self, SetupError> {
        self.with_changed(|certificates| certificates.trust(pem.as_ref()))
    }

    /// The same, with a client certificate for servers that ask for one (RFC 8705): PEM text with the certificate, those of
    /// its issuers if any, and its private key, unencrypted.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] for a text without certificate or key, a key of another certificate, and as
    /// [`ReqwestTransport::with_root_certificates`].
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

    /// A reqwest builder with the TLS of [`ReqwestTransport::new`], to add a proxy, a local address or headers to.
    ///
    /// This TLS is complete: reqwest ignores certificate settings (`tls_certs_merge`, `tls_certs_only`,
    /// `identity`, `tls_version_min` and the like) made on top of it. For those see
    /// [`ReqwestTransport::from_builder`].
    ///
    /// Without a proxy set on it, reqwest reads the environment in its own way. For the reading of
    /// [`ReqwestTransport::new`] see [`ReqwestTransport::from_builder_with_proxies`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if this machine has no certificates to trust.
    pub fn builder() -> Result<ClientBuilder, SetupError> {
        let error_of = |error| SetupError::of("the trust in certificates", error);
        Certificates::default().client_config().map(own).map_err(error_of)
    }

    /// A transport from a reqwest builder: for an own certificate authority, a client certificate, a proxy.
    ///
    /// The builder's settings of TLS and proxies hold for https. Plain http, which goes to loopback only, goes past every proxy
    /// and has a client of its own, so that no credentials reach a proxy in clear text. Redirects, retries, decompression, connection
    /// reuse, HTTP version and connect deadline (10 s) are set as this module demands. Give it no cookie store.
    ///
    /// For certificates alone, [`ReqwestTransport::with_root_certificates`] and
    /// [`ReqwestTransport::with_client_certificate`] are shorter.
    ///
    /// If the program has installed no cryptography for rustls, ring is installed for the process
    /// (`rustls::crypto::CryptoProvider::install_default`): without any, reqwest panics.
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest refuses the builder's settings.
    pub fn from_builder(builder: ClientBuilder) -> Result<Self, SetupError> {
        tls::ensure_cryptography();
        let secure = Ok(build(untimed(builder))?);
        Ok(Self { secure, plain: plain()?, api: None, proxies: None, certificates: None })
    }

    /// The same, with a client of its own for API calls, made from this builder, which keeps its connections for the next
    /// calls. Each token request opens a connection still.
    ///
    /// How many connections are kept, and for how long, is the builder's (`pool_max_idle_per_host`, `pool_idle_timeout`);
    /// all else is as for [`ReqwestTransport::from_builder`], but for the proxies and for certificates given to this transport
    /// ([`ReqwestTransport::with_root_certificates`]): they hold here too, unless the proxies come from a builder. A server may close a connection just as it is used again:
    /// the call then fails, and it is unknown whether it was processed.
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

    /// A transport from a reqwest builder with these proxies: for an own certificate authority behind a proxy that the
    /// environment names ([`Proxies::from_env`]). Proxies that the builder has are removed; all else is as for
    /// [`ReqwestTransport::from_builder`].
    ///
    /// # Errors
    ///
    /// A [`SetupError`] if reqwest refuses the builder's settings.
    pub fn from_builder_with_proxies(builder: ClientBuilder, proxies: &Proxies) -> Result<Self, SetupError> {
        let transport = Self::from_builder(through(proxies, builder)?)?;
        Ok(Self { proxies: Some(proxies.clone()), ..transport })
    }

    /// The client for a request.
    fn client(&self, request: &Request<Body>) -> Result<&Client, TransportError> {
        let is_plain = request.uri().scheme() == Some(&http::uri::Scheme::HTTP);
        // Where a builder has the proxies, it may send plain http to one.
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

/// What is set up of a proxy.
const PROXY: &str = "the proxy";

/// Shows the proxies alone: headers that a builder sends with each request may be secrets.
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

/// How many connections a request is tried on whose connection ends before it was written. hyper hides then why it ended, as a
/// server that demands a client certificate ends it (RFC 8446 section 4.4.2.4): another connection as a rule tells.
const CONNECTIONS: usize = 3;

/// Sends a request and reads the response, its body up to the limit and one byte more. What has come of it is `partial`, until
/// it is whole.
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

/// A builder with TLS of our own.
fn own(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls)
}

/// The builder with these proxies and no other. For each connection reqwest asks them by which way it goes.
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

/// Builds the client for plain http: no proxy sees what it sends.
fn plain() -> Result<Client, SetupError> {
    build(own(tls::untrusting()?).no_proxy())
}

/// Builds a client for token requests.
fn build(builder: ClientBuilder) -> Result<Client, SetupError> {
    single_use(builder).build().map_err(refused)
}

/// The error of a builder whose settings reqwest refuses: its innermost cause names the setting.
fn refused(error: reqwest::Error) -> SetupError {
    match fault::innermost(&error) {
        Some(cause) => SetupError::of("the HTTP client", cause),
        None => SetupError::of("the HTTP client", error),
    }
}

/// A client that opens a connection for each request.
fn single_use(builder: ClientBuilder) -> ClientBuilder {
    quiet(builder).pool_max_idle_per_host(0)
}

/// A client that does nothing of its own accord.
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
        // A header that is none is left out rather than hiding the status beside it.
        .http1_ignore_invalid_headers_in_responses(true)
        .connect_timeout(CONNECT)
        .connection_verbose(false)
}

/// A builder of the program's, without its timers: they would win over an answer that is there; `within` is ours.
fn untimed(builder: ClientBuilder) -> ClientBuilder {
    builder.timeout(FOR_EVER).read_timeout(FOR_EVER)
}
