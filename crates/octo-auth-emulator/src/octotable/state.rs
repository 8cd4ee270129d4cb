//! The state of OctoTable: clients with their sandbox properties, and access tokens.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::demo::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_PROPERTY};
use crate::clock::Clock;
use crate::material::Material;
use crate::registration::RegisteredApp;

pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) material: Material,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) access: HashMap<String, Access>,
    pub(super) access_lifetime: i64,
    pub(super) expires_in: u64,
    last_client: u64,
    last_property: u64,
}

pub(super) struct Client {
    pub(super) id: u64,
    pub(super) secret: String,
    pub(super) username: String,
    pub(super) properties: Vec<Property>,
}

pub(super) struct Property {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) position: Value,
}

pub(super) struct Access {
    pub(super) client_id: String,
    pub(super) expires_at: i64,
}

impl State {
    pub(super) fn new(clock: Clock, seed: &[u8; 32]) -> Self {
        let demo = Client {
            id: 124,
            secret: DEMO_CLIENT_SECRET.to_owned(),
            username: "demo@restaurant.example".to_owned(),
            properties: vec![Property {
                id: DEMO_PROPERTY,
                name: "Demo Restaurant".to_owned(),
                position: json!({}),
            }],
        };
        Self {
            clock,
            material: Material::new(seed, "octotable"),
            clients: BTreeMap::from([(DEMO_CLIENT_ID.to_owned(), demo)]),
            access: HashMap::new(),
            access_lifetime: 1_440_000,
            expires_in: 1_440,
            last_client: 124,
            last_property: DEMO_PROPERTY,
        }
    }

    pub(super) fn register(&mut self, name: &str) -> RegisteredApp {
        let username = format!("user{}@restaurant.example", self.last_client + 1);
        self.add_client(&username, name, json!({}))
    }

    /// Adds a client with an id and secret in the formats of S4, and with one sandbox property.
    pub(super) fn add_client(&mut self, username: &str, property: &str, position: Value) -> RegisteredApp {
        self.last_client += 1;
        self.last_property += 1;
        let client_id =
            format!("public_{}", [17, 4, 4, 4, 10].map(|length| self.material.hex(length)).join("-"));
        let client_secret = self.material.secret_uuid();
        let property = Property { id: self.last_property, name: property.to_owned(), position };
        let client = Client {
            id: self.last_client,
            secret: client_secret.clone(),
            username: username.to_owned(),
            properties: vec![property],
        };
        self.clients.insert(client_id.clone(), client);
        RegisteredApp { client_id, client_secret }
    }
}

impl Property {
    pub(super) fn to_json(&self) -> Value {
        json!({ "enabled": true, "id": self.id, "name": self.name, "position": self.position, "sandbox": true })
    }
}
