//! The state of Octorate: applications, their properties, consents, codes and tokens, and the settings of the test.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use ipnet::Ipv4Net;
use serde_json::{Map, Value};

use super::demo::{
    DEMO_API_KEY, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_EMAIL, DEMO_NETWORK, DEMO_PROPERTY,
    DEMO_REDIRECT_URI, OTHER_PROPERTY,
};
use super::refusal;
use crate::call::Call;
use crate::clock::Clock;
use crate::material::Material;
use crate::registration::RegisteredApp;
use crate::reply::Reply;

const DAY: i64 = 86_400_000;
/// The window of the quota, in milliseconds.
const QUOTA_WINDOW: i64 = 300_000;

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) material: Material,
    pub(super) applications: BTreeMap<String, Application>,
    pub(super) properties: BTreeMap<String, Property>,
    pub(super) grants: BTreeMap<u64, Grant>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) access: HashMap<String, Access>,
    /// The property whose owner is at the consent page.
    pub(super) visitor: String,
    pub(super) access_lifetime: i64,
    pub(super) api_login_lifetime: i64,
    pub(super) rotates: bool,
    pub(super) expiry: Expiry,
    pub(super) quota: usize,
    /// Whether calls for properties come from the wrong environment.
    pub(super) environment_mismatch: bool,
    /// Whether the next request is answered with 550.
    pub(super) partner_error_is_next: bool,
    last_property: u64,
    last_grant: u64,
}

pub(super) struct Application {
    pub(super) name: String,
    pub(super) secret: String,
    pub(super) api_key: String,
    pub(super) redirect_uris: Vec<String>,
    pub(super) addresses: Vec<Ipv4Net>,
    /// Whether its permission for properties is `READONLY`.
    pub(super) read_only: bool,
    /// Members of the API configuration that are stored and returned, without a meaning here.
    pub(super) settings: Map<String, Value>,
    /// Properties whose old api key was already exchanged.
    pub(super) migrated: BTreeSet<String>,
    /// Master accounts by name, each with the grant that all its properties share.
    pub(super) networks: BTreeMap<String, u64>,
    calls: VecDeque<i64>,
}

pub(super) struct Property {
    pub(super) client_id: String,
    pub(super) name: String,
    pub(super) email: String,
}

/// The result of one consent, migration or onboarding: the properties that one refresh token reaches.
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) properties: BTreeSet<String>,
    /// `None` after it was cancelled.
    pub(super) refresh_token: Option<String>,
}

pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) property: String,
    pub(super) issued_at: i64,
}

pub(super) struct Access {
    pub(super) client_id: String,
    pub(super) reach: Reach,
    pub(super) expires_at: i64,
}

/// The two kinds of token (`ApiOperations` and `OAuthLogin` in OAS).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// An ApiLogin token: administration.
    Operations,
    /// A token for the properties of a grant.
    Properties(u64),
}

/// The expiry members of a token answer (S2 and OAS contradict each other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Expiry {
    /// Only `expireDate`, as in the samples of S2.
    #[default]
    Date,
    /// Only `expires_in` in seconds, as OAS recommends.
    Seconds,
    /// Both.
    Both,
}

impl State {
    pub(super) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        let mut state = Self {
            clock,
            material: Material::new(seed, "octorate"),
            applications: BTreeMap::new(),
            properties: BTreeMap::new(),
            grants: BTreeMap::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            visitor: DEMO_PROPERTY.to_owned(),
            access_lifetime: DAY,
            api_login_lifetime: 365 * DAY,
            rotates: false,
            expiry: Expiry::default(),
            quota: 10_000,
            environment_mismatch: false,
            partner_error_is_next: false,
            last_property: 300_000,
            last_grant: 0,
        };
        let demo = Application::new("Demo Application", DEMO_CLIENT_SECRET, DEMO_API_KEY);
        state.applications.insert(DEMO_CLIENT_ID.to_owned(), demo);
        state.add_property(DEMO_CLIENT_ID, DEMO_PROPERTY, "Hotel Aurora", DEMO_EMAIL);
        state.add_property(DEMO_CLIENT_ID, OTHER_PROPERTY, "Casa Belvedere", "owner@belvedere.example");
        let network = state.open_grant(DEMO_CLIENT_ID, OTHER_PROPERTY);
        if let Some(demo) = state.applications.get_mut(DEMO_CLIENT_ID) {
            demo.networks.insert(DEMO_NETWORK.to_owned(), network);
        }
        state
    }

    pub(super) fn register(&mut self, name: &str) -> RegisteredApp {
        let client_id = format!("public_{}", self.material.hex(32));
        let client_secret = format!("secret_{}{}", self.material.secret_hex(32), self.material.capitals(10));
        let application = Application::new(name, &client_secret, &self.material.secret_hex(32));
        self.applications.insert(client_id.clone(), application);
        RegisteredApp { client_id, client_secret }
    }

    pub(super) fn remove(&mut self, client_id: &str) {
        self.applications.remove(client_id);
        self.properties.retain(|_, property| property.client_id != client_id);
        self.grants.retain(|_, grant| grant.client_id != client_id);
        self.codes.retain(|_, code| code.client_id != client_id);
        self.access.retain(|_, access| access.client_id != client_id);
    }

    pub(super) fn new_property_id(&mut self) -> String {
        self.last_property += 1;
        self.last_property.to_string()
    }

    pub(super) fn add_property(&mut self, client_id: &str, id: &str, name: &str, email: &str) {
        let property =
            Property { client_id: client_id.to_owned(), name: name.to_owned(), email: email.to_owned() };
        self.properties.insert(id.to_owned(), property);
    }

    /// Starts a grant over one property, with a refresh token in the documented format.
    pub(super) fn open_grant(&mut self, client_id: &str, property: &str) -> u64 {
        self.last_grant += 1;
        let refresh_token = self.new_refresh_token();
        let grant = Grant {
            client_id: client_id.to_owned(),
            properties: BTreeSet::from([property.to_owned()]),
            refresh_token: Some(refresh_token),
        };
        self.grants.insert(self.last_grant, grant);
        self.last_grant
    }

    pub(super) fn new_refresh_token(&mut self) -> String {
        format!("{}{}", self.material.secret_hex(32), self.material.capitals(2))
    }

    /// Issues an access token, two UUIDs without a separator, and returns it with its expiry.
    pub(super) fn issue_access(&mut self, client_id: &str, reach: Reach) -> (String, i64) {
        let token = format!("{}{}", self.material.secret_uuid(), self.material.uuid());
        let lifetime = match reach {
            Reach::Operations => self.api_login_lifetime,
            Reach::Properties(_) => self.access_lifetime,
        };
        let expires_at = self.clock.now().saturating_add(lifetime);
        self.access.insert(token.clone(), Access { client_id: client_id.to_owned(), reach, expires_at });
        (token, expires_at)
    }

    /// Returns the caller of an API resource by its bearer token: the client id and the token's reach.
    pub(super) fn caller(&self, call: &Call) -> Result<(String, Reach), Reply> {
        let missing = || refusal::api_error(401, "ApiKeyMissing", "The api key is missing");
        let invalid = || refusal::api_error(401, "ApiKeyInvalid", "The api key is not valid");
        let token = call.bearer().ok_or_else(missing)?;
        let access = self.access.get(token).ok_or_else(invalid)?;
        if self.clock.now() >= access.expires_at {
            return Err(refusal::expired());
        }
        Ok((access.client_id.clone(), access.reach))
    }

    /// Counts a call against the application's quota and returns the count of remaining calls.
    pub(super) fn spend_quota(&mut self, client_id: &str) -> Result<usize, Reply> {
        let (now, quota) = (self.clock.now(), self.quota);
        let Some(application) = self.applications.get_mut(client_id) else { return Ok(quota) };
        while application.calls.front().is_some_and(|&at| now - at >= QUOTA_WINDOW) {
            application.calls.pop_front();
        }
        if application.calls.len() >= quota {
            let refusal = refusal::api_error(403, "ApiQuotaException", "You've reached your quota limits");
            return Err(refusal.header("x-ratelimit-remaining", "0"));
        }
        application.calls.push_back(now);
        Ok(quota - application.calls.len())
    }

    /// Whether a property was created by an application or granted to it.
    pub(super) fn is_open_to(&self, client_id: &str, property: &str) -> bool {
        self.properties.get(property).is_some_and(|known| known.client_id == client_id)
            || self.grants.values().any(|g| g.client_id == client_id && g.properties.contains(property))
    }

    /// Whether a grant still reaches a property.
    pub(super) fn reaches(&self, reach: Reach, property: &str) -> bool {
        match reach {
            Reach::Operations => false,
            Reach::Properties(grant) => {
                self.grants.get(&grant).is_some_and(|g| g.properties.contains(property))
            }
        }
    }
}

impl Application {
    fn new(name: &str, secret: &str, api_key: &str) -> Self {
        Self {
            name: name.to_owned(),
            secret: secret.to_owned(),
            api_key: api_key.to_owned(),
            redirect_uris: vec![DEMO_REDIRECT_URI.to_owned()],
            addresses: Vec::new(),
            read_only: false,
            settings: Map::new(),
            migrated: BTreeSet::new(),
            networks: BTreeMap::new(),
            calls: VecDeque::new(),
        }
    }

    /// Returns the count of calls in the current window.
    pub(super) fn calls_made(&self) -> usize {
        self.calls.len()
    }
}
