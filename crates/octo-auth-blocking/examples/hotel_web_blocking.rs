//! A web application of many hotels on a blocking server: each one's owner signs in.
//!
//! It runs against the emulator that comes with octo-auth: `cargo run -p octo-auth-blocking --example hotel_web_blocking`.

#![expect(clippy::print_stdout, reason = "an example shows its work")]

use std::error::Error;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use octo_auth_blocking::web::WebSignIn;
use octo_auth_blocking::{Accounts, Client, MemoryStore, Profile};
use octo_auth_emulator::{Emulator, generic};
use tiny_http::{Header, Request, Server};

/// Answers requests until the server is stopped.
fn serve(server: &Server, web: &WebSignIn) {
    for request in server.incoming_requests() {
        let response = page(&request, web).unwrap_or_else(|error| error.page());
        // A browser that has left needs no answer.
        let _ = request.respond(converted(response));
    }
}

/// The two addresses of a sign-in, and a page. A real application asks its session who may sign which hotel in.
fn page(
    request: &Request,
    web: &WebSignIn,
) -> Result<Response<String>, octo_auth_blocking::web::WebSignInError> {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    match path.strip_prefix("/login/") {
        Some(hotel) => web.begin(hotel),
        None if path == "/callback" => web.finish(query, &headers(request))?.redirect("/"),
        None => Ok(Response::new("Open /login/aurora to sign the hotel Aurora in.\n".to_owned())),
    }
}

fn headers(request: &Request) -> HeaderMap {
    let fields = request.headers().iter().filter_map(|field| {
        let name = HeaderName::from_bytes(field.field.as_str().as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(field.value.as_bytes()).ok()?))
    });
    fields.collect()
}

fn converted(response: Response<String>) -> tiny_http::Response<std::io::Cursor<Vec<u8>>> {
    let (head, body) = response.into_parts();
    let answer = tiny_http::Response::from_string(body).with_status_code(head.status.as_u16());
    let fields = head
        .headers
        .iter()
        .filter_map(|(name, value)| Header::from_bytes(name.as_str(), value.as_bytes()).ok());
    fields.fold(answer, tiny_http::Response::with_header)
}

/// A server on a free port, its address, and its sign-ins.
fn site(emulator: &Emulator) -> Result<(Arc<Server>, String, WebSignIn), Box<dyn Error>> {
    let base = emulator.base("auth.example");
    let profile =
        Profile::rfc6749(&format!("{base}/token"))?.with_authorization_url(&format!("{base}/authorize"))?;
    let client = Client::new(profile, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET)?;
    let store = MemoryStore::new();
    let accounts = Accounts::builder(client).store(store.clone()).build()?;
    let server = Server::http("127.0.0.1:0").map_err(|error| error.to_string())?;
    let port = server.server_addr().to_ip().map(|address| address.port()).ok_or("no port")?;
    let address = format!("http://localhost:{port}");
    let web =
        WebSignIn::new(&accounts, store, &format!("{address}/callback")).with_scopes(generic::SCOPES[0]);
    Ok((Arc::new(server), address, web))
}

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let (server, address, web) = site(&emulator)?;
    println!("The provider is emulated at {}. Open {address}; Ctrl-C stops both.", emulator.url());
    serve(&server, &web);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use octo_auth_emulator::Browser;

    use super::*;

    fn open(address: &str, cookie: &str) -> String {
        let (authority, target) =
            address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
        let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).unwrap();
        let request = format!(
            "GET /{target} HTTP/1.1\r\nHost: {authority}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// The value of a header.
    fn header(answer: &str, name: &str) -> String {
        let mut fields = answer.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    }

    #[test]
    fn the_owner_comes_back_in_the_browser_that_began_and_once() {
        let emulator = Emulator::start().unwrap();
        let (server, address, web) = site(&emulator).unwrap();
        let serving = std::thread::spawn({
            let server = server.clone();
            move || serve(&server, &web)
        });
        let begun = open(&format!("{address}/login/aurora"), "");
        let cookie = header(&begun, "set-cookie");
        let cookie = cookie.split(';').next().unwrap();
        let callback =
            Browser::new().open(&header(&begun, "location")).and_then(|page| page.grant()).unwrap();
        assert!(open(&callback, "").starts_with("HTTP/1.1 400 "), "another browser");
        let ended = open(&callback, cookie);
        assert!(ended.starts_with("HTTP/1.1 303 "), "{ended}");
        assert!(open(&callback, cookie).contains("This was already done"));
        let log = emulator.log();
        assert_eq!(log.iter().filter(|entry| entry.to_string().contains("&code=")).count(), 1);
        server.unblock();
        serving.join().unwrap();
    }
}
