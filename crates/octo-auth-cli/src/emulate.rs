//! `octo-auth emulate`: runs the emulator until Ctrl-C and shows each request.

mod file;
mod ordered;

use std::thread;
use std::time::Duration;

use octo_auth_emulator::{Emulator, Entry, HOSTS, generic, octorate, octotable, officernd};

use crate::arguments::EmulateRequest;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// The interval for reading the log.
const EVERY: Duration = Duration::from_millis(200);

/// Runs the emulator until the process is interrupted.
///
/// If its output is closed, it ends with the first request that it cannot show, not earlier.
///
/// # Errors
///
/// Returns a [`Failure`] if the port is in use or not available, or if the file cannot be used.
pub(crate) fn run(request: &EmulateRequest, output: &mut Output) -> Result<Exit, Failure> {
    let request = &file::joined(request)?;
    let builder = Emulator::builder().port(request.port.unwrap_or(0));
    let builder = match request.frozen_at {
        Some(seconds) => builder.frozen_at(seconds * 1000),
        None => builder,
    };
    let emulator = builder.start()?;
    ordered::arrange(&emulator, request);
    output.line(welcome(&emulator))?;
    let mut shown = Vec::new();
    while !output.reader_has_left() {
        thread::sleep(EVERY);
        let entries = emulator.log();
        for entry in unseen(&shown, &entries) {
            output.line(entry)?;
        }
        shown = entries;
    }
    Ok(Exit::Done)
}

/// Returns the entries that are new. A full log drops its oldest entries, so the earlier list may start with entries
/// that the log no longer has.
fn unseen<'a>(before: &[Entry], now: &'a [Entry]) -> &'a [Entry] {
    let kept = (0..=before.len()).map(|forgotten| &before[forgotten..]).find(|kept| now.starts_with(kept));
    &now[kept.map_or(0, <[Entry]>::len)..]
}

/// An example of a token request that works with the demo credentials.
struct Example {
    title: &'static str,
    host: &'static str,
    path: &'static str,
    client_id: &'static str,
    client_secret: &'static str,
    others: &'static [(&'static str, &'static str)],
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

const EXAMPLES: [Example; 4] = [
    Example {
        title: "Octorate, ApiLogin",
        host: "api.octorate.com",
        path: "/connect/rest/v1/identity/apilogin",
        client_id: octorate::DEMO_CLIENT_ID,
        client_secret: octorate::DEMO_CLIENT_SECRET,
        others: &[],
    },
    Example {
        title: "OctoTable, client credentials",
        host: "api.octotable.com",
        path: "/octotable-auth/api/v2/oauth2/token",
        client_id: octotable::DEMO_CLIENT_ID,
        client_secret: octotable::DEMO_CLIENT_SECRET,
        others: &[GRANT],
    },
    Example {
        title: "OfficeRND, client credentials",
        host: "identity.officernd.com",
        path: "/oauth/token",
        client_id: officernd::DEMO_CLIENT_ID,
        client_secret: officernd::DEMO_CLIENT_SECRET,
        others: &[GRANT, ("scope", officernd::DEMO_PERMISSIONS[0])],
    },
    Example {
        title: "A standard server (RFC 6749), client credentials",
        host: "auth.example",
        path: "/token",
        client_id: generic::DEMO_CLIENT_ID,
        client_secret: generic::DEMO_CLIENT_SECRET,
        others: &[GRANT],
    },
];

/// A page at which a person signs in with the demo credentials.
struct Page {
    title: &'static str,
    host: &'static str,
    path: &'static str,
    client_id: &'static str,
    /// The redirect target; `None` for the emulator's own page.
    redirect_uri: Option<&'static str>,
    others: &'static [(&'static str, &'static str)],
}

const CODE: (&str, &str) = ("response_type", "code");

const PAGES: [Page; 3] = [
    Page {
        title: "Octorate (redirects to https://localhost, where no program answers: the code is in the address bar)",
        host: "admin.octorate.com",
        path: "/octobook/identity/oauth.xhtml",
        client_id: octorate::DEMO_CLIENT_ID,
        redirect_uri: Some(octorate::DEMO_REDIRECT_URI),
        others: &[],
    },
    Page {
        title: "OfficeRND",
        host: "identity.officernd.com",
        path: "/oauth/authorize",
        client_id: officernd::DEMO_CLIENT_ID,
        redirect_uri: None,
        others: &[CODE, ("scope", officernd::DEMO_PERMISSIONS[0])],
    },
    Page {
        title: "A standard server (RFC 6749)",
        host: "auth.example",
        path: "/authorize",
        client_id: generic::DEMO_CLIENT_ID,
        redirect_uri: None,
        others: &[CODE, ("scope", generic::SCOPES[0])],
    },
];

fn welcome(emulator: &Emulator) -> String {
    let url = emulator.url();
    let hosts = HOSTS.map(|host| format!("  https://{host:<24} {}\n", emulator.base(host))).concat();
    let examples = EXAMPLES.map(|example| example.told(&emulator.base(example.host))).concat();
    let pages = PAGES.map(|page| page.told(emulator)).concat();
    format!(
        "The emulator listens at {url}. Ctrl-C stops it.\n\n\
         Each host is a path prefix:\n{hosts}\n\
         Demo credentials, which are public, and a request with each:\n{examples}\n\
         Pages to sign in at, for the browser:\n{pages}\n\
         The last two also take any other redirect URI of the form http://127.0.0.1:PORT/...\n\n\
         A token by this program:\n\n  \
         OCTO_AUTH_CLIENT_ID={} \\\n  OCTO_AUTH_CLIENT_SECRET={} \\\n  \
         octo-auth token --provider octotable --base-url {url}\n\n\
         What it is asked:",
        octotable::DEMO_CLIENT_ID,
        octotable::DEMO_CLIENT_SECRET,
    )
}

impl Page {
    fn told(&self, emulator: &Emulator) -> String {
        let redirect_uri = self.redirect_uri.map_or_else(|| emulator.callback(), str::to_owned);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.others)
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("state", "demo-state")
            .finish();
        format!("\n  {}\n  {}{}?{query}\n", self.title, emulator.base(self.host), self.path)
    }
}

impl Example {
    fn told(&self, base: &str) -> String {
        let credentials = [("client_id", self.client_id), ("client_secret", self.client_secret)];
        let fields = credentials.iter().chain(self.others);
        let fields: String =
            fields.map(|(name, value)| format!(" \\\n    --data-urlencode '{name}={value}'")).collect();
        format!("\n  {}\n  curl -s {base}{}{fields}\n", self.title, self.path)
    }
}
