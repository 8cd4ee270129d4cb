//! Both adapters read the same result from an answer, however it is framed and wherever it is split.

use std::time::Duration;

use http::{HeaderMap, Request};
use octo_auth_async::{ReqwestTransport, Transport as _};
use octo_auth_blocking::{Transport as _, UreqTransport};
use octo_auth_core::{Body, TransportError};
use octo_auth_tests::registration::sound;
use octo_auth_tests::socket::Socket;

/// Long enough for any test.
const DEADLINE: Duration = Duration::from_secs(20);

/// The status, the headers and the body, or the error.
type Outcome = Result<(u16, HeaderMap, Vec<u8>), String>;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Chunked bodies, valid and invalid.
const CHUNKS: [&str; 24] = [
    "5\r\nhello\r\n0\r\n\r\n",
    "1\r\nh\r\n4\r\nello\r\n000\r\n\r\n",
    "6\r\n1\r\n2\r\n\r\n0\r\n\r\n",
    "A;name=\"value\"\r\n0123456789\r\n0;x\r\n\r\n",
    "5\r\nhello\r\n0\r\nx-trailer: a\r\ny: b\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n5\r\nextra\r\n0\r\n\r\n",
    "0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    " 5 \r\nhello\r\n \n0\r\n\r\n",
    // Incomplete.
    "",
    "5\r\nhel",
    "5\r\nhello",
    "5\r\nhello\r\n",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n0\r\nx-trailer: a\r\n",
    "5\r\nhello\r\n0",
    // Without framing.
    "hello",
    "{\"a\":1}\r\n",
    ";5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXY\r\n0\r\n\r\n",
    "5\rXhello\r\n0\r\n\r\n",
    "5\r\nhello\rX\r\n0\r\n\r\n",
    "000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
];

/// All other answers: the head, and the bytes after it.
const ANSWERS: [(&str, &str); 26] = [
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "hello, and more"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
    ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\n\r\n", "5\r\nhello\r\n"),
    ("HTTP/1.1 401 No\n\n", "\n\nhello"),
    ("HTTP/1.1 204 No Content\r\n\r\n", "hello"),
    ("HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", ""),
    ("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 5\r\n\r\n", "hello"),
    ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "hello"),
    ("HTTP/1.1 101 Switching\r\ncontent-length: 5\r\n\r\n", "hello"),
    ("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: gzip\r\ntransfer-encoding: a , Chunked\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
    ),
    ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5, 5\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\n", "5\r\nhello\r\n"),
    ("HTTP/1.1 401 No\r\nwww-authenticate: Basic\x1b\r\nx: y\r\n\r\n", "hello"),
    ("HTTP/1.1 401 No\r\n: nameless\r\nno colon\r\nx: \u{e9}\r\n\r\n", "hello"),
    ("HTTP/1.0 401\r\n\r\n", "hello"),
    ("\r\nHTTP/1.1 401 No\r\n\r\n", "hello"),
    ("HTTP/1.1 600 Odd\r\n\r\n", "hello"),
    ("HTTP/2.0 200 OK\r\n\r\n", "hello"),
    ("HTTP/1.1 200 OK\r\nx: y\r\n", ""),
];

fn outcome(answered: Result<http::Response<Body>, TransportError>) -> Outcome {
    let response = answered.map_err(|fault| fault.to_string())?;
    let (parts, body) = response.into_parts();
    Ok((parts.status.as_u16(), parts.headers, body.as_ref().to_vec()))
}

/// Returns how the adapters differ over an answer. The blocking one reads it in pieces of each size.
fn differences(method: &str, head: &str, body: &str) -> Vec<String> {
    let runtime = sound(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build());
    let server = Socket::answering([head, body].concat());
    let url = format!("http://{}/", server.address());
    let request = sound(Request::builder().method(method).uri(&url).body(Body::empty()));
    let reqwest = sound(ReqwestTransport::new());
    let expected = outcome(runtime.block_on(reqwest.send(&request, DEADLINE)));
    let sizes = [1, 2, 3, 5, head.len(), head.len() + 1, head.len() + 4, 4096];
    let found = sizes.map(|size| {
        let builder = ureq::Agent::config_builder().proxy(None).input_buffer_size(size);
        (size, outcome(sound(UreqTransport::from_builder(builder)).send(&request, DEADLINE)))
    });
    let differs = found.into_iter().filter(|(_, found)| *found != expected);
    let shown = |text: String| text.chars().take(200).collect::<String>();
    let (answer, expected) = (shown(format!("{head:?} {body:?}")), shown(format!("{expected:?}")));
    differs
        .map(|(size, found)| {
            format!("{method} {answer} by {size}: {} is not {expected}", shown(format!("{found:?}")))
        })
        .collect()
}

#[test]
fn a_body_in_chunks_is_read_alike() {
    let different: Vec<_> = CHUNKS.iter().flat_map(|body| differences("GET", CHUNKED, body)).collect();
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn an_answer_that_is_too_long_in_any_part_is_refused_alike() {
    let headers = |count: usize| format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(count));
    let line = |length: usize| format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(length));
    let heads = [headers(100), headers(101), line(300 * 1024), line(500 * 1024)];
    let extension = |length: usize| format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(length));
    let trailers = |length: usize| format!("0\r\nx: {}\r\n\r\n", "y".repeat(length));
    let bodies = [extension(15_000), extension(20_000), trailers(15_000), trailers(20_000)];
    let different = heads.iter().flat_map(|head| differences("GET", head, "hello"));
    let different = different.chain(bodies.iter().flat_map(|body| differences("GET", CHUNKED, body)));
    let different: Vec<_> = different.collect();
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn an_answer_of_any_other_kind_is_read_alike() {
    let asking =
        |method: &'static str| ANSWERS.iter().flat_map(move |(head, body)| differences(method, head, body));
    let different: Vec<_> = asking("GET").chain(asking("HEAD")).collect();
    assert!(different.is_empty(), "{different:#?}");
}
