//! Checks of errors when no complete response arrives: an error never claims more certainty than there is.

use std::error::Error;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use octo_auth_core::{Delivery, TransportError};

use super::sending::{AMPLE, Got, ask_at, exchange};
use crate::registration::CLIENT_SECRET;
use crate::socket::Socket;
use crate::suite::Line;
use crate::suite::found::{Found, expect};

/// The deadline of a request that is not answered.
const SHORT: Duration = Duration::from_millis(200);

/// How long each pause of the suite keeps its own thread.
const MOMENT: Duration = Duration::from_millis(1);

pub(super) async fn refused(line: &impl Line) -> Found {
    let fault = fault(ask_at(line, Socket::refusing()).await?)?;
    expect(fault.delivery() == Delivery::NotSent, || format!("the server may have seen it, says: {fault}"))
}

pub(super) async fn closed(line: &impl Line) -> Found {
    for text in ["", "HTTP/1.1 200 OK\r\nContent-Ty"] {
        in_doubt(line, &Socket::answering(text)).await?;
    }
    Ok(())
}

pub(super) async fn reset(line: &impl Line) -> Found {
    in_doubt(line, &Socket::resetting()).await
}

pub(super) async fn broken(line: &impl Line) -> Found {
    for text in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"access",
    ] {
        in_doubt(line, &Socket::answering(text)).await?;
    }
    Ok(())
}

pub(super) async fn no_http(line: &impl Line) -> Found {
    for text in ["220 mail.example.com ESMTP\r\n\r\n", "HTTP/1.1 banana\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n"] {
        in_doubt(line, &Socket::answering(text)).await?;
    }
    Ok(())
}

/// Checks only which timeout ends first, not the time it takes. The server's timeout is a hundred times as long.
pub(super) async fn silence(line: &impl Line) -> Found {
    for beginning in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let gave_up = Arc::new(AtomicBool::new(false));
        let servers = Arc::clone(&gave_up);
        let server = Socket::doing(move |connection| {
            connection.write_all(beginning.as_bytes())?;
            connection.set_read_timeout(Some(AMPLE))?;
            // An error is the server's own timeout. A client that closes the connection ends the read.
            servers.store(connection.read(&mut [0]).is_err_and(|error| is_timeout(&error)), Ordering::SeqCst);
            Ok(())
        });
        let asking = exchange(server.address())?;
        let fault = fault(line.send(asking.request(), SHORT).await)?;
        expect(fault.delivery() == Delivery::Unknown, || {
            format!("said to be unsent though the server had the request and answered {beginning:?}: {fault}")
        })?;
        let hung_up = has_ended(line, &server).await && !gave_up.load(Ordering::SeqCst);
        expect(hung_up, || {
            format!(
                "{AMPLE:?} after the answer {beginning:?} the connection was still open; the deadline was {SHORT:?}"
            )
        })?;
    }
    Ok(())
}

/// Returns whether the server finishes. On a single-threaded runtime, a transport may close its connection only after
/// the suite yields the thread.
async fn has_ended(line: &impl Line, server: &Socket) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < AMPLE + AMPLE {
        if server.ends_within(MOMENT) {
            return true;
        }
        line.pause().await;
    }
    false
}

/// Checks that neither the text of an error nor that of its causes shows parts of the request.
pub(super) async fn no_secret(line: &impl Line) -> Found {
    let closing = Socket::answering("");
    for address in [Socket::refusing(), closing.address()] {
        let said = texts(&fault(ask_at(line, address).await?)?);
        expect(!said.contains(CLIENT_SECRET), || "the client secret stands in a fault".to_owned())?;
    }
    Ok(())
}

async fn in_doubt(line: &impl Line, server: &Socket) -> Found {
    let address: SocketAddr = server.address();
    let fault = fault(ask_at(line, address).await?)?;
    expect(fault.delivery() == Delivery::Unknown, || format!("said to be unsent: {fault}"))
}

fn fault(got: Got) -> Result<TransportError, String> {
    match got {
        Ok(response) => Err(format!("a response with status {} came", response.status())),
        Err(fault) => Ok(fault),
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Returns the texts of an error and of all its causes.
fn texts(fault: &TransportError) -> String {
    let mut texts = format!("{fault} {fault:?}");
    let mut next = fault.source();
    while let Some(cause) = next {
        texts.push_str(&format!(" {cause} {cause:?}"));
        next = cause.source();
    }
    texts
}
