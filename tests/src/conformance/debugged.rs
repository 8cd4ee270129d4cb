//! The `Debug` output of the public types that contain a secret, directly or nested.

use std::fmt::Debug;
use std::time::Duration;

use http::Response;
use octo_auth_blocking::{MemoryStore, TokenManager};
use octo_auth_config::{KeySource, Settings};
use octo_auth_core::{
    AccessToken, Body, Client, Imported, Now, Policy, Profile, RecordBytes, Saved, Scopes, Secret, Storage,
    Stored, Timestamp, TokenSpec, TokenTypeHint, Verdict, Version,
};
use octo_auth_store_file::{Registration, SecretSource};
use octo_auth_system::entropy;
use serde_json::{Value, json};

/// The time of all operations.
const NOW: Now = Now { wall: Timestamp::from_unix_seconds(1_800_000_000), boot: Duration::from_secs(60) };

/// Formats a value of each type with this secret in it. The facts name the first type that shows it.
pub(super) fn shows(secret: &str) -> Result<Value, String> {
    let shown = values(secret).map_err(|error| error.to_string())?;
    let leak = shown.iter().find(|(_, text)| text.contains(secret));
    let outcome = leak.map_or("ok", |(name, _)| name);
    Ok(json!({"outcome": outcome, "secret_in_output": leak.is_some()}))
}

/// The name of each type, and the `Debug` output of a value.
#[derive(Default)]
struct Shown(Vec<(&'static str, String)>);

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn values(secret: &str) -> Result<Vec<(&'static str, String)>, Box<dyn std::error::Error>> {
    let mut shown = Shown::default();
    shown.of_settings(secret)?;
    let profile = Profile::rfc6749("https://as.example/token")?;
    let profile = profile.with_revocation_url("https://as.example/revoke")?;
    let client = Client::new(profile, "me", secret)?.with_parameter("tenant", secret)?;
    shown.of_exchanges(&client, secret)?;
    shown.of_accounts(client, secret)?;
    Ok(shown.0)
}

impl Shown {
    fn show(&mut self, name: &'static str, value: &dyn Debug) {
        self.0.push((name, format!("{value:?} {value:#?}")));
    }

    fn of_settings(&mut self, secret: &str) -> Outcome {
        let held = || Secret::from(secret);
        self.show("Secret", &held());
        self.show("AccessToken", &AccessToken::new(held()));
        self.show("Body", &Body::from(secret));
        self.show("KeySource", &KeySource::Here(held(), octo_auth_config::Origin::Default));
        let source = Some(SecretSource::Stored(held()));
        self.show("SecretSource", &source);
        let (issuer, client_id) = ("https://as.example".into(), "me".into());
        self.show("Registration", &Registration { issuer, client_id, secret: source, settings: [].into() });
        let file = format!(
            "profile = 'octorate'\nclient_id = 'me'\nclient_secret = '{secret}'\nstore.key = '{secret}'"
        );
        let settings = Settings::read(Some(("a.toml", &file)), [])?;
        self.show("Settings", &settings);
        self.show("Shown", &settings.shown());
        let misspelt = Settings::read(Some(("a.toml", &format!("profle = '{secret}'"))), []);
        self.show("ConfigError", &misspelt.err());
        Ok(())
    }

    fn of_exchanges(&mut self, client: &Client, secret: &str) -> Outcome {
        self.show("Client", client);
        let held = Secret::from(secret);
        for exchange in [client.client_credentials(&Scopes::none())?, client.refresh(&held)?] {
            self.show("Exchange", &exchange);
            self.show("Request", exchange.request());
        }
        self.show("Exchange of a revocation", &client.revoke(&held, TokenTypeHint::RefreshToken)?);
        let whole = json!({"access_token": secret, "token_type": "bearer", "refresh_token": secret, "expires_in": 3600});
        let answers =
            [(200, whole), (200, json!({"refresh_token": secret})), (400, json!({"error": secret}))];
        for (status, body) in answers {
            let response = Response::builder().status(status).header("content-type", "application/json");
            let read = client.refresh(&held)?.read(&response.body(body.to_string())?, NOW, NOW);
            self.show("Answer or ExchangeError", &read);
            if let Ok(answer) = read {
                self.show("TokenSet", &answer.value);
                self.show("Imported", &Imported::Tokens(answer.value));
            }
        }
        Ok(())
    }

    fn of_accounts(&mut self, client: Client, secret: &str) -> Outcome {
        let imported = || Imported::RefreshToken(Secret::from(secret));
        self.show("Imported", &[imported(), Imported::Seed(Secret::from(secret))]);
        let content = RecordBytes::from(secret.as_bytes());
        self.show("Saved", &Saved::Conflict(Some(Stored { version: Version(1), content })));
        let key = TokenSpec::account("inn").with_parameter("audience", secret);
        self.show("TokenSpec", &key);
        let (policy, storage) = (Policy::default(), Storage::SingleProcess);
        let mut machine = octo_auth_core::TokenManager::new(client.clone(), policy, storage, &entropy()?);
        let job = machine.import(&key, imported(), NOW)?;
        self.show("Job", &job);
        self.show("TokenManager of the core", &machine);
        self.show("Status", &machine.status(&key, NOW));
        if let Verdict::GiveUp(failure) = machine.decide_at_deadline(&key, NOW).verdict {
            self.show("TokenError", &failure);
        }
        let store = MemoryStore::new();
        let manager = TokenManager::builder(client).store(store.clone()).build()?;
        self.show("Builder", &TokenManager::builder(manager.client()));
        let tokens = manager.tokens(key)?;
        tokens.import(imported())?;
        self.show("TokenSource", &tokens);
        self.show("TokenManager", &manager);
        self.show("MemoryStore", &store);
        self.show("Unfinished", &manager.unfinished());
        Ok(())
    }
}
