//! The server: it gives the prepared replies, then its default reply. It reads from each request which spec it
//! concerns.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use http::Request;
use octo_auth_core::Body;

use crate::scenario::ScriptedReply;
use crate::scenario::step::{ScenarioSettings, ServerKind};

/// The letters of the access tokens and the refresh tokens, for the specs in the order of their first mention.
const LETTERS: [(char, char); 6] = [('A', 'R'), ('B', 'S'), ('C', 'T'), ('D', 'U'), ('E', 'V'), ('F', 'W')];

/// The lifetime of a token by default.
const USUAL: Duration = Duration::from_secs(3600);

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    lined_up: VecDeque<ScriptedReply>,
    always: ScriptedReply,
    /// The reply to the request that is kept waiting.
    awaited: Option<ScriptedReply>,
    /// Whether a refresh returns a new refresh token by default.
    replaces: bool,
    /// How many default tokens each spec has received, in the order of the specs.
    given: Vec<(String, u32)>,
    /// The spec names of the tokens that the server knows.
    owners: HashMap<String, String>,
}

/// The content of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    ClientCredentials(Option<String>),
    ApiLogin,
    Refresh(String),
    Code(String),
    Revocation(String),
}

/// The reaction of the server to a request.
pub(super) enum Heard {
    ScriptedReply(ScriptedReply),
    Nothing,
    Never,
    TooLate,
}

impl Server {
    pub(super) fn new(setup: &ScenarioSettings) -> Self {
        let given = setup.keys.iter().map(|key| (key.clone(), 0)).collect();
        Self {
            lined_up: VecDeque::new(),
            always: ScriptedReply::AsUsual,
            awaited: None,
            // No document of Octorate shows a refresh that returns a new refresh token.
            replaces: setup.provider != ServerKind::Octorate,
            given,
            owners: HashMap::new(),
        }
    }

    pub(super) fn line_up(&mut self, said: ScriptedReply) {
        self.lined_up.push_back(said);
    }

    pub(super) fn always(&mut self, said: ScriptedReply) {
        self.always = said;
    }

    pub(super) fn answers(&mut self, said: ScriptedReply) {
        self.awaited = Some(said);
    }

    /// Records which spec these tokens belong to.
    pub(super) fn know(&mut self, key: &str, access_token: Option<&str>, refresh_token: Option<&str>) {
        for token in [access_token, refresh_token].into_iter().flatten() {
            self.owners.insert(token.to_owned(), key.to_owned());
        }
    }

    /// Returns the spec name of a request.
    pub(super) fn key_of(&self, asked: &Asked, setup: &ScenarioSettings) -> String {
        let known =
            |token: &String| self.owners.get(token).cloned().unwrap_or_else(|| "no account".to_owned());
        match asked {
            Asked::ClientCredentials(Some(tenant)) => format!("service/{tenant}"),
            Asked::ClientCredentials(None) => "service".to_owned(),
            Asked::ApiLogin => "admin".to_owned(),
            Asked::Code(key) => setup.keys.iter().find(|own| *own == key).cloned().unwrap_or_default(),
            Asked::Refresh(token) | Asked::Revocation(token) => known(token),
        }
    }

    /// Returns the reaction to a request.
    pub(super) fn heard(&mut self, asked: &Asked, key: &str) -> Heard {
        let said = match asked {
            Asked::Revocation(_) => self.lined_up.pop_front().unwrap_or(ScriptedReply::Done),
            _ => self.lined_up.pop_front().unwrap_or_else(|| self.always.clone()),
        };
        self.awaited = None;
        match said {
            ScriptedReply::Silence => Heard::Nothing,
            ScriptedReply::Stuck => Heard::Never,
            said => Heard::ScriptedReply(self.meant(said, key, asked)),
        }
    }

    /// Returns the reaction to a request that was kept waiting.
    pub(super) fn heard_again(&mut self, asked: &Asked, key: &str, is_late: bool) -> Heard {
        match self.awaited.take() {
            Some(said) => Heard::ScriptedReply(self.meant(said, key, asked)),
            None if is_late => Heard::TooLate,
            None => Heard::Nothing,
        }
    }

    /// Replaces a default reply by actual tokens.
    fn meant(&mut self, said: ScriptedReply, key: &str, asked: &Asked) -> ScriptedReply {
        let brings_refresh_token = match asked {
            Asked::Refresh(_) => self.replaces,
            Asked::Code(_) => true,
            Asked::ClientCredentials(_) | Asked::ApiLogin | Asked::Revocation(_) => false,
        };
        let said = match said {
            ScriptedReply::AsUsual => self.usual(key, brings_refresh_token),
            said => said,
        };
        let (access_token, refresh_token) = said.brings();
        self.know(key, access_token, refresh_token);
        said
    }

    fn usual(&mut self, key: &str, brings_refresh_token: bool) -> ScriptedReply {
        let place = self.given.iter().position(|(own, _)| own == key).unwrap_or_default();
        let number = self.given.get_mut(place).map_or(0, |(_, given)| {
            *given += 1;
            *given
        });
        let (access, refresh) = LETTERS[place % LETTERS.len()];
        ScriptedReply::Tokens {
            access_token: format!("{access}{number}"),
            lifetime: Some(USUAL),
            as_date: false,
            refresh_token: brings_refresh_token.then(|| format!("{refresh}{number}")),
        }
    }
}

/// Reads the content of a request.
pub(super) fn asked(request: &Request<Body>) -> Asked {
    let body = String::from_utf8_lossy(request.body().as_ref()).into_owned();
    let parameter = |name: &str| {
        let value = body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let path = request.uri().path();
    if let Some(token) = parameter("token").filter(|_| path.ends_with("revoke")) {
        return Asked::Revocation(token);
    }
    if let Some(token) = parameter("refresh_token") {
        return Asked::Refresh(token);
    }
    if let Some(code) = parameter("code") {
        return Asked::Code(code);
    }
    if path.ends_with("apilogin") { Asked::ApiLogin } else { Asked::ClientCredentials(parameter("tenant")) }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientCredentials(_) => f.write_str("client credentials"),
            Self::ApiLogin => f.write_str("ApiLogin"),
            Self::Refresh(token) => write!(f, "refresh {token}"),
            Self::Code(_) => f.write_str("code"),
            Self::Revocation(token) => write!(f, "revoke {token}"),
        }
    }
}
