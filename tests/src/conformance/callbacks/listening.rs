//! Rows about a listener on loopback. Each uses a listener over real sockets, and exchanges a code over one more.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use octo_auth_core::{AuthorizationCode, Diagnostic};
use octo_auth_login::{CallbackListener, Page, Waiting};
use octo_auth_system::SystemClock;
use serde_json::{Value, json};

use super::super::facts::Facts;
use super::super::input;
use super::super::row::Row;
use super::http::{self, Answered};
use super::{Lack, STATE, Stage, failed, flood};

/// The limit for a slow client. No result depends on it.
const TIMEOUT: Duration = Duration::from_millis(300);

/// A limit for the callback that no test should reach.
const LONGEST: Duration = Duration::from_secs(60);

/// The port in the rows. A listener takes a free one instead, and the requests are adapted.
const PORT: &str = "51000";

/// How often memory is measured, because other threads of the process also allocate.
const MEASURED: usize = 5;

pub(super) fn observe(row: &Row) -> Result<Facts, Lack> {
    if row.input.get("port_in_use") == Some(&Value::Bool(true)) {
        return in_use();
    }
    if let Some(count) = row.input.get("connections").and_then(Value::as_u64) {
        return flooded(row, usize::try_from(count)?);
    }
    let mut facts = Facts::new();
    let scene = Scene::new(row)?;
    match row.text("check") {
        Some(check) => scene.checked(check, &mut facts)?,
        None if row.input.contains_key("hold_open_s") => scene.beside_a_slow_client(row, &mut facts)?,
        None if row.input.contains_key("peer") => scene.other_addresses(&mut facts)?,
        None => scene.visited(row, &mut facts)?,
    }
    Ok(facts)
}

/// A sign-in at a listener.
struct Scene {
    stage: Stage,
    waiting: Waiting,
    address: SocketAddr,
    path: String,
    state: String,
    /// The parameter with which the server identifies itself, if it does.
    issuer: String,
}

impl Scene {
    fn new(row: &Row) -> Result<Self, Lack> {
        let stage = Stage::new(row)?;
        let path = row.text("redirect_path").unwrap_or("/callback").to_owned();
        let host = row.text("bound").unwrap_or("127.0.0.1");
        let listener = CallbackListener::bind(&format!("http://{host}{path}"))?.with_patience(TIMEOUT);
        let address = *listener.addresses().first().ok_or("no address")?;
        let pending = stage.sign_in(row, &listener.redirect_uri())?;
        let waiting = listener.wait_for(pending, "The Server", SystemClock)?;
        let state = row.text("state").unwrap_or(STATE).to_owned();
        let issuer =
            row.text("issuer").map(|issuer| form_urlencoded::byte_serialize(issuer.as_bytes()).collect());
        let issuer = issuer.map(|issuer: String| format!("&iss={issuer}")).unwrap_or_default();
        Ok(Self { stage, waiting, address, path, state, issuer })
    }

    /// Returns the callback of a browser.
    fn callback(&self) -> Vec<u8> {
        let Self { address, path, state, issuer, .. } = self;
        format!("GET {path}?code=c1&state={state}{issuer} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes()
    }

    /// Sends the requests of a row, and the callback if they were ignored.
    fn visited(mut self, row: &Row, facts: &mut Facts) -> Result<(), Lack> {
        let request = self.request(row)?;
        let times = row.input.get("times").and_then(Value::as_u64).unwrap_or(1);
        let at_a_time = if row.input.get("concurrent") == Some(&Value::Bool(true)) { times } else { 1 };
        let (answers, answered) = mpsc::channel();
        for _ in 0..at_a_time {
            let stream = http::send(self.address, &request)?;
            let answers = answers.clone();
            thread::spawn(move || answers.send(http::answer(stream)));
        }
        let (mut first, mut came) = (None, None);
        while first.is_none() && came.is_none() {
            came = match self.waiting.callback(Duration::from_millis(5)) {
                Ok(code) => code.map(Ok),
                Err(error) => Some(Err(error)),
            };
            first = answered.try_recv().ok();
        }
        match came {
            Some(Ok(code)) => self.exchanged(code, times - at_a_time, &request, &answered, facts)?,
            Some(Err(error)) => {
                failed(&error, facts);
                self.stage.count_exchanges(facts);
                let answer = first.map_or_else(|| answered.recv_timeout(LONGEST), Ok)?;
                shown(row, &answer, facts);
            }
            None => {
                let answer = first.ok_or("no answer")?;
                facts.insert("outcome".into(), "ignored".into());
                facts.insert("http_status".into(), json!(answer.status));
                shown(row, &answer, facts);
                self.stage.count_exchanges(facts);
                self.still_waits(facts)?;
            }
        }
        Ok(())
    }

    /// Exchanges the code while further requests arrive, and shows the browser its page.
    fn exchanged(
        self,
        code: AuthorizationCode,
        further: u64,
        request: &[u8],
        answered: &mpsc::Receiver<Answered>,
        facts: &mut Facts,
    ) -> Result<(), Lack> {
        for _ in 0..further {
            let second = http::answer(http::send(self.address, request)?);
            facts.insert("second".into(), second.status.map(|status| status.to_string()).into());
        }
        self.stage.exchange(code, Duration::ZERO, facts);
        self.waiting.finish(Page::SignedIn);
        facts.insert("http_status".into(), json!(answered.recv_timeout(LONGEST)?.status));
        self.stage.count_exchanges(facts);
        Ok(())
    }

    /// Sends the callback after ignored requests: it must yield the code.
    fn still_waits(mut self, facts: &mut Facts) -> Result<(), Lack> {
        let browser = http::send(self.address, &self.callback())?;
        let browser = thread::spawn(move || http::answer(browser));
        let code = self.waiting.callback(LONGEST);
        facts.insert("keeps_waiting".into(), matches!(code, Ok(Some(_))).into());
        self.waiting.finish(Page::SignedIn);
        let answer = browser.join().map_err(|_| "the client panicked")?;
        facts.insert("other_clients_served".into(), (answer.status == Some(200)).into());
        Ok(())
    }

    fn beside_a_slow_client(self, row: &Row, facts: &mut Facts) -> Result<(), Lack> {
        let slow = http::send(self.address, &self.request(row)?)?;
        let slow = thread::spawn(move || http::answer(slow));
        self.still_waits(facts)?;
        // It got an answer or was closed long before it had held the connection open for the intended duration.
        let ended = slow.join().map_err(|_| "the client panicked")?;
        facts.insert(
            "outcome".into(),
            if matches!(ended.status, None | Some(408)) { "timeout" } else { "ignored" }.into(),
        );
        Ok(())
    }

    /// Tries every other address of this machine.
    fn other_addresses(self, facts: &mut Facts) -> Result<(), Lack> {
        // Nothing is sent: connecting a datagram socket only selects the local address.
        let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
            socket.connect("192.0.2.1:9")?;
            socket.local_addr()
        });
        let mut others = vec![SocketAddr::from(([127, 0, 0, 2], self.address.port()))];
        others.extend(own.ok().map(|own| SocketAddr::new(own.ip(), self.address.port())));
        let is_reached =
            others.iter().any(|other| TcpStream::connect_timeout(other, Duration::from_secs(5)).is_ok());
        facts.insert("outcome".into(), if is_reached { "reached" } else { "ignored" }.into());
        facts.insert("http_status".into(), Value::Null);
        self.stage.count_exchanges(facts);
        self.still_waits(facts)
    }

    /// Checks the page of success, and afterwards the port.
    fn checked(mut self, check: &str, facts: &mut Facts) -> Result<(), Lack> {
        let browser = http::send(self.address, &self.callback())?;
        let browser = thread::spawn(move || http::answer(browser));
        let code = self.waiting.callback(LONGEST)?.ok_or("no code")?;
        self.stage.exchange(code, Duration::ZERO, facts);
        let ended = Instant::now();
        self.waiting.finish(Page::SignedIn);
        let is_closed = TcpStream::connect_timeout(&self.address, Duration::from_secs(5)).is_err();
        let took = Instant::now().saturating_duration_since(ended);
        let answer = browser.join().map_err(|_| "the client panicked")?;
        facts.insert("contains_code".into(), answer.body.contains("c1").into());
        facts.insert("contains_state".into(), answer.body.contains(&self.state).into());
        facts.insert("headers".into(), answer.headers.into());
        facts.insert("ms".into(), u64::try_from(took.as_millis())?.into());
        let outcome = match check {
            "page" => "page",
            _ if is_closed => "closed",
            _ => "open",
        };
        facts.insert("outcome".into(), outcome.into());
        Ok(())
    }

    /// Returns the bytes of a row's request.
    fn request(&self, row: &Row) -> Result<Vec<u8>, Lack> {
        let port = self.address.port().to_string();
        if let Some(raw) = input::bytes(row, "raw")? {
            return Ok(String::from_utf8(raw).map_or_else(std::string::FromUtf8Error::into_bytes, |text| {
                text.replace(PORT, &port).into_bytes()
            }));
        }
        let target = String::from_utf8(input::bytes(row, "target")?.ok_or("the row has no target")?)?;
        let method = row.text("method").unwrap_or("GET");
        let mut request = format!("{method} {target} HTTP/1.1\r\n");
        match row.input.get("headers").and_then(Value::as_array) {
            None => request.push_str(&format!("Host: 127.0.0.1:{PORT}\r\n")),
            Some(fields) => {
                for field in fields {
                    let part = |place: usize| field.get(place).and_then(Value::as_str).unwrap_or_default();
                    request.push_str(&format!("{}: {}\r\n", part(0), part(1)));
                }
            }
        }
        Ok(format!("{request}\r\n").replace(PORT, &port).into_bytes())
    }
}

/// Checks whether a page shows any part of the request.
fn shown(row: &Row, answer: &Answered, facts: &mut Facts) {
    let target = row.text("target").unwrap_or_default();
    let query = target.split_once('?').unwrap_or_default().1;
    let shows = form_urlencoded::parse(query.as_bytes()).any(|(_, value)| {
        let markup = value.contains(['<', '>', '&', '"']) || value.len() > 3;
        markup && answer.body.contains(&*value)
    });
    facts.insert("page_contains_input".into(), shows.into());
}

/// Tests a port that another program uses.
fn in_use() -> Result<Facts, Lack> {
    let other = TcpListener::bind("127.0.0.1:0")?;
    let uri = format!("http://{}/callback", other.local_addr()?);
    let mut facts = Facts::new();
    facts.insert("exchange_requests".into(), 0.into());
    match CallbackListener::bind(&uri) {
        Ok(listener) => {
            facts.insert("outcome".into(), format!("listens at {}", listener.redirect_uri()).into())
        }
        Err(error) => {
            facts.insert("kind".into(), error.code().into());
            facts.insert("outcome".into(), "failed".into())
        }
    };
    Ok(facts)
}

/// Tests idle connections, and a callback among them.
fn flooded(row: &Row, count: usize) -> Result<Facts, Lack> {
    let mut facts = Facts::new();
    let mut least = f64::INFINITY;
    for _ in 0..MEASURED {
        let scene = Scene::new(row)?;
        let before = flood::memory()?;
        let idle = flood::idle(scene.address, count)?;
        scene.still_waits(&mut facts)?;
        least = least.min(flood::memory()? - before);
        drop(idle);
        if facts.get("keeps_waiting") != Some(&Value::Bool(true)) || row.input.get("idle").is_none() {
            break;
        }
    }
    let outcome =
        if facts.get("keeps_waiting") == Some(&Value::Bool(true)) { "keeps_waiting" } else { "lost" };
    facts.insert("outcome".into(), outcome.into());
    facts.insert("memory_mb".into(), json!(least));
    Ok(facts)
}
