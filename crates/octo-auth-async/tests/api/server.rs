//! A server on loopback that answers as the test says: a token endpoint at `/token`, an API at all other paths.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// A running server. It is cheap to clone, and ends with the program.
#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    calls: Mutex<Vec<Call>>,
    tokens: Mutex<usize>,
    refuses_tokens: AtomicBool,
    answer: Box<dyn Fn(&Call) -> Answer + Send + Sync>,
}

/// A call of the API.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<String>,
    /// The value of `Property`.
    pub(crate) property: Option<String>,
    pub(crate) body: String,
}

/// The answer to a call.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
    /// The number of bytes that are announced beyond those that are sent, before the connection ends.
    pub(crate) missing: usize,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Shared {
            calls: Mutex::default(),
            tokens: Mutex::default(),
            refuses_tokens: AtomicBool::default(),
            answer: Box::new(answer),
        };
        let server = Self { address, shared: Arc::new(shared) };
        let serving = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = serving.clone();
                thread::spawn(move || server.serve(&stream));
            }
        });
        server
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the API calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.shared.calls).clone()
    }

    /// Returns the number of token requests so far.
    pub(crate) fn tokens(&self) -> usize {
        *lock(&self.shared.tokens)
    }

    /// Refuses the client at the token endpoint from now on.
    pub(crate) fn refuse_tokens(&self) {
        self.shared.refuses_tokens.store(true, Ordering::SeqCst);
    }

    fn serve(&self, mut stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let Some(call) = read(&mut reader) else { return };
        let answered = if call.path == "/token" && self.shared.refuses_tokens.load(Ordering::SeqCst) {
            answer(401, r#"{"error":"invalid_client"}"#)
        } else if call.path == "/token" {
            let mut tokens = lock(&self.shared.tokens);
            *tokens += 1;
            let body = format!(r#"{{"access_token":"at-{tokens}","token_type":"Bearer","expires_in":3600}}"#);
            answer(200, &body)
        } else {
            lock(&self.shared.calls).push(call.clone());
            (self.shared.answer)(&call)
        };
        let location = answered.location.map(|url| format!("location: {url}\r\n")).unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {} Some\r\nconnection: close\r\ncontent-type: application/json\r\n{location}content-length: {}\r\n\r\n",
            answered.status,
            answered.body.len() + answered.missing,
        );
        // A client that disconnected is the concern of the test.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(answered.body.as_bytes());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics under this lock")
}

/// The path of each request, and the number of its connection, in order.
pub(crate) type Requests = Arc<Mutex<Vec<(String, usize)>>>;

/// Bytes after an answer that belong to no request.
const EVIL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

/// Starts a server that keeps connections open, except after `/closed`. At `/last` it refuses its first token.
pub(crate) fn keeping() -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let requests = Requests::default();
    let seen = requests.clone();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let seen = seen.clone();
            thread::spawn(move || {
                let mut reader = BufReader::new(&stream);
                while let Some(call) = read(&mut reader) {
                    let tokens = {
                        let mut seen = seen.lock().expect("nothing panics under this lock");
                        seen.push((call.path.clone(), number));
                        seen.iter().filter(|(path, _)| path == "/token").count()
                    };
                    let token = format!(
                        r#"{{"access_token":"at-{tokens}","token_type":"Bearer","expires_in":3600}}"#
                    );
                    let (status, body) = match (&*call.path, call.authorization.as_deref()) {
                        ("/token", _) => (200, token),
                        ("/last", Some("Bearer at-1")) => (401, String::new()),
                        // A body with this many bytes, followed by bytes that look like the answer to another
                        // request.
                        (path, _) if path.starts_with("/behind/") => {
                            (200, "x".repeat(path["/behind/".len()..].parse().expect("a number")))
                        }
                        _ => (200, "{}".to_owned()),
                    };
                    let behind = if call.path.starts_with("/behind/") { EVIL } else { "" };
                    let length = body.len();
                    let head = "content-type: application/json\r\ncontent-length";
                    let end = if call.path == "/closed" { "connection: close\r\n" } else { "" };
                    // A client that disconnected is the concern of the test.
                    let answer =
                        format!("HTTP/1.1 {status} Some\r\n{end}{head}: {length}\r\n\r\n{body}{behind}");
                    let _ = (&stream).write_all(answer.as_bytes());
                    if !end.is_empty() {
                        return;
                    }
                }
            });
        }
    });
    (url, requests)
}

/// Reads a request. Returns `None` if the connection has ended.
fn read(reader: &mut impl BufRead) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut authorization, mut property, mut length) = (None, None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => authorization = Some(value.to_owned()),
            "property" => property = Some(value.to_owned()),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Call { path, authorization, property, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Returns an answer with a body.
pub(crate) fn answer(status: u16, body: &str) -> Answer {
    Answer { status, location: None, body: body.to_owned(), missing: 0 }
}
