//! Checks of responses: they arrive as the server sent them.

use std::io::Write;

use http::header::{CONTENT_ENCODING, HeaderValue, WWW_AUTHENTICATE};
use octo_auth_core::{ANSWER_LIMIT, Deviation, SendOptions};

use super::sending::{AMPLE, answer, ask, exchange, request};
use crate::moment;
use crate::socket::Socket;
use crate::suite::Line;
use crate::suite::found::{Found, expect};

const JSON: &str = "Content-Type: application/json";
const TOKEN: &[u8] = br#"{"access_token":"token-1","token_type":"Bearer","expires_in":3600}"#;

/// The gzip compression of `{}`.
const GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";

pub(super) async fn status(line: &impl Line) -> Found {
    for status in [200_u16, 201, 400, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
        let server = Socket::responding(&format!("{status} Said"), &[JSON], b"{}");
        let got = answer(line, server.address()).await.map_err(|error| format!("{status}: {error}"))?;
        expect(got.status() == status, || format!("{status} became {}", got.status()))?;
    }
    Ok(())
}

pub(super) async fn headers(line: &impl Line) -> Found {
    let sent = [
        ("date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("retry-after", "120"),
        ("content-type", "application/json; charset=utf-8"),
        ("x-quota-remaining", "7"),
    ];
    let lines = sent.map(|(name, value)| format!("{name}: {value}"));
    let server = Socket::responding("503 Busy", &lines.each_ref().map(String::as_str), b"{}");
    let got = answer(line, server.address()).await?;
    for (name, value) in sent {
        let found =
            got.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        expect(found.as_deref() == Some(value), || format!("{name}: {value} became {found:?}"))?;
    }
    Ok(())
}

pub(super) async fn repeated_header(line: &impl Line) -> Found {
    let sent = ["Bearer realm=\"one\"", "Basic realm=\"two\""];
    let lines = sent.map(|value| format!("WWW-Authenticate: {value}"));
    let server = Socket::responding("401 Unauthorized", &lines.each_ref().map(String::as_str), b"{}");
    let got = answer(line, server.address()).await?;
    let found: Vec<_> = got.headers().get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes).collect();
    expect(found == sent.map(str::as_bytes), || format!("two headers of a name became {}", found.len()))
}

pub(super) async fn body(line: &impl Line) -> Found {
    let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
    let plain = [b"HTTP/1.1 200 OK\r\nContent-Length: 512\r\n\r\n", &bytes[..]].concat();
    let open = [b"HTTP/1.1 200 OK\r\n\r\n", &bytes[..]].concat();
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for chunk in bytes.chunks(100) {
        chunked.extend([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    chunked.extend(b"0\r\n\r\n");
    for (framing, text) in [("a length", plain), ("chunks", chunked), ("its connection's end", open)] {
        let server = Socket::answering(text);
        let got = answer(line, server.address()).await.map_err(|error| format!("with {framing}: {error}"))?;
        let found = got.body().as_ref();
        expect(found == bytes, || format!("with {framing}, {} of 512 bytes or others came", found.len()))?;
    }
    Ok(())
}

pub(super) async fn compressed(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[JSON, "Content-Encoding: gzip"], GZIP);
    let got = answer(line, server.address()).await?;
    let is_named = got.headers().get(CONTENT_ENCODING).is_some_and(|value| value == "gzip");
    expect(is_named && got.body().as_ref() == GZIP, || {
        format!("named gzip: {is_named}, {} of {} bytes or others", got.body().as_ref().len(), GZIP.len())
    })
}

pub(super) async fn redirect(line: &impl Line) -> Found {
    for status in [301_u16, 302, 303, 307, 308] {
        let target = Socket::responding("200 OK", &[JSON], TOKEN);
        let location = format!("Location: http://{}/token", target.address());
        let server = Socket::responding(&format!("{status} Moved"), &[&location], b"");
        let got = answer(line, server.address()).await.map_err(|error| format!("{status}: {error}"))?;
        let followed = target.requests().len();
        expect(got.status() == status && followed == 0, || {
            format!("{status} became {}, and its target was asked {followed} times", got.status())
        })?;
    }
    Ok(())
}

pub(super) async fn of_the_limit(line: &impl Line) -> Found {
    let server = Socket::responding("200 OK", &[JSON], &vec![b' '; ANSWER_LIMIT]);
    let got = answer(line, server.address()).await?.into_body();
    let length = got.as_ref().len();
    expect(length == ANSWER_LIMIT, || format!("{length} of {ANSWER_LIMIT} bytes came"))
}

pub(super) async fn of_a_raised_limit(line: &impl Line) -> Found {
    let length = 3 * ANSWER_LIMIT;
    let server = Socket::responding("200 OK", &[JSON], &vec![b' '; length]);
    for (limit, due) in [(length, length), (length - 2, length - 1)] {
        let mut asking = request(server.address(), "GET", "/export", &[], b"")?;
        asking.extensions_mut().insert(SendOptions::default().with_answer_limit(limit));
        let got = line.send(&asking, AMPLE).await.map_err(|fault| format!("no response came: {fault}"))?;
        let found = got.body().as_ref().len();
        expect(found == due, || format!("with a limit of {limit}, {found} bytes came, {due} are due"))?;
    }
    Ok(())
}

/// One byte above the limit shows that the body is too long; reading more is useless. An error is accepted too.
pub(super) async fn above_the_limit(line: &impl Line) -> Found {
    let length = 8 * ANSWER_LIMIT;
    let heads =
        [format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"), "HTTP/1.1 200 OK\r\n\r\n".into()];
    for head in heads {
        let server = Socket::doing(move |connection| {
            connection.write_all(head.as_bytes())?;
            (0..length / 4096).try_for_each(|_| connection.write_all(&[b' '; 4096]))
        });
        let Ok(got) = ask(line, &server).await? else { continue };
        let found = got.body().as_ref().len();
        expect(found == ANSWER_LIMIT + 1, || {
            format!("{found} bytes came, {} are asked for", ANSWER_LIMIT + 1)
        })?;
    }
    Ok(())
}

pub(super) async fn framing(line: &impl Line) -> Found {
    let text = ["HTTP/1.1 200 OK\r\n", JSON, "\r\n\r\n"].concat();
    let open = Socket::answering([text.as_bytes(), TOKEN].concat());
    let framed = Socket::responding("200 OK", &[JSON], TOKEN);
    for (server, ends_with_connection) in [(open, true), (framed, false)] {
        let asking = exchange(server.address())?;
        let got = answer(line, server.address()).await?;
        let now = moment::start();
        let read = asking.read(&got, now, now).map_err(|error| error.to_string())?;
        let noted = read.deviations.contains(&Deviation::CloseDelimited);
        expect(noted == ends_with_connection, || {
            format!("ends with its connection: {ends_with_connection}, noted: {noted}")
        })?;
    }
    Ok(())
}
