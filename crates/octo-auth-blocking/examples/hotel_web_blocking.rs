//! A web application for many hotels on a blocking server. The owner of each hotel signs in; the sign-ins need no
//! store.
//!
//! It runs with octo-auth's emulator: `COOKIE_KEY=$(openssl rand -hex 32) cargo run -p octo-auth-blocking
//! --features sealed-cookie --example hotel_web_blocking`.

#![expect(clippy::print_stdout, reason = "an example shows its work")]

use std::error::Error;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Response};
use octo_auth_blocking::web::{CookieKey, CookieKeys, SecretSource, WebSignIn, WebSignInError};
use octo_auth_blocking::{Client, Profile, TokenManager};
use octo_auth_emulator::{Emulator, generic};
use tiny_http::{Header, Method, Request, Server};

const ADDRESS: &str = "localhost:3000";

/// Serves the two URLs of a sign-in, and a page. A real application checks its session for the hotels that a
/// visitor may sign in.
fn page(web: &WebSignIn, request: &Request) -> Result<Response<String>, WebSignInError> {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    match path.strip_prefix("/login/") {
        Some(hotel) => web.begin(hotel),
        None if path == "/callback" && *request.method() == Method::Get => {
            web.finish(query, &cookies(request))?.redirect("/")
        }
        None => Ok(Response::new("Open /login/aurora to sign the hotel Aurora in.\n".to_owned())),
    }
}

/// Returns the one header that a sign-in needs.
fn cookies(request: &Request) -> HeaderMap {
    let lines = request.headers().iter().filter(|line| line.field.equiv("Cookie"));
    lines.filter_map(|line| Some((COOKIE, HeaderValue::from_str(line.value.as_str()).ok()?))).collect()
}

/// Answers requests until the server is stopped.
fn serve(server: &Server, web: &WebSignIn) {
    for request in server.incoming_requests() {
        let (head, body) = page(web, &request).unwrap_or_else(|error| error.page()).into_parts();
        let answer = tiny_http::Response::from_string(body).with_status_code(head.status.as_u16());
        let lines =
            head.headers.iter().flat_map(|(name, value)| Header::from_bytes(name.as_str(), value.as_bytes()));
        // A browser that disconnected needs no answer.
        let _ = request.respond(lines.fold(answer, tiny_http::Response::with_header));
    }
}

/// Builds the sign-ins of the hotels. A real application adds a store, so that the tokens outlive the process.
fn sign_ins(base: &str, address: &str, key: CookieKey) -> Result<WebSignIn, Box<dyn Error>> {
    let profile =
        Profile::rfc6749(&format!("{base}/token"))?.with_authorization_url(&format!("{base}/authorize"))?;
    let client = Client::new(profile, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET)?;
    let callback = format!("http://{address}/callback");
    let web = WebSignIn::sealed(&TokenManager::new(client)?, CookieKeys::new(key), &callback);
    Ok(web.with_scopes(generic::SCOPES[0]))
}

fn main() -> Result<(), Box<dyn Error>> {
    let emulator = Emulator::start()?;
    let key = CookieKey::read("2026", &SecretSource::Environment("COOKIE_KEY".to_owned()))?;
    let web = sign_ins(&emulator.base("auth.example"), ADDRESS, key)?;
    let server = Server::http(ADDRESS).map_err(|error| error.to_string())?;
    println!("The provider is emulated at {}. Open http://{ADDRESS}; Ctrl-C stops both.", emulator.url());
    serve(&server, &web);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

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

    /// Returns the value of a header.
    fn header(answer: &str, name: &str) -> String {
        let mut fields = answer.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    }

    #[test]
    fn the_owner_comes_back_in_the_browser_that_began_and_once() {
        let emulator = Emulator::start().unwrap();
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let (address, key) = (server.server_addr().to_string(), CookieKey::new("2026", [7; 32]).unwrap());
        let web = sign_ins(&emulator.base("auth.example"), &address, key).unwrap();
        let serving = std::thread::spawn({
            let server = server.clone();
            move || serve(&server, &web)
        });
        let begun = open(&format!("http://{address}/login/aurora"), "");
        let cookie = header(&begun, "set-cookie");
        let cookie = cookie.split(';').next().unwrap();
        let callback =
            Browser::new().open(&header(&begun, "location")).and_then(|page| page.grant()).unwrap();
        assert!(open(&callback, "").starts_with("HTTP/1.1 400 "), "another browser");
        let (before, last) = cookie.split_at(cookie.len() - 1);
        let changed = format!("{before}{}", if last == "A" { "Q" } else { "A" });
        assert!(open(&callback, &changed).starts_with("HTTP/1.1 400 "), "a changed cookie");
        let ended = open(&callback, cookie);
        assert!(
            ended.starts_with("HTTP/1.1 303 ") && header(&ended, "set-cookie").contains("Max-Age=0"),
            "{ended}"
        );
        assert!(open(&callback, cookie).contains("This was already done"));
        let log = emulator.log();
        assert_eq!(log.iter().filter(|entry| entry.to_string().contains("&code=")).count(), 1);
        server.unblock();
        serving.join().unwrap();
    }
}
