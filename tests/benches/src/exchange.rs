//! One exchange with a server on loopback.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::header::AUTHORIZATION;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, ClientSecret, TokenResponse, TokenUrl};
use octo_auth_async::{Client, Profile, ReqwestTransport, Scopes};
use octo_auth_blocking::UreqTransport;
use serde::Deserialize;
use tokio::runtime::Runtime;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::Options;
use crate::comparison::{Comparison, Group, Kind, Row};
use crate::server::{Endpoint, Process, TOKEN};
use crate::turns::{Way, measure};

/// The members of an answer that a client needs.
#[derive(Deserialize)]
struct Answer<'a> {
    access_token: &'a str,
    expires_in: u64,
}

#[derive(Deserialize)]
struct OwnedAnswer {
    access_token: String,
    expires_in: u64,
}

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// `id` and `secret`, in the form of HTTP Basic.
const BASIC: &str = "Basic aWQ6c2VjcmV0";

/// The time limits of both our transports.
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);

/// A name, its kind, and one exchange.
type Exchange<'a> = (&'static str, Kind, Box<dyn Fn() -> Result<()> + 'a>);

pub(crate) fn compare(options: &Options) -> Result<Comparison> {
    // One thread runs client code, so its CPU time is the client's.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (rounds, pieces) = (options.choose(21, 5), options.choose(500, 50));
    let servers = Process::start()?;
    let (plain, tls) = (&servers.plain, &servers.tls);
    let http = run(rounds, pieces, everyone(&runtime, plain)?);
    let https = run(rounds, pieces / 5, everyone(&runtime, tls)?);
    let kept = run(rounds, pieces, kept(&runtime, plain)?);
    Ok(Comparison {
        name: "exchange".to_owned(),
        title: "What does one token request cost the client?".to_owned(),
        about: "CPU time for one client credentials request to a server on loopback, which is a process of its own. octo-auth \
            opens a connection for each token request, so everyone does here; with https a TLS session is resumed. The \
            floor writes to a socket and reads with httparse and borrowed text. Less is better."
            .to_owned(),
        groups: vec![
            targets(Group::new("http, a new connection", "us of CPU", http).plotted()),
            targets(Group::new("https, a new connection", "us of CPU", https).plotted()),
            Group::new("http, a kept connection, for comparison", "us of CPU", kept),
        ],
        growths: Vec::new(),
        left_out: vec![
            ("oauth2 with ureq 2, https".to_owned(), "measured over http alone".to_owned()),
            ("the others".to_owned(), "their requests are those of one provider; they are compared in `cached`".to_owned()),
        ],
    })
}

/// Sets the targets of each adapter, relative to its own HTTP client.
fn targets(mut group: Group) -> Group {
    for (ours, client) in
        [("octo-auth, async", "reqwest 0.13 alone"), ("octo-auth, blocking", "ureq 3 alone")]
    {
        let found = |name: &str| group.rows.iter().find(|row| row.name == name).cloned();
        let (Some(ours), Some(client)) = (found(ours), found(client)) else { continue };
        let [seen, most] = [&ours, &client].map(|row| row.allocations.unwrap_or(f64::NAN));
        let text = |what: &str| format!("{}: {}, {what} {}", group.title, ours.name, client.name);
        let cpu = (text("at most 1.02 x"), ours.value, 1.02 * client.value);
        let allocations = (text("at most 5 allocations more than"), seen, most + 5.0);
        group.targets.extend([cpu, allocations].map(|(text, seen, limit)| crate::comparison::Target {
            text,
            seen,
            limit,
        }));
    }
    group
}

fn run(rounds: usize, pieces: u32, exchanges: Vec<Exchange<'_>>) -> Vec<Row> {
    let ways = exchanges.into_iter().map(|(name, kind, exchange)| {
        Way::on_cpu(name, kind, pieces, move |pieces| {
            for _ in 0..pieces {
                if let Err(error) = exchange() {
                    panic!("{name}: {error:#}");
                }
            }
        })
    });
    measure(rounds, ways.collect())
}

fn everyone<'a>(runtime: &'a Runtime, server: &'a Endpoint) -> Result<Vec<Exchange<'a>>> {
    let is_tls = !server.certificate().is_empty();
    let mut exchanges: Vec<Exchange<'a>> = vec![
        ours_async(runtime, server)?,
        ours_blocking(server)?,
        ("reqwest 0.13 alone", Kind::Plain, by_reqwest(runtime, server, 0)?),
        ("ureq 3 alone", Kind::Plain, by_ureq(server, 0)?),
        oauth2_reqwest(runtime, server)?,
    ];
    match is_tls {
        true => exchanges.insert(0, ("floor", Kind::Floor, floor_tls(server)?)),
        false => {
            exchanges.insert(
                0,
                (
                    "floor",
                    Kind::Floor,
                    Box::new(|| {
                        let mut stream = TcpStream::connect(server.address())?;
                        stream.set_nodelay(true)?;
                        floor(&mut stream)
                    }),
                ),
            );
            exchanges.push(oauth2_ureq(server)?);
        }
    }
    Ok(exchanges)
}

/// Returns the clients that can keep a connection open, with an open one.
fn kept<'a>(runtime: &'a Runtime, server: &'a Endpoint) -> Result<Vec<Exchange<'a>>> {
    let stream = std::cell::RefCell::new(TcpStream::connect(server.address())?);
    stream.borrow().set_nodelay(true)?;
    Ok(vec![
        ("floor", Kind::Floor, Box::new(move || floor(&mut *stream.borrow_mut()))),
        ("reqwest 0.13 alone", Kind::Plain, by_reqwest(runtime, server, 1)?),
        ("ureq 3 alone", Kind::Plain, by_ureq(server, 1)?),
    ])
}

/// Writes a request and reads the answer.
fn floor(stream: &mut (impl Read + Write)) -> Result<()> {
    let request = "POST /token HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic aWQ6c2VjcmV0\r\n\
        content-type: application/x-www-form-urlencoded\r\ncontent-length: 29\r\n\r\ngrant_type=client_credentials";
    stream.write_all(request.as_bytes())?;
    let (mut buffer, mut filled) = ([0; 2048], 0);
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        ensure!(count > 0, "the server hung up");
        filled += count;
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(start) = head.parse(&buffer[..filled])? else { continue };
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(&buffer[start..filled]) else { continue };
        ensure!(answer.access_token.len() == TOKEN && answer.expires_in > 0, "another answer");
        return Ok(());
    }
}

/// The same over rustls with a server name and a certificate.
fn floor_tls(server: &Endpoint) -> Result<Box<dyn Fn() -> Result<()> + '_>> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.certificate().as_bytes())?)?;
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let (config, name) = (Arc::new(config), ServerName::try_from("127.0.0.1")?);
    Ok(Box::new(move || {
        let stream = TcpStream::connect(server.address())?;
        stream.set_nodelay(true)?;
        let connection = rustls::ClientConnection::new(config.clone(), name.clone())?;
        floor(&mut rustls::StreamOwned::new(connection, stream))
    }))
}

fn by_reqwest<'a>(
    runtime: &'a Runtime,
    server: &'a Endpoint,
    kept: usize,
) -> Result<Box<dyn Fn() -> Result<()> + 'a>> {
    let builder = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(kept).http1_only();
    let mut builder = builder.connect_timeout(CONNECT).timeout(WHOLE);
    if !server.certificate().is_empty() {
        builder = builder.tls_certs_only([reqwest::Certificate::from_pem(server.certificate().as_bytes())?]);
    }
    let (client, url) = (builder.build()?, server.url());
    Ok(Box::new(move || {
        runtime.block_on(async {
            let answer =
                client.post(&url).header(AUTHORIZATION, BASIC).form(&FORM).send().await?.bytes().await?;
            let answer: OwnedAnswer = serde_json::from_slice(&answer)?;
            ensure!(answer.access_token.len() == TOKEN && answer.expires_in > 0, "another answer");
            Ok(())
        })
    }))
}

fn by_ureq(server: &Endpoint, kept: usize) -> Result<Box<dyn Fn() -> Result<()> + '_>> {
    let mut config = ureq::Agent::config_builder()
        .proxy(None)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(WHOLE))
        .max_idle_connections(kept)
        .max_idle_connections_per_host(kept);
    if !server.certificate().is_empty() {
        config = config.tls_config(ureq_tls(server)?);
    }
    let (agent, url) = (config.build().new_agent(), server.url());
    Ok(Box::new(move || {
        let answer =
            agent.post(&url).header(AUTHORIZATION, BASIC).send_form(FORM)?.body_mut().read_to_vec()?;
        let answer: OwnedAnswer = serde_json::from_slice(&answer)?;
        ensure!(answer.access_token.len() == TOKEN && answer.expires_in > 0, "another answer");
        Ok(())
    }))
}

fn ureq_tls(server: &Endpoint) -> Result<TlsConfig> {
    let certificate = Certificate::from_pem(server.certificate().as_bytes())?.to_owned();
    Ok(TlsConfig::builder().root_certs(RootCerts::from([certificate].into_iter())).build())
}

fn ours_async<'a>(runtime: &'a Runtime, server: &'a Endpoint) -> Result<Exchange<'a>> {
    let mut transport = ReqwestTransport::new()?;
    if !server.certificate().is_empty() {
        transport = transport.with_root_certificates(server.certificate())?;
    }
    let runner = octo_auth_async::Runner::with_transport(transport);
    let (client, scopes) = (Client::new(Profile::rfc6749(&server.url())?, "id", "secret")?, Scopes::none());
    let run = move || {
        let exchange = client.client_credentials(&scopes)?;
        let answer = runtime.block_on(runner.run(exchange))?;
        ensure!(answer.value.lifetime().is_some(), "another answer");
        Ok(())
    };
    Ok(("octo-auth, async", Kind::Ours, Box::new(run)))
}

fn ours_blocking(server: &Endpoint) -> Result<Exchange<'_>> {
    let mut transport = UreqTransport::new()?;
    if !server.certificate().is_empty() {
        transport = transport.with_root_certificates(server.certificate())?;
    }
    let runner = octo_auth_blocking::Runner::with_transport(transport);
    let (client, scopes) = (Client::new(Profile::rfc6749(&server.url())?, "id", "secret")?, Scopes::none());
    let run = move || {
        let answer = runner.run(client.client_credentials(&scopes)?)?;
        ensure!(answer.value.lifetime().is_some(), "another answer");
        Ok(())
    };
    Ok(("octo-auth, blocking", Kind::Ours, Box::new(run)))
}

macro_rules! oauth2_client {
    ($server:expr) => {
        BasicClient::new(ClientId::new("id".to_owned()))
            .set_client_secret(ClientSecret::new("secret".to_owned()))
            .set_auth_uri(AuthUrl::new("https://login.example/authorize".to_owned())?)
            .set_token_uri(TokenUrl::new($server.url())?)
    };
}

fn oauth2_reqwest<'a>(runtime: &'a Runtime, server: &'a Endpoint) -> Result<Exchange<'a>> {
    let mut builder = oauth2::reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    if !server.certificate().is_empty() {
        let certificate = oauth2::reqwest::Certificate::from_pem(server.certificate().as_bytes())?;
        builder = builder.tls_built_in_root_certs(false).add_root_certificate(certificate);
    }
    let (http, client) = (builder.build()?, oauth2_client!(server));
    let run = move || {
        let answer = runtime.block_on(client.exchange_client_credentials().request_async(&http));
        let answer = answer.context("oauth2")?;
        ensure!(answer.access_token().secret().len() == TOKEN, "another answer");
        Ok(())
    };
    Ok(("oauth2 5.0 with reqwest 0.12", Kind::Peer, Box::new(run)))
}

fn oauth2_ureq(server: &Endpoint) -> Result<Exchange<'_>> {
    let http = oauth2::ureq::AgentBuilder::new().try_proxy_from_env(false).max_idle_connections(0).build();
    let client = oauth2_client!(server);
    let run = move || {
        let answer = client.exchange_client_credentials().request(&http).context("oauth2")?;
        ensure!(answer.access_token().secret().len() == TOKEN, "another answer");
        Ok(())
    };
    Ok(("oauth2 5.0 with ureq 2", Kind::Peer, Box::new(run)))
}
