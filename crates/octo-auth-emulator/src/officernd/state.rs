//! The state of OfficeRND: applications, codes, tokens, and the times of each client's requests.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::demo::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PERMISSIONS, DEMO_REDIRECT_URI};
use crate::clock::Clock;
use crate::loopback::ANY_LOOPBACK;
use crate::material::Material;
use crate::registration::RegisteredApp;

const MINUTE: i64 = 60_000;

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) material: Material,
    pub(super) applications: BTreeMap<String, Application>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) access: HashMap<String, Access>,
    pub(super) refresh: HashMap<String, Refresh>,
    pub(super) access_lifetime: i64,
    pub(super) requests_per_minute: usize,
    requests: HashMap<String, VecDeque<i64>>,
}

pub(super) struct Application {
    pub(super) name: String,
    pub(super) secret: String,
    pub(super) permissions: BTreeSet<String>,
    pub(super) redirect_uris: Vec<String>,
}

pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) issued_at: i64,
}

pub(super) struct Access {
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: i64,
}

#[derive(Clone)]
pub(super) struct Refresh {
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
}

impl State {
    pub(super) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        let mut demo = Application::new("Demo Application", DEMO_CLIENT_SECRET, &DEMO_PERMISSIONS);
        demo.redirect_uris.push(ANY_LOOPBACK.to_owned());
        Self {
            clock,
            material: Material::new(seed, "officernd"),
            applications: BTreeMap::from([(DEMO_CLIENT_ID.to_owned(), demo)]),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            access_lifetime: 3_599_000,
            requests_per_minute: 5,
            requests: HashMap::new(),
        }
    }

    pub(super) fn register(&mut self, name: &str, permissions: &[&str]) -> RegisteredApp {
        let client_id = self.material.alphanumerics(16);
        let client_secret = self.material.secret_alphanumerics(32);
        self.applications.insert(client_id.clone(), Application::new(name, &client_secret, permissions));
        RegisteredApp { client_id, client_secret }
    }

    pub(super) fn remove(&mut self, client_id: &str) {
        self.applications.remove(client_id);
        self.codes.retain(|_, code| code.client_id != client_id);
        self.access.retain(|_, access| access.client_id != client_id);
        self.refresh.retain(|_, refresh| refresh.client_id != client_id);
    }

    /// Admits a token request. Returns `false` if the limit of the minute is reached.
    pub(super) fn admit(&mut self, client_id: &str) -> bool {
        let admitted = self.requests_in_window(client_id) < self.requests_per_minute;
        if admitted {
            let now = self.clock.now();
            self.requests.entry(client_id.to_owned()).or_default().push_back(now);
        }
        admitted
    }

    pub(super) fn requests_in_window(&mut self, client_id: &str) -> usize {
        let now = self.clock.now();
        let Some(times) = self.requests.get_mut(client_id) else { return 0 };
        times.retain(|&at| now - at < MINUTE);
        times.len()
    }
}

impl Application {
    fn new(name: &str, secret: &str, permissions: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            secret: secret.to_owned(),
            permissions: permissions.iter().map(|&scope| scope.to_owned()).collect(),
            redirect_uris: vec![DEMO_REDIRECT_URI.to_owned()],
        }
    }
}
