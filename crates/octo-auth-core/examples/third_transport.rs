//! A third transport: a token over a plain TCP socket, with neither of the adapters.
//!
//! ```sh
//! cargo run --package octo-auth-core --example third_transport
//! ```
//!
//! The example does everything that an adapter does: it reads the clocks, draws entropy, sends bytes and runs jobs to
//! their end. It decides nothing. [`exchange`] is the transport; replace it by your own HTTP client. The example
//! itself starts the emulator as its server. This socket has no TLS, so use it on loopback only.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "the core does no IO; who drives it does"
)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use http::{Request, Response};
use octo_auth_core::{
    ANSWER_LIMIT, Body, Client, Entropy, Job, Now, Policy, Profile, Scopes, Storage, Token, TokenError,
    TokenManager, TokenSpec, TransportError, Verdict, note_framing,
};
use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let profile = Profile::rfc6749(&format!("{}/token", emulator.base("auth.example")))?;
    let client = Client::new(profile, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET)?;
    let mut seed = [0; 64];
    getrandom::fill(&mut seed).map_err(|error| error.to_string())?;

    let entropy = Entropy::from_bytes(seed);
    let mut manager = TokenManager::new(client, Policy::default(), Storage::None, &entropy);
    let key = TokenSpec::client_credentials(&Scopes::parse("read")?);
    let clock = Clock(Instant::now());

    let first = token(&mut manager, &key, &clock)?;
    println!("{}", manager.explain(&key, clock.now()));

    // The second caller gets the same token. No request is sent.
    let second = token(&mut manager, &key, &clock)?;
    assert_eq!(first.generation(), second.generation());

    // An API has refused the token: the next caller gets another one.
    manager.refused(&key, second.generation(), clock.now());
    let third = token(&mut manager, &key, &clock)?;
    assert_eq!(third.generation().number, 2);
    assert_eq!(emulator.log().len(), 2, "two requests for three callers");
    println!("\nThree callers, {} requests.", emulator.log().len());
    Ok(())
}

/// Asks as a caller until there is a token or an error.
fn token(manager: &mut TokenManager, key: &TokenSpec, clock: &Clock) -> Result<Token, TokenError> {
    loop {
        match manager.decide(key, clock.now()).verdict {
            Verdict::Use(token) => return Ok(token),
            Verdict::UseAndRun(token, job) => {
                carry(manager, job, clock);
                return Ok(token);
            }
            Verdict::Run(job) => carry(manager, job, clock),
            Verdict::GiveUp(failure) => return Err(failure),
            Verdict::Wait { .. } => {
                unreachable!("one thread carries each flight to its end before it asks again")
            }
        }
    }
}

/// Runs a job. Each report returns the next job of the flight, if any.
fn carry(manager: &mut TokenManager, job: Job, clock: &Clock) {
    let mut next = Some(job);
    while let Some(job) = next {
        let sent = clock.now();
        let report = match job {
            Job::Send(job) => match exchange(job.request(), job.deadline()) {
                Ok(response) => job.answered(&response, sent, clock.now()),
                Err(fault) => job.failed(fault, sent),
            },
            // The other jobs need a store, and this example has none.
            other => other.abandon(),
        };
        next = manager.report(report, clock.now());
    }
}

/// Sends a request and reads the response. The machine must know whether the server can have seen the request: an
/// error before the first byte is `not_sent`, a later one is not.
fn exchange(request: &Request<Body>, deadline: Duration) -> Result<Response<Vec<u8>>, TransportError> {
    let host = request.uri().authority().map_or("", |authority| authority.as_str());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let connect = || {
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(deadline))?;
        stream.set_write_timeout(Some(deadline))?;
        Ok(stream)
    };
    let mut stream = connect().map_err(|error: std::io::Error| {
        TransportError::not_sent("there is no connection").with_source(error)
    })?;

    let body = request.body().as_ref();
    let length = body.len();
    let line = format!("{} {path} HTTP/1.1\r\nhost: {host}\r\n", request.method());
    let mut send = || {
        stream.write_all(line.as_bytes())?;
        for (name, value) in request.headers() {
            stream.write_all(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat())?;
        }
        stream.write_all(format!("connection: close\r\ncontent-length: {length}\r\n\r\n").as_bytes())?;
        stream.write_all(body)
    };
    send().map_err(|error| TransportError::unknown("the request broke off").with_source(error))?;

    let mut answer = Vec::new();
    // The limit allows a head of 64 KiB and one byte more than the answer limit.
    let limit = u64::try_from(ANSWER_LIMIT).unwrap_or(u64::MAX).saturating_add(65_536);
    let read = stream.take(limit).read_to_end(&mut answer);
    read.map_err(|error| TransportError::broken_off("the response broke off").with_source(error))?;
    response(&answer)
}

/// Parses the bytes up to the end of the connection as a response.
fn response(answer: &[u8]) -> Result<Response<Vec<u8>>, TransportError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(answer) else {
        return Err(TransportError::malformed("the answer is no HTTP response"));
    };
    let body = answer.get(length..).unwrap_or_default().to_vec();
    let mut builder = Response::builder().status(head.code.unwrap_or_default());
    for header in head.headers {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(TransportError::malformed(
                "the answer is in chunks, which this reader does not join",
            ));
        }
        if header.name.eq_ignore_ascii_case("content-length")
            && header.value != body.len().to_string().as_bytes()
        {
            return Err(TransportError::broken_off("the answer is shorter than it says"));
        }
        builder = builder.header(header.name, header.value);
    }
    let whole = builder.body(body);
    let mut response =
        whole.map_err(|error| TransportError::malformed("the answer's head is none").with_source(error))?;
    note_framing(&mut response);
    Ok(response)
}

/// Both clocks. On some machines `Instant` stops during suspension: see `SystemClock` in `octo-auth-system`.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> Now {
        Now { wall: SystemTime::now().into(), boot: self.0.elapsed() }
    }
}

#[test]
fn three_callers_cost_two_requests_over_a_plain_socket() {
    main().unwrap();
}
