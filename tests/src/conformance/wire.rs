//! Rows over real sockets, with both adapters.
//!
//! A listener sends exactly the bytes of the row, once for each connection, and counts the requests; a second one is
//! the target of redirects. The clock shows the row's time, so that dates mean the same on every day.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use octo_auth_async::Transport as AsyncTransport;
use octo_auth_blocking::Transport as BlockingTransport;
use octo_auth_core::{Body, Now, Timestamp, TransportError};
use octo_auth_system::Clock;
use serde_json::Value;

use super::facts::{self, Facts};
use super::input::{self, Asked};
use super::row::Row;
use crate::adapter::Adapter;
use crate::socket::Socket;

/// The limit for an exchange of a row: enough for a mebibyte on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// Both adapters on the row's clock, each counting the bytes it reads from a body.
pub(super) struct Sockets {
    adapters: Vec<Adapter>,
    read: Arc<AtomicUsize>,
    now: Arc<Mutex<Now>>,
}

impl Sockets {
    pub(super) fn new() -> Result<Self, String> {
        let read = Arc::new(AtomicUsize::new(0));
        let start = Now { wall: Timestamp::from_unix_seconds(0), boot: Duration::ZERO };
        let now = Arc::new(Mutex::new(start));
        let reqwest = octo_auth_async::ReqwestTransport::new().map_err(|error| error.to_string())?;
        let ureq = octo_auth_blocking::UreqTransport::new().map_err(|error| error.to_string())?;
        let asynchronous =
            octo_auth_async::Runner::with_transport(Counted { inner: reqwest, read: read.clone() });
        let blocking =
            octo_auth_blocking::Runner::with_transport(Counted { inner: ureq, read: read.clone() });
        let adapters = Adapter::with_runners(
            asynchronous.with_clock(Still(now.clone())).with_deadline(DEADLINE),
            blocking.with_clock(Still(now.clone())).with_deadline(DEADLINE),
        );
        Ok(Self { adapters, read, now })
    }

    /// Returns the facts of a row for each adapter; empty if the row is not about the wire.
    pub(super) fn observe(&self, row: &Row) -> Vec<(&'static str, Result<Facts, String>)> {
        let raw = row.input.keys().any(|key| key.starts_with("raw"));
        let counted =
            ["max_read", "requests_to_location", "cookies_stored", "token_requests", "token_requests_max"];
        let on_the_wire = row.group == "headers-and-status"
            || raw
            || counted.iter().any(|key| row.expect.contains_key(*key));
        if !on_the_wire || row.text("from").is_some() {
            return Vec::new();
        }
        self.adapters.iter().map(|adapter| (adapter.name(), self.ask(row, adapter))).collect()
    }

    fn ask(&self, row: &Row, adapter: &Adapter) -> Result<Facts, String> {
        let elsewhere = Socket::responding("200 OK", &[], b"");
        let server = Socket::answering(answer(row, Some(&elsewhere))?);
        self.read.store(0, Ordering::SeqCst);
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = input::now(row)?;
        let mut facts = run(row, adapter, &server)?;
        // The second request shows whether the first stored a cookie.
        if row.expect.contains_key("cookies_stored") {
            run(row, adapter, &server)?;
        }
        let asked = server.requests();
        let expected = if row.expect.contains_key("cookies_stored") { 2 } else { 1 };
        if asked.len() != expected {
            return Err(format!("{} requests reached the server instead of {expected}", asked.len()));
        }
        let cookies =
            asked.iter().filter(|request| request.to_ascii_lowercase().contains("\r\ncookie:")).count();
        facts.insert("cookies_stored".into(), cookies.into());
        facts.insert("token_requests".into(), (asked.len() / expected).into());
        facts.insert("requests_to_location".into(), elsewhere.requests().len().into());
        facts.insert("read".into(), self.read.load(Ordering::SeqCst).into());
        Ok(facts)
    }
}

fn run(row: &Row, adapter: &Adapter, server: &Socket) -> Result<Facts, String> {
    Ok(match input::asked(row, Some(&url(server)))? {
        Asked::Token(exchange) => facts::token(row, &adapter.run(exchange)),
        Asked::Admin(exchange) => facts::admin(row, &adapter.run(exchange)),
        Asked::Client(exchange) => facts::client(row, &adapter.run(exchange)),
    })
}

/// Returns the bytes of the server's answer: the row's own, or a response with its status, headers and body.
pub(super) fn answer(row: &Row, elsewhere: Option<&Socket>) -> Result<Vec<u8>, String> {
    if let Some(raw) = input::bytes(row, "raw")? {
        return Ok(raw);
    }
    let status =
        row.input.get("status").and_then(Value::as_u64).ok_or("the row has neither status nor bytes")?;
    let body = input::body(row)?;
    let mut head = format!("HTTP/1.1 {status} -\r\n");
    let mut framed = false;
    for (name, value) in input::headers(row)? {
        framed |= input::is_framing(&name);
        let elsewhere = elsewhere.filter(|_| name == "location");
        let value = elsewhere.map_or(value.clone(), |elsewhere| moved(&value, elsewhere));
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    // A status without a body has no length. Neither has an endless body, which ends when the client closes.
    let endless = row.input.get("body_gen").is_some_and(|generator| generator.get("endless").is_some());
    if !framed && !endless && status != 204 && status != 304 && status >= 200 {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    Ok([head.into_bytes(), body].concat())
}

/// Returns a redirect target on the server that counts its requests, with the same path. A relative target stays.
fn moved(location: &str, elsewhere: &Socket) -> String {
    match location.split_once("://") {
        Some((_, rest)) => {
            format!("{}/{}", url(elsewhere), rest.split_once('/').map_or("", |(_, path)| path))
        }
        None => location.to_owned(),
    }
}

fn url(server: &Socket) -> String {
    format!("http://{}", server.address())
}

/// The row's time, until the next row.
struct Still(Arc<Mutex<Now>>);

impl Clock for Still {
    fn now(&self) -> Now {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport that counts the bytes read from bodies.
struct Counted<T> {
    inner: T,
    read: Arc<AtomicUsize>,
}

impl<T> Counted<T> {
    fn count(&self, sent: Result<Response<Body>, TransportError>) -> Result<Response<Body>, TransportError> {
        if let Ok(response) = &sent {
            self.read.fetch_add(response.body().as_ref().len(), Ordering::SeqCst);
        }
        sent
    }
}

#[async_trait]
impl<T: AsyncTransport> AsyncTransport for Counted<T> {
    async fn send(
        &self,
        request: &Request<Body>,
        deadline: Duration,
    ) -> Result<Response<Body>, TransportError> {
        self.count(self.inner.send(request, deadline).await)
    }
}

impl<T: BlockingTransport> BlockingTransport for Counted<T> {
    fn send(&self, request: &Request<Body>, deadline: Duration) -> Result<Response<Body>, TransportError> {
        self.count(self.inner.send(request, deadline))
    }
}
