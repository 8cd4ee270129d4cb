//! Decisions of users and operators: sign-ins, imported seeds, sign-outs, another client secret.

use std::time::Duration;

use octo_auth_core::{Imported, Secret};

use super::expectations::{Answer, token_set};
use super::{World, client};
use crate::registration::sound;

impl World {
    /// Signs a user in. Returns the place of the job that saves the sign-in.
    pub(super) fn import(&mut self, process: usize, key: usize, lifetime: Option<u32>) -> Option<usize> {
        let refresh_token = (!self.keys[key].is_client_grant()).then(|| self.server.sign_in(key));
        self.sign_in_with(process, key, refresh_token.as_deref(), lifetime)
    }

    pub(super) fn sign_in_with(
        &mut self,
        process: usize,
        key: usize,
        refresh_token: Option<&str>,
        lifetime: Option<u32>,
    ) -> Option<usize> {
        let (now, name) = (self.local(process), self.keys[key].clone());
        self.given.extend(refresh_token.map(str::to_owned));
        let imported = match (refresh_token, lifetime) {
            (Some(refresh_token), None) => Imported::RefreshToken(Secret::from(refresh_token)),
            (_, lifetime) => {
                let token = self.server.access_token(key);
                let lifetime = Duration::from_secs(lifetime.unwrap_or(600).into());
                let own = (process, self.processes[process].incarnation);
                let answer = Answer { process: own, sent: now, lifetime: Some(lifetime), is_sign_in: true };
                self.answers.add(&token, answer);
                let profile = self.processes[process].manager.client().profile().clone();
                Imported::Tokens(token_set(&profile, &token, now, lifetime, refresh_token))
            }
        };
        let clock = self.clock(process);
        let job = self.processes[process].manager.import(&name, imported, clock);
        self.stats.fault("sign-ins");
        self.processes[process].expected[key].decided(false);
        if refresh_token.is_some() {
            let status = self.processes[process].manager.status(&name, clock);
            let is_good = status.as_ref().is_some_and(|status| !status.sign_in_needed);
            self.expect("I33", is_good, || {
                format!("after a sign-in: {:?}", status.map(|status| status.state))
            });
        }
        self.hand(process, sound(job))
    }

    /// Imports the refresh token of the first sign-in. Returns the place of the job that saves it.
    pub(super) fn seed(&mut self, process: usize, key: usize) -> Option<usize> {
        let seed = self.seeds[key].clone()?;
        let (clock, imported) = (self.clock(process), self.imported_as(&seed));
        self.stats.fault("seeds imported");
        let expected = &mut self.processes[process].expected[key];
        expected.hand = None;
        expected.closed = None;
        if expected.known == 0 {
            // The process does not know yet whether the seed was imported before.
            expected.signed_out = None;
        }
        let job = self.processes[process].manager.import(&self.keys[key], imported, clock);
        self.hand(process, sound(job))
    }

    pub(super) fn sign_out(&mut self, process: usize, key: usize) {
        let (now, name) = (self.clock(process), self.keys[key].clone());
        self.stats.fault("sign-outs");
        let job = self.processes[process].manager.sign_out(&name, now);
        self.processes[process].expected[key].decided(true);
        self.hand(process, job);
        let published = self.processes[process].manager.published(&name, now).is_some();
        self.expect("I36", !published, || "something is published after the sign-out".to_owned());
    }

    pub(super) fn replace_client(&mut self, process: usize) {
        let client = client(self.setup.provider, self.sabotage);
        self.stats.fault("clients replaced");
        sound(self.processes[process].manager.replace_client(client));
        self.processes[process].client_replaced();
    }
}
