//! A server below HTTP: it reads a request and does exactly what the test says with the connection.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::log;
use crate::registration::sound;

/// A listener on loopback that keeps the text of each request it has read.
///
/// It stops listening when it is dropped.
pub struct Socket {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    ended: Receiver<()>,
    closing: Arc<AtomicBool>,
}

impl Socket {
    /// Answers each request with these bytes and closes the connection.
    #[must_use]
    pub fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::doing(move |connection| connection.write_all(&bytes))
    }

    /// Answers each request with the status line, headers and body given, with a fitting `Content-Length`.
    #[must_use]
    pub fn responding(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let headers: String = headers.iter().map(|header| [header, "\r\n"].concat()).collect();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        Self::answering([head.as_bytes(), body].concat())
    }

    /// Answers each request with these bytes, then neither sends nor closes until the client hangs up.
    #[must_use]
    pub fn stalling_after(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::doing(move |connection| {
            connection.write_all(&bytes)?;
            connection.read(&mut [0]).map(drop)
        })
    }

    /// Answers each request with a head and then a body without end, until the client hangs up.
    #[must_use]
    pub fn endless(head: &'static str) -> Self {
        Self::doing(move |connection| {
            connection.write_all(head.as_bytes())?;
            loop {
                connection.write_all(&[b' '; 4096])?;
            }
        })
    }

    /// Answers each request with the bytes made for its text, and closes the connection.
    #[must_use]
    pub fn replying(reply: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        Self::serving(move |request, connection| connection.write_all(&reply(request)))
    }

    /// Reads each request and does something with the connection, which closes afterwards.
    #[must_use]
    pub fn doing(act: impl Fn(&mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        Self::serving(move |_, connection| act(connection))
    }

    fn serving(act: impl Fn(&str, &mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        log::keep();
        let listener = sound(TcpListener::bind("127.0.0.1:0"));
        let address = sound(listener.local_addr());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = channel();
        let log = Arc::clone(&requests);
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        thread::spawn(move || {
            for connection in listener.incoming() {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(mut connection) = connection else { continue };
                let request = read_request(&mut connection);
                log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                // An error is the client hanging up, which is its right.
                let _ = act(&request, &mut connection);
                let _ = end.send(());
            }
        });
        Self { address, requests, ended, closing }
    }

    /// The address of a port that nobody listens on.
    #[must_use]
    pub fn nobody() -> SocketAddr {
        sound(TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()))
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The text of each request read so far, as it came over the wire.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it is done with one connection.
    pub fn wait_for_end(&self) {
        sound(self.ended.recv());
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it is to close.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads one request: its head, and as much of a body as the head announces. Whatever is no HTTP ends with the
/// first read that brings a byte no head can hold.
fn read_request(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !is_complete(&bytes) {
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\0') {
        return true;
    }
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let announced = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    body.len() >= announced.unwrap_or(0)
}
