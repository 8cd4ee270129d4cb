//! A raw connection, which shows exactly the bytes that arrive.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use octo_auth_emulator::Emulator;
use octo_auth_emulator::generic::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET};

pub(crate) struct Line(TcpStream);

/// Returns a refresh request of the generic server's confidential demo client.
pub(crate) fn refresh(token: &str, connection: &str) -> String {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", DEMO_CLIENT_ID),
        ("client_secret", DEMO_CLIENT_SECRET),
    ];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!(
        "POST /auth.example/token HTTP/1.1\r\nhost: localhost\r\nconnection: {connection}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl Line {
    pub(crate) fn open(emulator: &Emulator) -> Self {
        Self(TcpStream::connect(emulator.address()).expect("a connection"))
    }

    pub(crate) fn send(&mut self, request: &str) -> &mut Self {
        self.0.write_all(request.as_bytes()).expect("the request is sent");
        self
    }

    /// Reads until the connection ends.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).expect("text and an end");
        text
    }

    /// Reads one answer that ends with the HTML page of a gateway.
    pub(crate) fn answer(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"</html>\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("a page");
            bytes.extend(byte);
        }
        String::from_utf8(bytes).expect("text")
    }

    /// Whether the connection is open and nothing has arrived on it yet.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.set_nonblocking(true).expect("a connection");
        let seen = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).expect("a connection");
        seen.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
