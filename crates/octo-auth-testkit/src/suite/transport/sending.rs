//! The requests of the checks, and how they are sent.

use std::time::Duration;

use http::{Request, Response};
use octo_auth_core::{Body, Exchange, Profile, Scopes, TokenSet, TransportError};

use crate::registration;
use crate::socket::Socket;
use crate::suite::Line;

/// A deadline longer than anything on loopback takes.
pub(super) const AMPLE: Duration = Duration::from_secs(20);

/// The result of a transport call.
pub(super) type Got = Result<Response<Body>, TransportError>;

/// Builds a token request of the core for this address. Its form contains the client secret.
pub(super) fn exchange(address: std::net::SocketAddr) -> Result<Exchange<TokenSet>, String> {
    let profile = Profile::rfc6749(&format!("http://{address}/token")).map_err(|error| error.to_string())?;
    registration::with(profile).client_credentials(&Scopes::none()).map_err(|error| error.to_string())
}

/// Sends a token request to a server.
pub(super) async fn ask(line: &impl Line, server: &Socket) -> Result<Got, String> {
    ask_at(line, server.address()).await
}

pub(super) async fn ask_at(line: &impl Line, address: std::net::SocketAddr) -> Result<Got, String> {
    Ok(line.send(exchange(address)?.request(), AMPLE).await)
}

/// Sends a token request to a server that answers with these bytes.
pub(super) async fn answer(
    line: &impl Line,
    address: std::net::SocketAddr,
) -> Result<Response<Body>, String> {
    ask_at(line, address).await?.map_err(|fault| format!("no response came: {fault}"))
}

/// Builds a request from the given parts.
pub(super) fn request(
    address: std::net::SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Request<Body>, String> {
    let mut builder = Request::builder().method(method).uri(format!("http://{address}{path}"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::new(body.to_vec())).map_err(|error| error.to_string())
}
