//! One exchange over loopback: what it costs beside the same request by the HTTP client alone.
//!
//! The server is a process of its own, so that CPU time, allocations and instructions are the client's. The client alone
//! opens a connection for each request and has the same time limits, as the transports do, and reads the answer into a
//! struct of owned fields; `kept` is the same over one connection that stays open.

use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use octo_auth_async::ReqwestTransport;
use octo_auth_blocking::{Client, Profile, Runner, Scopes, UreqTransport};
use rustix::time::{ClockId, clock_gettime};
use rustls::crypto::ring::default_provider;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How many exchanges a round has.
const EXCHANGES: u32 = 100;

/// How many rounds are measured.
const ROUNDS: usize = 15;

/// The most CPU time ours may take, as a multiple of the client's alone.
const TARGET: f64 = 1.02;

/// The most allocations ours may make more than the client alone.
const MORE_ALLOCATIONS: f64 = 5.0;

const ANSWER: &str = "{\"access_token\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\",\
     \"token_type\":\"Bearer\",\"expires_in\":3600}";

const FORM: [(&str, &str); 1] = [("grant_type", "client_credentials")];

/// The time limits that both transports have.
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);

/// What the client alone reads of the answer.
#[derive(Deserialize)]
#[expect(dead_code, reason = "only read, to be compared")]
struct Tokens {
    access_token: String,
    token_type: String,
    expires_in: u64,
}

/// A way to make an exchange.
type Way<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

/// What one exchange costs.
struct Cost {
    micros: f64,
    allocations: f64,
}

struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let (word, count) = (words.next(), words.next());
    if word.as_deref() == Some("serve") {
        return serve();
    }
    let mut server = Server::start()?;
    let (http, https) = (server.line()?, server.line()?);
    let mut pem = String::new();
    while !pem.contains("-----END") {
        pem += &server.line()?;
    }
    let (http, https) = (http.trim(), https.trim());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows: [(&str, Vec<Way<'_>>); 4] = [
        ("async, http", asynchronous(&runtime, http, &pem)?),
        ("async, https", asynchronous(&runtime, https, &pem)?),
        ("blocking, http", blocking(http, &pem)?),
        ("blocking, https", blocking(https, &pem)?),
    ];
    // For a count of instructions: one way alone, so many times.
    if let Some((word, count)) = word.zip(count) {
        let (row, way) = word.rsplit_once(": ").ok_or("a row and a way, such as `async, http: alone`")?;
        let row = rows.iter().find(|(name, _)| *name == row).ok_or("no such row")?;
        let (_, run) = row.1.iter().find(|(name, _)| *name == way).ok_or("no such way")?;
        return (0..count.parse()?).try_for_each(|_: u32| run());
    }
    let mut met = true;
    for (name, ways) in &rows {
        met &= compare(name, ways)?;
    }
    if !met {
        std::process::exit(1);
    }
    Ok(())
}

fn client(url: &str) -> Result<Client> {
    Ok(Client::new(Profile::rfc6749(url)?, "id", "secret")?)
}

fn asynchronous<'a>(runtime: &'a tokio::runtime::Runtime, url: &'a str, pem: &str) -> Result<Vec<Way<'a>>> {
    let roots = reqwest::Certificate::from_pem(pem.as_bytes())?;
    // reqwest takes its cryptography from the process.
    let _ = default_provider().install_default();
    let alone = |idle| {
        let builder = reqwest::Client::builder().no_proxy().http1_only().pool_max_idle_per_host(idle);
        let builder = builder.connect_timeout(CONNECT).timeout(WHOLE);
        builder.tls_certs_only([roots.clone()]).build()
    };
    let transport = ReqwestTransport::new()?.with_root_certificates(pem)?;
    let runner = octo_auth_async::Runner::with_transport(transport);
    let by_client = move |client: reqwest::Client| {
        move || {
            runtime.block_on(async {
                let request = client.post(url).basic_auth("id", Some("secret")).form(&FORM);
                let tokens: Tokens = request.send().await?.json().await?;
                Ok(drop(black_box(tokens)))
            })
        }
    };
    let client = client(url)?;
    let by_runner = move || {
        runtime.block_on(async {
            let exchange = client.client_credentials(&Scopes::none())?;
            Ok(drop(black_box(runner.run(exchange).await?)))
        })
    };
    Ok(vec![
        ("alone", Box::new(by_client(alone(0)?))),
        ("kept", Box::new(by_client(alone(1)?))),
        ("ours", Box::new(by_runner)),
    ])
}

fn blocking<'a>(url: &'a str, pem: &str) -> Result<Vec<Way<'a>>> {
    let roots = ureq::tls::Certificate::from_pem(pem.as_bytes())?;
    let alone = |idle| {
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::new_with_certs(std::slice::from_ref(&roots)))
            .unversioned_rustls_crypto_provider(Arc::new(default_provider()));
        let config = ureq::Agent::config_builder().proxy(None).tls_config(tls.build());
        let config = config.timeout_connect(Some(CONNECT)).timeout_global(Some(WHOLE));
        config.max_idle_connections_per_host(idle).build().new_agent()
    };
    let transport = UreqTransport::new()?.with_root_certificates(pem)?;
    let runner = Runner::with_transport(transport);
    let by_client = move |agent: ureq::Agent| {
        move || {
            let secret = format!("Basic {}", STANDARD.encode("id:secret"));
            let request = agent.post(url).header(AUTHORIZATION, secret);
            let tokens: Tokens = request.send_form(FORM)?.into_body().read_json()?;
            Ok(drop(black_box(tokens)))
        }
    };
    let client = client(url)?;
    let by_runner = move || {
        let exchange = client.client_credentials(&Scopes::none())?;
        Ok(drop(black_box(runner.run(exchange)?)))
    };
    Ok(vec![
        ("alone", Box::new(by_client(alone(0)))),
        ("kept", Box::new(by_client(alone(1)))),
        ("ours", Box::new(by_runner)),
    ])
}

/// Measures the ways in turns and prints each beside the first; the answer is whether the targets are met.
fn compare(row: &str, ways: &[Way<'_>]) -> Result<bool> {
    let mut rounds: Vec<Vec<Cost>> = ways.iter().map(|_| Vec::new()).collect();
    for _ in 0..=ROUNDS {
        for ((_, way), costs) in ways.iter().zip(&mut rounds) {
            costs.push(measured(way)?);
        }
    }
    println!("{row}:");
    let mut met = true;
    let mut alone: Option<Cost> = None;
    for ((name, _), costs) in ways.iter().zip(&rounds) {
        // The first round has made what is made once.
        let median = |of: fn(&Cost) -> f64| {
            let mut values: Vec<f64> = costs[1..].iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        let cost = Cost { micros: median(|cost| cost.micros), allocations: median(|cost| cost.allocations) };
        let Some(first) = &alone else {
            println!("  {name:<9} {:7.1} us            {:6.0} allocations", cost.micros, cost.allocations);
            alone = Some(cost);
            continue;
        };
        let ratio = cost.micros / first.micros;
        let more = cost.allocations - first.allocations;
        let is_met = ratio <= TARGET && more <= MORE_ALLOCATIONS;
        met &= is_met;
        println!(
            "  {name:<9} {:7.1} us   {ratio:5.2} x {:6.0} allocations, {more:+.0}{}",
            cost.micros,
            cost.allocations,
            if is_met { "" } else { "   MISSED" }
        );
    }
    Ok(met)
}

/// What one of many exchanges costs, CPU time of all threads of the process together.
fn measured(way: &dyn Fn() -> Result<()>) -> Result<Cost> {
    let cpu = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
    };
    let mut result = Ok(());
    let begun = cpu();
    let allocations = allocation_counter::measure(|| result = (0..EXCHANGES).try_for_each(|_| way()));
    result?;
    let exchanges = f64::from(EXCHANGES);
    let allocations = allocations.count_total as f64 / exchanges;
    Ok(Cost { micros: (cpu() - begun) / exchanges, allocations })
}

impl Server {
    fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("its output is a pipe")?;
        Ok(Self { process, output: BufReader::new(output) })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves http and https until the input ends. Prints both URLs and the certificate.
fn serve() -> Result<()> {
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    let key = identity.signing_key.serialize_der().try_into()?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], key)?;
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    let config = Arc::new(config);
    let (plain, secure) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    println!("http://127.0.0.1:{}/token", plain.local_addr()?.port());
    println!("https://127.0.0.1:{}/token", secure.local_addr()?.port());
    print!("{}", identity.cert.pem());
    io::stdout().flush()?;
    thread::spawn(move || listen(&plain, answer));
    thread::spawn(move || {
        listen(&secure, move |socket| {
            let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            answer(StreamOwned::new(connection, socket))
        });
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn listen(listener: &TcpListener, serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) {
    for socket in listener.incoming().flatten() {
        let serve = serve.clone();
        thread::spawn(move || {
            let _ = socket.set_nodelay(true);
            // An error is a client that has closed the connection.
            let _ = serve(socket);
        });
    }
}

/// Returns whether a request was received to its end.
fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

/// Answers the requests of a connection.
fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..length]);
        if is_whole(&received) {
            received.clear();
            let length = ANSWER.len();
            stream.write_all(
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ANSWER}")
                    .as_bytes(),
            )?;
            stream.flush()?;
        }
    }
}
