//! Each grant without errors.

use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{
    AuthorizationCode, Client, ExchangeError, PendingAuthorization, TokenSet, TokenTypeHint,
};
use octo_auth_tests::registration::sound;

use super::Stage;
use super::server::{REDIRECT_URI, SECRET, scopes};

impl Stage<'_> {
    /// Starts a sign-in with fresh entropy. Returns its page and its pending state.
    pub(crate) fn page(&self, client: &Client, scope: &str) -> (String, PendingAuthorization) {
        let entropy = sound(octo_auth_system::entropy());
        sound(client.authorize(REDIRECT_URI, &scopes(scope), entropy, self.adapter.now()))
    }

    /// Signs in and returns the code that the person grants.
    pub(crate) fn code(&self, client: &Client, scope: &str) -> AuthorizationCode {
        let (page, pending) = self.page(client, scope);
        sound(pending.receive(&self.server.visit(&page, false), self.adapter.now()))
    }

    pub(crate) fn redeemed(
        &self,
        code: AuthorizationCode,
        client: &Client,
    ) -> Result<TokenSet, ExchangeError> {
        self.adapter.run(sound(code.exchange(client, self.adapter.now()))).map(|answer| answer.value)
    }

    pub(crate) fn signed_in(&self, client: &Client, scope: &str) -> TokenSet {
        sound(self.redeemed(self.code(client, scope), client))
    }

    pub(crate) fn is_active(&self, client: &Client, token: &octo_auth_core::Secret) -> bool {
        sound(self.adapter.run(sound(client.introspect(token)))).value.active
    }
}

pub(crate) fn client_credentials(stage: &Stage<'_>) {
    for id in ["basic", "post"] {
        let client = stage.server.client(id);
        let answer = sound(stage.adapter.run(sound(client.client_credentials(&scopes("api:read")))));
        assert!(answer.deviations.is_empty(), "{:?}", answer.deviations);
        let token = answer.value.access_token().as_secret().clone();
        assert!(answer.value.refresh_token().is_none() && answer.value.lifetime().is_some());
        assert!(stage.is_active(&client, &token), "{id}");
        sound(stage.adapter.run(sound(client.revoke(&token, TokenTypeHint::AccessToken))));
        assert!(!stage.is_active(&client, &token), "{id}");
    }
}

pub(crate) fn codes(stage: &Stage<'_>) {
    for id in ["basic", "post", "public"] {
        let client = stage.server.client(id);
        let tokens = stage.signed_in(&client, "openid api:read");
        assert!(tokens.refresh_token().is_some(), "{id}");
        let refresh_token = sound(tokens.refresh_token().ok_or("no refresh token"));
        let renewed = sound(stage.adapter.run(sound(client.refresh(refresh_token)))).value;
        assert_ne!(renewed.refresh_token(), Some(refresh_token), "{id}: it is rotated");
    }
}

pub(crate) fn issuers(stage: &Stage<'_>) {
    let with = |issuer: &str| {
        let profile = stage.server.profile(ClientAuthentication::Basic).with_issuer(issuer.to_owned());
        sound(Client::new(sound(profile), "basic", SECRET))
    };
    let own = stage.code(&with(stage.server.url()), "openid");
    assert!(own.other_parameters().is_empty(), "{own:?}");
    assert!(sound(stage.redeemed(own, &with(stage.server.url()))).refresh_token().is_some());
    let (page, pending) = stage.page(&with("https://other.example"), "openid");
    let rejected = pending.receive(&stage.server.visit(&page, false), stage.adapter.now());
    assert_eq!(rejected.map(drop).map_err(|rejected| rejected.error.code()), Err("iss_mismatch".into()));
    let unset = stage.code(&stage.server.client("basic"), "openid");
    assert_eq!(unset.other_parameters(), [("iss".to_owned(), stage.server.url().to_owned())]);
}
