//! The server process, and its registered clients.

use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{Client, Profile, Scopes};
use octo_auth_tests::registration::sound;

/// The secret of the confidential clients, as `server.mjs` has it.
pub(crate) const SECRET: &str = "s3cr3t +/%:&=";

/// The redirect URI of the clients.
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

/// A running server. Dropping this value ends it.
pub(crate) struct Server {
    process: Child,
    url: String,
    agent: ureq::Agent,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        Self::start_at(folder, "0")
    }

    /// Starts a server without state on a port.
    pub(crate) fn start_at(folder: &Path, port: &str) -> io::Result<Self> {
        let mut process = Command::new("node")
            .args(["server.mjs", port])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut url = String::new();
        BufReader::new(output).read_line(&mut url)?;
        let url = url.trim_end().to_owned();
        if url.is_empty() {
            return Err(io::Error::other(format!("node ended with {}", process.wait()?)));
        }
        let agent = ureq::Agent::config_builder().proxy(None).build().into();
        Ok(Self { process, url, agent })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a request below `/control`.
    pub(crate) fn control(&self, what: &str) -> String {
        let mut answer = sound(self.agent.get(self.at(&format!("/control/{what}"))).call());
        sound(answer.body_mut().read_to_string())
    }

    /// Returns how often an event of the provider happened.
    pub(crate) fn count(&self, event: &str) -> u64 {
        let counts: serde_json::Value = sound(serde_json::from_str(&self.control("counts")));
        counts[event].as_u64().unwrap_or(0)
    }

    /// Plays a person who signs in at a page, or refuses. Returns the callback.
    pub(crate) fn visit(&self, page: &str, is_refused: bool) -> String {
        let mut request = self.agent.get(self.at("/control/sign-in")).query("url", page);
        if is_refused {
            request = request.query("refuse", "1");
        }
        let mut callback = sound(request.call());
        sound(callback.body_mut().read_to_string())
    }

    pub(crate) fn profile(&self, authentication: ClientAuthentication) -> Profile {
        profile(&self.url, authentication)
    }

    /// Returns the client `basic`, `post` or `public`, which authenticates as its name says.
    pub(crate) fn client(&self, id: &str) -> Client {
        client(&self.url, id)
    }
}

/// Returns the profile of the server at a URL.
fn profile(url: &str, authentication: ClientAuthentication) -> Profile {
    let at = |path: &str| format!("{url}{path}");
    sound(
        Profile::rfc6749(&at("/token"))
            .and_then(|profile| profile.with_authorization_url(&at("/auth")))
            .and_then(|profile| profile.with_introspection_url(&at("/token/introspection")))
            .and_then(|profile| profile.with_revocation_url(&at("/token/revocation")))
            .and_then(|profile| profile.with_api_host(url))
            .and_then(|profile| profile.with_client_authentication(authentication)),
    )
}

/// Returns a client for the server at a URL.
pub(crate) fn client(url: &str, id: &str) -> Client {
    match id {
        "public" => sound(Client::public(profile(url, ClientAuthentication::Body), id)),
        "basic" => sound(Client::new(profile(url, ClientAuthentication::Basic), id, SECRET)),
        _ => sound(Client::new(profile(url, ClientAuthentication::Body), id, SECRET)),
    }
}

pub(crate) fn scopes(text: &str) -> Scopes {
    sound(Scopes::parse(text))
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server ends with its standard input; the kill fails if it has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
