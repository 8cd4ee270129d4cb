//! However an answer is framed, and wherever it is split: ureq reads out of what it is shown what it would read out of
//! the answer itself.

use std::io::Read;

use http::{Method, Request};
use octo_auth_blocking::{ANSWER_LIMIT, Transport, UreqTransport};
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::server::Server;
use crate::{DEADLINE, cause, ear, request};

/// The status and the body, or what ureq says is wrong.
type Outcome = Result<(u16, Vec<u8>), String>;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Bodies in chunks, sound and not.
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
    // Broken off.
    "",
    "5\r\nhel",
    "5\r\nhello",
    "5\r\nhello\r\n",
    "5\r\nhello\r\n0\r\n",
    "5\r\nhello\r\n0\r\nx-trailer: a\r\n",
    "5\r\nhello\r\n0",
    // Not framed.
    "hello",
    "{\"a\":1}\r\n",
    ";5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXY\r\n0\r\n\r\n",
    "5\rXhello\r\n0\r\n\r\n",
    "5\r\nhello\rX\r\n0\r\n\r\n",
    "000000000000000000005\r\nhello\r\n0\r\n\r\n",
    "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
];

/// Answers of every other kind: the head, and what follows it.
const ANSWERS: [(&str, &str); 14] = [
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
];

/// Reads so much at once, and no more.
fn reading(at_once: usize) -> ConfigBuilder<AgentScope> {
    let builder = ureq::Agent::config_builder().proxy(None).input_buffer_size(at_once);
    builder.http_status_as_error(false).max_redirects(0).max_redirects_will_error(false)
}

fn by_the_transport(at_once: usize, method: &str, url: &str) -> Outcome {
    let transport = UreqTransport::from_builder(reading(at_once)).expect("a transport");
    match transport.send(&request(method, url, ""), DEADLINE) {
        Ok(response) => Ok((response.status().as_u16(), response.body().as_ref().to_vec())),
        Err(fault) => Err(cause(&fault)),
    }
}

fn by_ureq_itself(at_once: usize, method: &str, url: &str) -> Outcome {
    let agent = ureq::Agent::new_with_config(reading(at_once).timeout_global(Some(DEADLINE)).build());
    let mut asking = Request::new(());
    *asking.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
    *asking.uri_mut() = url.parse().expect("a URL");
    let worded = |error: String| error.strip_prefix("io: ").unwrap_or(&error).to_owned();
    let response = agent.run(asking).map_err(|error| worded(error.to_string()))?;
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let read = body.into_reader().take(ANSWER_LIMIT as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| worded(error.to_string()))?;
    Ok((parts.status.as_u16(), bytes))
}

/// Compares the two over every split behind the head.
fn compare(method: &str, head: &str, body: &str) -> Vec<String> {
    let server = Server::answering([head, body].concat());
    let mut different = Vec::new();
    for at_once in head.len()..=head.len() + body.len() {
        let expected = by_ureq_itself(at_once, method, &server.url("/"));
        let found = by_the_transport(at_once, method, &server.url("/"));
        if found != expected {
            different.push(format!("{method} {head:?} {body:?}: {found:?} is not {expected:?}"));
        }
    }
    different
}

#[test]
fn a_body_in_chunks_is_read_as_ureq_reads_it() {
    let _turn = ear::turn();
    let different: Vec<_> = CHUNKS.iter().flat_map(|body| compare("GET", CHUNKED, body)).collect();
    assert!(different.is_empty(), "{different:#?}");
}

#[test]
fn an_answer_of_any_other_kind_is_read_as_ureq_reads_it() {
    let _turn = ear::turn();
    let asking =
        |method: &'static str| ANSWERS.iter().flat_map(move |(head, body)| compare(method, head, body));
    let different: Vec<_> = asking("GET").chain(asking("HEAD")).collect();
    assert!(different.is_empty(), "{different:#?}");
}
