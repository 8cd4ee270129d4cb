//! A web application for many hotels. The owner of each hotel signs in, and two replicas with one store share the
//! work.
//!
//! It runs with octo-auth's emulator: `cargo run --example hotel_web`, then open the printed URL. The two replicas
//! listen on two ports of `localhost`. A sign-in may begin at either one; its callback goes to the first.

#![expect(clippy::print_stdout, reason = "an example shows its work")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use octo_auth_async::web::WebSignIn;
use octo_auth_async::{Client, MemoryStore, Profile, TokenManager, TokenSpec};
use octo_auth_emulator::{Emulator, generic};
use tokio::net::TcpListener;

/// The hotels that use the application. A real application checks its own session for the hotels that a visitor
/// may sign in.
const HOTELS: [&str; 2] = ["aurora", "bellevue"];

#[derive(Clone)]
struct App {
    manager: TokenManager,
    web: WebSignIn,
}

fn router(app: App) -> Router {
    Router::new()
        .route("/", get(overview))
        .route("/login/{hotel}", get(login))
        // axum also calls a `get` handler for HEAD, which would spend the code.
        .route("/callback", get(callback).head(StatusCode::METHOD_NOT_ALLOWED))
        .with_state(app)
}

/// Sends the owner of a hotel to the provider.
async fn login(State(app): State<App>, Path(hotel): Path<String>) -> Response {
    if !HOTELS.contains(&hotel.as_str()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match app.web.begin(&hotel).await {
        Ok(redirect) => redirect.into_response(),
        Err(error) => error.page().into_response(),
    }
}

/// Handles the callback. Returns a page of the application, or a plain page that explains the error.
async fn callback(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    match app.web.finish(&query, &headers).await.and_then(|user| user.redirect("/")) {
        Ok(redirect) => redirect.into_response(),
        Err(error) => error.page().into_response(),
    }
}

/// Lists the hotels, and whether each has a token.
async fn overview(State(app): State<App>) -> Html<String> {
    let mut rows = String::new();
    for hotel in HOTELS {
        let has_token = match app.manager.tokens(TokenSpec::account(hotel)) {
            Ok(tokens) => tokens.get().await.is_ok(),
            Err(_) => false,
        };
        let (state, action) =
            if has_token { ("signed in", "sign in again") } else { ("not signed in", "sign in") };
        rows.push_str(&format!("<li>{hotel}: {state}, <a href=\"/login/{hotel}\">{action}</a></li>"));
    }
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <style>:root{{color-scheme:light dark;font:1rem/2 system-ui,sans-serif;padding:1rem}}</style><title>Hotels</title><h1>Hotels</h1><ul>{rows}</ul></html>"
    ))
}

/// Builds a replica with its own `TokenManager` and the shared store.
fn replica(emulator: &Emulator, store: &Arc<MemoryStore>, redirect_uri: &str) -> Result<App, Box<dyn Error>> {
    let base = emulator.base("auth.example");
    let profile = Profile::rfc6749(&format!("{base}/token"))?
        .with_authorization_url(&format!("{base}/authorize"))?
        .with_issuer(base)?;
    let client = Client::new(profile, generic::DEMO_CLIENT_ID, generic::DEMO_CLIENT_SECRET)?;
    let manager = TokenManager::builder(client).store(store.clone()).build()?;
    let web = WebSignIn::new(&manager, store.clone(), redirect_uri).with_scopes(generic::SCOPES[0]);
    Ok(App { manager, web })
}

/// Two replicas, and their addresses.
struct Site {
    emulator: Emulator,
    addresses: [String; 2],
}

impl Site {
    async fn start() -> Result<Self, Box<dyn Error>> {
        let emulator = Emulator::start()?;
        let store = Arc::new(MemoryStore::new());
        let listeners = [TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?];
        let mut addresses = Vec::new();
        for listener in &listeners {
            addresses.push(format!("http://localhost:{}", listener.local_addr()?.port()));
        }
        let redirect_uri = format!("{}/callback", addresses[0]);
        for listener in listeners {
            let app = router(replica(&emulator, &store, &redirect_uri)?);
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        let [first, second] = <[String; 2]>::try_from(addresses).map_err(|_| "two replicas")?;
        Ok(Self { emulator, addresses: [first, second] })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let site = Site::start().await?;
    println!("The provider is emulated at {}.", site.emulator.url());
    println!(
        "Open {} or, for the other replica, {}. Ctrl-C stops both.",
        site.addresses[0], site.addresses[1]
    );
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::thread;

    use octo_auth_emulator::Browser;

    use super::*;

    /// A browser with its own cookies.
    #[derive(Clone, Default)]
    struct BrowserProfile {
        cookies: BTreeMap<String, String>,
    }

    struct Page {
        status: u16,
        location: Option<String>,
        text: String,
    }

    impl BrowserProfile {
        fn open(&mut self, address: &str) -> Page {
            self.send("GET", address)
        }

        fn send(&mut self, method: &str, address: &str) -> Page {
            let (authority, target) =
                address.strip_prefix("http://").and_then(|rest| rest.split_once('/')).unwrap();
            let mut stream = TcpStream::connect(authority.replace("localhost", "127.0.0.1")).unwrap();
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let cookies = cookies.join("; ");
            let request = format!(
                "{method} /{target} HTTP/1.1\r\nHost: {authority}\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            let mut page = Page { status: text[9..12].parse().unwrap(), location: None, text: text.clone() };
            for (name, value) in text.lines().filter_map(|line| line.split_once(": ")) {
                match name {
                    "set-cookie" => self.set(value),
                    "location" => page.location = Some(value.to_owned()),
                    _ => {}
                }
            }
            page
        }

        /// Stores a cookie as a browser does: a `__Host-` cookie must be secure, and only for this host and path.
        fn set(&mut self, line: &str) {
            let attributes: Vec<_> = line.split("; ").skip(1).collect();
            assert!(line.starts_with("__Host-"), "{line}");
            for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
                assert!(attributes.contains(&attribute), "{attribute} in {line}");
            }
            assert!(!line.contains("Domain"), "{line}");
            let (name, value) = line.split("; ").next().unwrap().split_once('=').unwrap();
            if attributes.contains(&"Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }

        /// Begins a sign-in and grants access. Returns the URL to which the provider sends the browser.
        fn granted(&mut self, address: &str, hotel: &str) -> String {
            let page = self.open(&format!("{address}/login/{hotel}"));
            assert_eq!(page.status, 303);
            Browser::new().open(&page.location.unwrap()).and_then(|page| page.grant()).unwrap()
        }
    }

    fn exchanges(site: &Site) -> usize {
        site.emulator.log().iter().filter(|entry| entry.to_string().contains("&code=")).count()
    }

    /// Runs a test with the two replicas.
    fn with_site(test: impl FnOnce(&Site)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let site = runtime.block_on(Site::start()).unwrap();
        test(&site);
    }

    #[test]
    fn each_owner_signs_in_their_own_hotel_and_both_replicas_know_it() {
        with_site(|site| {
            let (mut ann, mut ben) = (BrowserProfile::default(), BrowserProfile::default());
            let of_ann = ann.granted(&site.addresses[0], "aurora");
            // The sign-in begins at one replica and ends at the other.
            let of_ben = ben.granted(&site.addresses[1], "bellevue");
            for (profile, callback) in [(&mut ann, of_ann), (&mut ben, of_ben)] {
                let page = profile.open(&callback);
                assert_eq!((page.status, page.location.as_deref()), (303, Some("/")), "{}", page.text);
                assert!(profile.cookies.is_empty(), "the cookie of the sign-in is gone");
            }
            assert_eq!(exchanges(site), 2);
            for address in &site.addresses {
                let text = ann.open(&format!("{address}/")).text;
                assert!(text.contains("aurora: signed in") && text.contains("bellevue: signed in"), "{text}");
            }
        });
    }

    /// Without the check, an attacker could send the URL of their own callback, and the victim would be signed in
    /// with the attacker's account.
    #[test]
    fn a_callback_in_another_browser_is_refused_and_exchanges_nothing() {
        with_site(|site| {
            let (mut attacker, mut victim) = (BrowserProfile::default(), BrowserProfile::default());
            let callback = attacker.granted(&site.addresses[0], "aurora");
            // A sign-in that the victim began does not help the attacker.
            victim.open(&format!("{}/login/aurora", site.addresses[0]));
            let page = victim.open(&callback);
            assert_eq!(page.status, 400);
            assert!(page.text.contains("This sign-in began in another browser"), "{}", page.text);
            assert_eq!(exchanges(site), 0);
            assert_eq!(attacker.open(&callback).status, 303, "it waits for its own browser");
            assert_eq!(exchanges(site), 1);
        });
    }

    #[test]
    fn a_request_for_the_head_of_the_callback_spends_no_code() {
        with_site(|site| {
            let mut profile = BrowserProfile::default();
            let callback = profile.granted(&site.addresses[0], "aurora");
            assert_eq!(profile.send("HEAD", &callback).status, 405);
            assert_eq!(exchanges(site), 0);
            assert_eq!(profile.open(&callback).status, 303);
        });
    }

    #[test]
    fn a_callback_at_both_replicas_at_once_is_exchanged_once() {
        with_site(|site| {
            let mut profile = BrowserProfile::default();
            let callback = profile.granted(&site.addresses[0], "aurora");
            let other = callback.replace(&site.addresses[0], &site.addresses[1]);
            let threads: Vec<_> = (0..8)
                .map(|place| {
                    let (mut profile, callback) = (profile.clone(), callback.clone());
                    let address = if place % 2 == 0 { callback } else { other.clone() };
                    thread::spawn(move || profile.open(&address).status)
                })
                .collect();
            let mut statuses: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [303, 400, 400, 400, 400, 400, 400, 400]);
            assert_eq!(exchanges(site), 1);
            let again = profile.open(&callback);
            assert!(again.status == 400 && again.text.contains("This was already done"), "{}", again.text);
        });
    }

    #[test]
    fn two_tabs_of_one_browser_do_not_disturb_each_other() {
        with_site(|site| {
            let mut profile = BrowserProfile::default();
            let first = profile.granted(&site.addresses[0], "aurora");
            let second = profile.granted(&site.addresses[0], "bellevue");
            assert_eq!(profile.cookies.len(), 2);
            assert_eq!(profile.open(&second).status, 303);
            assert_eq!(profile.open(&first).status, 303);
            let text = profile.open(&format!("{}/", site.addresses[0])).text;
            assert!(text.contains("aurora: signed in") && text.contains("bellevue: signed in"), "{text}");
        });
    }

    #[test]
    fn a_forged_a_missing_and_a_refused_callback_have_a_page_and_exchange_nothing() {
        with_site(|site| {
            let mut profile = BrowserProfile::default();
            let address = &site.addresses[0];
            let page = profile.open(&format!("{address}/login/aurora"));
            let refused =
                Browser::new().open(&page.location.unwrap()).and_then(|page| page.refuse()).unwrap();
            for query in
                ["", "?code=c", "?code=c&state=forged", "?code=c&state=a&state=b", "?code=%zz&state=a"]
            {
                assert_eq!(profile.open(&format!("{address}/callback{query}")).status, 400, "{query}");
            }
            let page = profile.open(&format!("{refused}&x=%3Cscript%3E"));
            assert!(page.status == 400 && page.text.contains("Access was not granted"), "{}", page.text);
            assert!(!page.text.contains("script"), "{}", page.text);
            assert_eq!(profile.open(&format!("{address}/login/nowhere")).status, 404);
            assert_eq!(exchanges(site), 0);
        });
    }
}
