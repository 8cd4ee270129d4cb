//! A server below HTTP: it reads a request, answers with the given bytes, and closes the connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// A listener on loopback that keeps the text of each request. It ends with the program.
pub(crate) struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request with these bytes.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |_| bytes.clone(), false)
    }

    /// Answers as a proxy that accepts the client, and then as the server behind the proxy.
    pub(crate) fn behind_a_proxy(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let answer = move |request: &str| {
            let connects = request.starts_with("CONNECT ");
            if connects { b"HTTP/1.1 200 Connected\r\n\r\n".to_vec() } else { bytes.clone() }
        };
        Self::start(answer, true)
    }

    fn start(answer: impl Fn(&str) -> Vec<u8> + Send + 'static, goes_on: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                while let Some(request) = read(&mut connection) {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                    // A client that disconnected is the concern of the test.
                    let _ = connection.write_all(&answer(&request));
                    if !goes_on || !request.starts_with("CONNECT ") {
                        break;
                    }
                }
            }
        });
        Self { address, requests }
    }

    /// Returns the URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the requests so far, as received.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads one request, up to the length that its head announces.
fn read(connection: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !is_complete(&bytes) {
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= announced.unwrap_or(0)
}
