//! Values that a scenario gives to a process of any backend: tokens to import, codes to exchange.

use std::time::Duration;

use octo_auth_core::{AccessToken, Entropy, Exchange, Imported, Scopes, Secret, State, TokenSet};

use super::Environment;

/// The redirect URI of the authorization requests.
const REDIRECT_URI: &str = "https://app.example/callback";

impl Environment {
    /// Returns the tokens to import for a spec.
    #[must_use]
    pub fn imported(
        &self,
        key: &str,
        token: Option<&(String, Option<Duration>)>,
        refresh_token: Option<&str>,
    ) -> Option<Imported> {
        let now = {
            let mut inside = self.enter();
            inside.server.know(key, token.map(|(token, _)| token.as_str()), refresh_token);
            inside.now
        };
        let refresh_token = refresh_token.map(Secret::new);
        let Some((token, lifetime)) = token else { return refresh_token.map(Imported::RefreshToken) };
        let client = self.setup().client();
        let token = AccessToken::new(token.as_str())?;
        let tokens = TokenSet::restore(client.profile(), token, now.wall, *lifetime, refresh_token);
        Some(Imported::Tokens(tokens))
    }

    /// Returns the exchange of an authorization code that was issued for a spec.
    #[must_use]
    pub fn redeemed(&self, key: &str) -> Option<Exchange<TokenSet>> {
        let client = self.setup().client();
        let entropy = Entropy::from_bytes([7; 64]);
        let (_, pending) = client.authorize(REDIRECT_URI, &Scopes::none(), entropy, self.now()).ok()?;
        let callback = format!("?code={key}&state={}", pending.state().expose());
        let code = pending.receive(&callback, self.now()).ok()?;
        code.exchange(&client, self.now()).ok()
    }

    /// Records that a row of the decision table has applied.
    pub fn decided(&self, row: State) {
        self.enter().rows.insert(row.word());
    }

    /// Returns the rows of the decision table that have applied, as far as known.
    #[must_use]
    pub fn rows(&self) -> Vec<&'static str> {
        self.lock().rows.iter().copied().collect()
    }
}
