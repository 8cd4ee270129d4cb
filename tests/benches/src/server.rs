//! Token endpoints on loopback and in memory, which count their requests.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rcgen::CertifiedKey;
use rustls::crypto::ring::default_provider;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The length of each access token in bytes.
pub(crate) const TOKEN: usize = 256;

/// The body of each answer: a token of one day.
pub(crate) fn body() -> String {
    format!(r#"{{"access_token":"{}","token_type":"Bearer","expires_in":86400}}"#, "a".repeat(TOKEN))
}

/// The address of a token endpoint on loopback.
pub(crate) struct Endpoint {
    address: SocketAddr,
    /// The certificate as PEM text, if it speaks TLS; it is its own authority.
    certificate: Option<String>,
}

impl Endpoint {
    pub(crate) fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/token", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate, which is empty without TLS.
    pub(crate) fn certificate(&self) -> &str {
        self.certificate.as_deref().unwrap_or_default()
    }
}

/// A server on threads of this process that answers each POST with a token, over connections that stay open.
pub(crate) struct Server {
    endpoint: Endpoint,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// Starts a server of plain HTTP that answers after a delay.
    pub(crate) fn plain(delay: Duration) -> Result<Self> {
        Self::start(delay, None, None)
    }

    /// Starts a server of HTTPS with a certificate for 127.0.0.1. It resumes sessions.
    fn tls() -> Result<Self> {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let key = signing_key.serialize_der().try_into().map_err(anyhow::Error::msg)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        Self::start(Duration::ZERO, Some(Arc::new(config)), Some(cert.pem()))
    }

    fn start(delay: Duration, tls: Option<Arc<ServerConfig>>, certificate: Option<String>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, requests) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
        let counter = requests.clone();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (tls, counter) = (tls.clone(), counter.clone());
                // A client that hangs up only ends its own thread.
                thread::spawn(move || serve(socket, tls, delay, &counter));
            }
        });
        Ok(Self { endpoint: Endpoint { address, certificate }, requests })
    }

    pub(crate) fn url(&self) -> String {
        self.endpoint.url()
    }

    /// Returns the count of requests since the last call.
    pub(crate) fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

/// Servers in a separate process, so that the CPU time of this process is the client's.
pub(crate) struct Process {
    child: Child,
    pub(crate) plain: Endpoint,
    pub(crate) tls: Endpoint,
}

/// The argument that makes this program such a process.
pub(crate) const SERVE: &str = "serve";

impl Process {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        let mut line = || {
            let mut line = String::new();
            output.read_line(&mut line).map(|_| line)
        };
        let plain = Endpoint { address: line()?.trim().parse()?, certificate: None };
        let address = line()?.trim().parse()?;
        let mut certificate = line()?;
        while !certificate.contains("-----END") {
            let next = line()?;
            ensure!(!next.is_empty(), "the servers have printed no certificate");
            certificate += &next;
        }
        Ok(Self { child, plain, tls: Endpoint { address, certificate: Some(certificate) } })
    }

    /// Serves until the input ends; prints both addresses and the certificate.
    pub(crate) fn serve() -> Result<()> {
        let (plain, tls) = (Server::plain(Duration::ZERO)?.endpoint, Server::tls()?.endpoint);
        print!("{}\n{}\n{}", plain.address(), tls.address(), tls.certificate());
        io::stdout().flush()?;
        io::copy(&mut io::stdin(), &mut io::sink())?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(
    socket: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    delay: Duration,
    counter: &AtomicU64,
) -> Result<()> {
    socket.set_nodelay(true)?;
    match tls {
        Some(config) => answer(StreamOwned::new(ServerConnection::new(config)?, socket), delay, counter),
        None => answer(socket, delay, counter),
    }
}

/// Answers one request after the other until the client hangs up.
fn answer(mut stream: impl Read + Write, delay: Duration, counter: &AtomicU64) -> Result<()> {
    let body = body();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = head + &body;
    let (mut held, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(length) = request(&held) {
            held.drain(..length);
            counter.fetch_add(1, Ordering::SeqCst);
            if !delay.is_zero() {
                thread::sleep(delay);
            }
            stream.write_all(answer.as_bytes())?;
            stream.flush()?;
        }
        match stream.read(&mut chunk)? {
            0 => return Ok(()),
            count => held.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Returns the length of the whole request at the start of these bytes.
fn request(bytes: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let length = head.parse(bytes).ok().filter(httparse::Status::is_complete)?.unwrap();
    let announced = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let body = announced.map_or("0", |header| std::str::from_utf8(header.value).unwrap_or_default());
    let whole = length + body.parse::<usize>().ok()?;
    (bytes.len() >= whole).then_some(whole)
}

/// A token endpoint in memory, for libraries that accept a custom transport.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    delay: Duration,
    requests: AtomicU64,
}

impl Origin {
    pub(crate) fn new(delay: Duration) -> Arc<Self> {
        Arc::new(Self { delay, requests: AtomicU64::new(0) })
    }

    /// Answers after the delay, in a tokio task.
    pub(crate) async fn answer(&self) -> String {
        self.requests.fetch_add(1, Ordering::SeqCst);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        body()
    }

    /// The same on a thread.
    pub(crate) fn answer_blocking(&self) -> String {
        self.requests.fetch_add(1, Ordering::SeqCst);
        thread::sleep(self.delay);
        body()
    }

    pub(crate) fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::SeqCst)
    }
}
