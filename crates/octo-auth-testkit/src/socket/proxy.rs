//! A proxy on loopback that records how each connection was requested.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::listen;

/// A proxy that speaks `CONNECT`, SOCKS4, SOCKS4a and SOCKS5, and connects every client to the same server.
///
/// It stops listening when it is dropped. The constructors panic if the machine has no loopback
/// interface to listen on.
#[derive(Debug)]
pub struct ProxySocket {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    /// The accepted credentials, of which a client must send one. Empty if every client may connect.
    accepted: Vec<String>,
    requests: Mutex<Vec<ProxyRequest>>,
    closing: AtomicBool,
}

/// A client's request to a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// The protocol, and the host and port it names, such as `connect auth.example:443`.
    pub way: String,
    /// The credentials, or `None`. For `CONNECT` this is the header value, such as `Basic dTpw`; for SOCKS5 it is
    /// `user:password`.
    pub credentials: Option<String>,
}

impl ProxySocket {
    /// Returns a proxy that connects every client to one server.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        Self::accepting(server, &[])
    }

    /// Returns a proxy that connects only clients that send one of these credentials, in the form of
    /// [`ProxyRequest::credentials`].
    #[must_use]
    pub fn accepting(server: SocketAddr, credentials: &[&str]) -> Self {
        let (listener, address) = listen();
        let accepted = credentials.iter().map(ToString::to_string).collect();
        let closing = AtomicBool::new(false);
        let shared = Arc::new(Shared { server, accepted, requests: Mutex::default(), closing });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.closing.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), shared) = (client, Arc::clone(&serving)) else { continue };
                // An error means that the client or the server closed the connection, which they may do.
                thread::spawn(move || shared.serve(client));
            }
        });
        Self { address, shared }
    }

    /// Returns the address on which the proxy listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the requests since the last call.
    #[must_use]
    pub fn take_requests(&self) -> Vec<ProxyRequest> {
        std::mem::take(&mut self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for ProxySocket {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the request to stop.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let mut first = [0];
        client.peek(&mut first)?;
        let is_accepted = match first[0] {
            4 => self.socks4(&mut client)?,
            5 => self.socks5(&mut client)?,
            _ => self.connect(&mut client)?,
        };
        if is_accepted { tunnel(client, TcpStream::connect(self.server)?) } else { Ok(()) }
    }

    /// Records a request. Returns whether its credentials are accepted.
    fn admit(&self, way: String, credentials: Option<String>) -> bool {
        let is_accepted = self.accepted.is_empty()
            || credentials.as_ref().is_some_and(|credentials| self.accepted.contains(credentials));
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(ProxyRequest { way, credentials });
        is_accepted
    }

    fn connect(&self, client: &mut TcpStream) -> io::Result<bool> {
        let head = read_until(client, b"\r\n\r\n")?;
        let target = head.split(' ').nth(1).unwrap_or_default();
        let credentials = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
        });
        let is_accepted = self.admit(format!("connect {target}"), credentials);
        let answer = match is_accepted {
            true => "HTTP/1.1 200 OK\r\n\r\n",
            false => "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        };
        client.write_all(answer.as_bytes())?;
        Ok(is_accepted)
    }

    /// Reads a request of SOCKS4 or SOCKS4a. It has no password, so a proxy that requires one refuses it.
    fn socks4(&self, client: &mut TcpStream) -> io::Result<bool> {
        let [_, _, port @ .., a, b, c, d] = read::<8>(client)?;
        read_until(client, b"\0")?;
        let port = u16::from_be_bytes(port);
        let way = if [a, b, c] == [0; 3] && d != 0 {
            let host = read_until(client, b"\0")?;
            format!("socks4a {}:{port}", host.trim_end_matches('\0'))
        } else {
            format!("socks4 {}:{port}", Ipv4Addr::new(a, b, c, d))
        };
        let is_accepted = self.admit(way, None);
        client.write_all(&[0, if is_accepted { 90 } else { 91 }, 0, 0, 0, 0, 0, 0])?;
        Ok(is_accepted)
    }

    /// Reads a request of SOCKS5 (RFC 1928), with a password (RFC 1929) if the client offers one.
    fn socks5(&self, client: &mut TcpStream) -> io::Result<bool> {
        let [_, count] = read::<2>(client)?;
        let methods = read_some(client, count)?;
        let credentials = if methods.contains(&2) {
            client.write_all(&[5, 2])?;
            let [_, length] = read::<2>(client)?;
            let user = read_some(client, length)?;
            let [length] = read::<1>(client)?;
            let password = read_some(client, length)?;
            Some(format!("{}:{}", String::from_utf8_lossy(&user), String::from_utf8_lossy(&password)))
        } else {
            None
        };
        let is_refused =
            !self.accepted.is_empty() && !credentials.iter().any(|given| self.accepted.contains(given));
        match (&credentials, is_refused) {
            (Some(_), _) => client.write_all(&[1, u8::from(is_refused)])?,
            (None, true) => client.write_all(&[5, 0xff])?,
            (None, false) => client.write_all(&[5, 0])?,
        }
        if is_refused {
            return Ok(self.admit("socks5".to_owned(), credentials));
        }
        let [_, _, _, kind] = read::<4>(client)?;
        let host = match kind {
            1 => Ipv4Addr::from(read::<4>(client)?).to_string(),
            4 => format!("[{}]", Ipv6Addr::from(read::<16>(client)?)),
            _ => {
                let [length] = read::<1>(client)?;
                String::from_utf8_lossy(&read_some(client, length)?).into_owned()
            }
        };
        let port = u16::from_be_bytes(read::<2>(client)?);
        let is_accepted = self.admit(format!("socks5 {host}:{port}"), credentials);
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
        Ok(is_accepted)
    }
}

/// Copies bytes in both directions until both sides have ended.
fn tunnel(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let upward = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = upward.join();
    Ok(())
}

fn read<const LENGTH: usize>(client: &mut TcpStream) -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    client.read_exact(&mut bytes).map(|()| bytes)
}

fn read_some(client: &mut TcpStream, length: u8) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(length)];
    client.read_exact(&mut bytes).map(|()| bytes)
}

/// Reads up to and including `end`.
fn read_until(client: &mut TcpStream, end: &[u8]) -> io::Result<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        bytes.extend(read::<1>(client)?);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
