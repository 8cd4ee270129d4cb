//! Refresh tokens that can be used once, and access tokens that are refused.

use octo_auth_core::{Client, ExchangeError, Remedy, Secret, TokenSet, TokenTypeHint};
use octo_auth_tests::registration::sound;

use super::Stage;
use super::manager::{Ahead, Manager};

/// A count of seconds after which an access token has expired.
pub(crate) const LIFETIME: u64 = 3700;

impl Stage<'_> {
    pub(crate) fn manager(&self, client: &Client, clock: &Ahead) -> Manager {
        Manager::start(self.adapter.name(), client.clone(), &self.store, clock.clone())
    }

    fn refreshed(&self, client: &Client, refresh_token: &Secret) -> Result<TokenSet, ExchangeError> {
        self.adapter.run(sound(client.refresh(refresh_token))).map(|answer| answer.value)
    }
}

pub(crate) fn refresh_token(tokens: &TokenSet) -> Secret {
    sound(tokens.refresh_token().cloned().ok_or("no refresh token"))
}

pub(crate) fn reuse(stage: &Stage<'_>) {
    for id in ["basic", "public"] {
        let client = stage.server.client(id);
        let first = refresh_token(&stage.signed_in(&client, "openid"));
        let second = refresh_token(&sound(stage.refreshed(&client, &first)));
        for used in [&first, &second] {
            let Err(error) = stage.refreshed(&client, used) else { panic!("a used family") };
            assert_eq!((&*error.code(), error.remedy()), ("oauth:invalid_grant", Remedy::SignInAgain));
        }
    }
}

pub(crate) fn renewals(stage: &Stage<'_>) {
    let (client, clock) = (stage.server.client("post"), Ahead::default());
    let mut manager = stage.manager(&client, &clock);
    sound(manager.import(stage.signed_in(&client, "openid")));
    let mut last = sound(manager.text());
    for round in 0..6 {
        assert_eq!(sound(manager.text()), last, "it is served from memory");
        clock.pass(LIFETIME);
        if round == 3 {
            drop(manager);
            manager = stage.manager(&client, &clock);
        }
        let next = sound(manager.text());
        assert_ne!(next, last, "round {round}");
        last = next;
    }
    assert_eq!((stage.server.count("refresh_token.consumed"), stage.server.count("grant.revoked")), (6, 0));
    manager.sign_out();
    let Err(failure) = manager.get() else { panic!("it was signed out") };
    assert_eq!(failure.remedy(), Remedy::SignInAgain);
    assert!(!stage.is_active(&client, &Secret::from(last)), "the server has revoked it too");
}

pub(crate) fn callers(stage: &Stage<'_>) {
    let (client, clock) = (stage.server.client("post"), Ahead::default());
    let manager = stage.manager(&client, &clock);
    sound(manager.import(stage.signed_in(&client, "openid")));
    clock.pass(LIFETIME);
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..16).map(|_| scope.spawn(|| sound(manager.text()))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap_or_default()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && !token.is_empty()));
    assert_eq!((stage.server.count("refresh_token.consumed"), stage.server.count("grant.revoked")), (1, 0));
}

pub(crate) fn used_elsewhere(stage: &Stage<'_>) {
    let (client, clock) = (stage.server.client("basic"), Ahead::default());
    let manager = stage.manager(&client, &clock);
    let tokens = stage.signed_in(&client, "openid");
    let copy = refresh_token(&tokens);
    sound(manager.import(tokens));
    sound(stage.refreshed(&client, &copy));
    assert!(manager.get().is_ok(), "what is there is served");
    clock.pass(LIFETIME);
    let Err(failure) = manager.get() else { panic!("the refresh token was used elsewhere") };
    assert_eq!(failure.remedy(), Remedy::SignInAgain, "{failure}");
    assert!(!format!("{failure} {failure:?} {}", manager.explain()).contains(copy.expose()));
    let errors = stage.server.count("grant.error");
    clock.pass(LIFETIME);
    assert!(manager.get().is_err());
    assert_eq!(stage.server.count("grant.error"), errors, "a dead refresh token is not sent again");
    sound(manager.import(stage.signed_in(&client, "openid")));
    clock.pass(LIFETIME);
    assert!(manager.get().is_ok(), "{}", manager.explain());
}

pub(crate) fn refused_by_the_api(stage: &Stage<'_>) {
    let client = stage.server.client("basic");
    let manager = stage.manager(&client, &Ahead::default());
    sound(manager.import(stage.signed_in(&client, "openid")));
    let api = stage.server.at("/me");
    assert_eq!(sound(manager.call(&api)).status(), 200);
    let token = sound(manager.text());
    stage.server.control(&format!("forget?token={token}"));
    assert_eq!(sound(manager.call(&api)).status(), 200, "renewed, and repeated: {}", manager.explain());
    let renewed = sound(manager.text());
    assert_ne!(renewed, token);
    assert_eq!(stage.server.count("refresh_token.consumed"), 1);
    // Revoking an access token makes this server revoke the whole family, as RFC 7009 section 2.1 permits.
    let revoked = client.revoke(&Secret::from(renewed), TokenTypeHint::AccessToken);
    sound(stage.adapter.run(sound(revoked)));
    let answer = sound(manager.call(&api));
    assert_eq!((answer.status().as_u16(), answer.code()), (401, Some("oauth:invalid_token")));
    // A refusal forces at most one refresh a minute.
    manager.clock.pass(61);
    let Err(failure) = manager.get() else { panic!("a refused token was handed out: {}", manager.explain()) };
    assert_eq!(failure.remedy(), Remedy::SignInAgain, "{failure}");
}
