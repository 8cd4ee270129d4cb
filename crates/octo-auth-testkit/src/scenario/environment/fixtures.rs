//! What a process of any form is given by a scenario: tokens to adopt, codes to redeem.

use std::time::Duration;

use octo_auth_core::{AccessToken, Entropy, Exchange, Imported, Scopes, Secret, State, TokenSet};

use super::Environment;

/// Where the provider sends whoever has signed in.
const REDIRECT_URI: &str = "https://app.example/callback";

impl Environment {
    /// What a key begins anew with.
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

    /// The exchange of a code that somebody was given for a key.
    #[must_use]
    pub fn redeemed(&self, key: &str) -> Option<Exchange<TokenSet>> {
        let client = self.setup().client();
        let entropy = Entropy::from_bytes([7; 64]);
        let (_, pending) = client.authorize(REDIRECT_URI, &Scopes::none(), entropy, self.now()).ok()?;
        let callback = format!("?code={key}&state={}", pending.state().expose());
        let code = pending.receive(&callback, self.now()).ok()?;
        code.exchange(&client, self.now()).ok()
    }

    /// A row of the table has applied.
    pub fn decided(&self, row: State) {
        self.enter().rows.insert(row.word());
    }

    /// The rows of the table that have applied, where that is known.
    #[must_use]
    pub fn rows(&self) -> Vec<&'static str> {
        self.lock().rows.iter().copied().collect()
    }
}
