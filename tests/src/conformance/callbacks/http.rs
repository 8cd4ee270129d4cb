//! A client that sends the row's bytes to a listener on a separate socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::Lack;

/// A limit for an answer that no test should reach.
const LONGEST: Duration = Duration::from_secs(60);

/// The answer of a listener.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) status: Option<u16>,
    /// Each field as `name: value`, the name in lower case.
    pub(super) headers: Vec<String>,
    pub(super) body: String,
}

/// Connects and sends bytes.
pub(super) fn send(address: SocketAddr, bytes: &[u8]) -> Result<TcpStream, Lack> {
    let mut stream = TcpStream::connect_timeout(&address, LONGEST)?;
    stream.set_read_timeout(Some(LONGEST))?;
    // A listener that has already refused a long request may have closed the connection.
    let _ = stream.write_all(bytes);
    Ok(stream)
}

/// Reads an answer until the listener closes. An answer without bytes has no status.
pub(super) fn answer(mut stream: TcpStream) -> Answered {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
    Answered { status, headers, body: body.to_owned() }
}
