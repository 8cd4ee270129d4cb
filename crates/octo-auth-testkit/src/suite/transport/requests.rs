//! Checks of requests: they arrive as they were built.

use super::sending::{AMPLE, answer, ask, exchange, request};
use crate::socket::Socket;
use crate::suite::Line;
use crate::suite::found::{Found, expect};

/// Headers that HTTP itself may add, and the name of the client.
const MAY_BE_ADDED: [&str; 4] = ["connection", "content-length", "host", "user-agent"];

/// A request as the server received it.
struct Arrived {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Arrived {
    /// Returns the only request that a server has read.
    fn at(server: &Socket) -> Result<Self, String> {
        let all = server.request_bytes();
        let [bytes] = &all[..] else { return Err(format!("the server read {} requests", all.len())) };
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or("the head has no end")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()));
        Ok(Self { first, headers: headers.collect(), body: bytes[end + 4..].to_vec() })
    }

    fn values(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str()).collect()
    }
}

pub(super) async fn arrives(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[], b"{}");
    let path = "/a%2Fb/%7Euser;v=1/?q=a+b%20c&q=&empty";
    let headers = [
        ("accept", "application/json"),
        ("authorization", "Basic Y2xpZW50JTJEMTpzZWNyZXQ="),
        ("content-type", "application/octet-stream"),
        ("x-one", "first"),
        ("x-one", "second, third"),
    ];
    let body: Vec<u8> = (0..=255).collect();
    let sent = request(server.address(), "POST", path, &headers, &body)?;
    line.send(&sent, AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
    let arrived = Arrived::at(&server)?;
    let first = format!("POST {path} HTTP/1.1");
    expect(arrived.first == first, || format!("{first} became {}", arrived.first))?;
    for name in ["accept", "authorization", "content-type", "x-one"] {
        let wanted: Vec<_> =
            headers.iter().filter(|(own, _)| *own == name).map(|(_, value)| *value).collect();
        let found = arrived.values(name);
        expect(found == wanted, || format!("{name}: {wanted:?} became {found:?}"))?;
    }
    let host = server.address().to_string();
    expect(arrived.values("host") == [&host], || format!("the host became {:?}", arrived.values("host")))?;
    same_body(&arrived, &body)
}

pub(super) async fn form_arrives(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[], b"{}");
    let asking = exchange(server.address())?;
    line.send(asking.request(), AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
    let form = b"scope=a%20b&plus=%2B+&twice=%2525&umlaut=%C3%A4&bare&=&client_secret=s%26t";
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let server_of_form = Socket::responding("200 OK", &[], b"{}");
    let sent = request(server_of_form.address(), "POST", "/token", &headers, form)?;
    line.send(&sent, AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
    same_body(&Arrived::at(&server)?, asking.request().body().as_ref())?;
    same_body(&Arrived::at(&server_of_form)?, form)
}

/// Checks that the body is unchanged and its length is announced. Some token endpoints do not accept chunked bodies.
fn same_body(arrived: &Arrived, wanted: &[u8]) -> Found {
    let length = wanted.len().to_string();
    let found = arrived.values("content-length");
    expect(found == [&length], || format!("of {length} bytes the length is told as {found:?}"))?;
    let found = &arrived.body;
    expect(found == wanted, || format!("{} of {length} bytes of the body or others arrived", found.len()))
}

pub(super) async fn has_no_body(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[], b"{}");
    let sent = request(server.address(), "GET", "/status", &[], b"")?;
    line.send(&sent, AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
    let arrived = Arrived::at(&server)?;
    let length = arrived.values("content-length");
    let has_none = arrived.body.is_empty()
        && arrived.values("transfer-encoding").is_empty()
        && (length.is_empty() || length == ["0"]);
    expect(has_none && arrived.first == "GET /status HTTP/1.1", || {
        format!("{} came with {:?}", arrived.first, arrived.headers)
    })
}

/// Checks that the transport adds no header: others would disclose data to the server or to a gateway before it.
pub(super) async fn no_header_is_added(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[], b"{}");
    let asking = exchange(server.address())?;
    line.send(asking.request(), AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
    let arrived = Arrived::at(&server)?;
    let own = asking.request().headers();
    let is_foreign = |name: &&str| !own.contains_key(*name) && !MAY_BE_ADDED.contains(name);
    let added: Vec<_> = arrived.headers.iter().map(|(name, _)| name.as_str()).filter(is_foreign).collect();
    expect(added.is_empty(), || format!("{added:?} was added"))
}

/// Checks that the transport does not retry: neither an answer with `Retry-After` nor a closed connection is a
/// reason.
pub(super) async fn sent_once(line: &impl Line) -> Found {
    let busy = Socket::responding("503 Busy", &["Retry-After: 0"], b"");
    let closing = Socket::answering("");
    for (server, what) in [(busy, "a 503"), (closing, "the end of the connection")] {
        // The result does not matter here.
        let _ = ask(line, &server).await?;
        let times = server.requests().len();
        expect(times == 1, || format!("after {what} the request had been sent {times} times"))?;
    }
    Ok(())
}

pub(super) async fn no_cookie(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &["Set-Cookie: session=cookie-1; Path=/"], b"{}");
    answer(line, server.address()).await?;
    answer(line, server.address()).await?;
    let second = server.requests().pop().unwrap_or_default().to_lowercase();
    expect(!second.contains("cookie"), || "the second request brings the cookie of the first".to_owned())
}
