//! A server below HTTP: it reads a request and treats the connection exactly as a test says. Also a proxy.

mod proxy;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub use proxy::{ProxyRequest, ProxySocket};

/// A listener on loopback that keeps each request it has read.
///
/// It stops listening when it is dropped. The constructors panic if the machine has no loopback interface to listen
/// on.
#[derive(Debug)]
pub struct Socket {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Vec<u8>>>>,
    ended: Receiver<()>,
    closing: Arc<AtomicBool>,
}

impl Socket {
    /// Returns a server that answers each request with these bytes and closes the connection.
    #[must_use]
    pub fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::doing(move |connection| connection.write_all(&bytes))
    }

    /// Returns a server that answers each request with this status line, these headers and this body. It adds a
    /// matching `Content-Length`.
    #[must_use]
    pub fn responding(status: &str, headers: &[&str], body: &[u8]) -> Self {
        let headers: String = headers.iter().map(|header| [header, "\r\n"].concat()).collect();
        let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
        Self::answering([head.as_bytes(), body].concat())
    }

    /// Returns a server that answers each request with these bytes. It then neither sends nor closes until the client
    /// closes the connection.
    #[must_use]
    pub fn stalling_after(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::doing(move |connection| {
            connection.write_all(&bytes)?;
            connection.read(&mut [0]).map(drop)
        })
    }

    /// Returns a server that answers each request with a head and an endless body, until the client closes the
    /// connection.
    #[must_use]
    pub fn endless(head: &'static str) -> Self {
        Self::doing(move |connection| {
            connection.write_all(head.as_bytes())?;
            loop {
                connection.write_all(&[b' '; 4096])?;
            }
        })
    }

    /// Returns a server that computes its answer from the text of each request, and then closes the connection.
    #[must_use]
    pub fn replying(reply: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        Self::serving(read_request, move |request, connection| {
            connection.write_all(&reply(&String::from_utf8_lossy(request)))
        })
    }

    /// Returns a server that reads the beginning of each request and resets the connection.
    #[must_use]
    pub fn resetting() -> Self {
        // Closing a connection with unread data resets it.
        let read = |connection: &mut TcpStream| {
            let mut beginning = vec![0; 16];
            let length = connection.read(&mut beginning).unwrap_or(0);
            beginning.truncate(length);
            beginning
        };
        Self::serving(read, |_, _| Ok(()))
    }

    /// Returns a server that reads each request and calls `act` with the connection, which closes afterwards.
    #[must_use]
    pub fn doing(act: impl Fn(&mut TcpStream) -> io::Result<()> + Send + 'static) -> Self {
        Self::serving(read_request, move |_, connection| act(connection))
    }

    fn serving(
        read: impl Fn(&mut TcpStream) -> Vec<u8> + Send + 'static,
        act: impl Fn(&[u8], &mut TcpStream) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let (listener, address) = listen();
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
                let request = read(&mut connection);
                log.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                // An error means that the client closed the connection, which it may do.
                let _ = act(&request, &mut connection);
                let _ = end.send(());
            }
        });
        Self { address, requests, ended, closing }
    }

    /// Returns the address of a port without a listener.
    #[must_use]
    pub fn refusing() -> SocketAddr {
        listen().1
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the text of each request read so far, as it was sent. Bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.request_bytes().iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }

    /// Returns the bytes of each request read so far.
    #[must_use]
    pub fn request_bytes(&self) -> Vec<Vec<u8>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the server has finished with one connection.
    pub fn wait_for_end(&self) {
        // An error would mean that the listener has ended, but it lives as long as `self`.
        let _ = self.ended.recv();
    }

    /// Waits until the server has finished with one connection, at most for this duration. Returns whether it has
    /// finished.
    #[must_use]
    pub fn ends_within(&self, time: Duration) -> bool {
        self.ended.recv_timeout(time).is_ok()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the request to stop.
        let _ = TcpStream::connect(self.address);
    }
}

/// Listens on a free port of loopback.
fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0");
    let bound = listener.and_then(|listener| listener.local_addr().map(|address| (listener, address)));
    bound.unwrap_or_else(|error| panic!("this machine has no loopback to listen on: {error}"))
}

/// Reads one request: its head, and as much of a body as the head announces. Input that is not HTTP ends with the
/// first read that brings a byte which no head can contain.
fn read_request(connection: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while !is_complete(&bytes) {
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
        }
    }
    bytes
}

fn is_complete(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return bytes.contains(&0);
    };
    let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
    let announced = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    body.len() >= announced.unwrap_or(0)
}
