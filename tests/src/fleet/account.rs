//! An account of a fleet, and the judgement of what its processes got.

use octo_auth_core::TokenSpec;

/// Returns the account with a number. Its requests name it, so that the emulator's log shows which account sent them.
pub(crate) fn account(number: usize) -> TokenSpec {
    TokenSpec::account(&name(number)).with_parameter("audience", &name(number))
}

/// Returns the name of the account with a number.
pub(super) fn name(number: usize) -> String {
    format!("inn-{number}")
}

/// What is known about an account.
#[derive(Default)]
pub(super) struct Account {
    /// The tokens that processes reported in the last round that had any.
    last: Vec<String>,
    /// Whether a process was killed since the last sign-in.
    pub(super) has_killed: bool,
    /// The count of rounds without a token since the last one.
    silent: u32,
    /// The count of requests for it.
    requests: u64,
    /// The count of different tokens that processes got.
    rotations: u64,
}

/// The result of a round for an account.
pub(super) struct Judged {
    /// The count of new tokens.
    pub(super) rotations: u64,
    /// The count of answers with a token.
    pub(super) tokens: usize,
    /// Whether a kill lost the refresh token.
    pub(super) is_lost: bool,
}

impl Account {
    /// Judges the answers of all processes in a round, in which this count of requests was sent. All kills of the fleet
    /// count. If wall clocks move, processes may renew at different times.
    pub(super) fn judge(
        &mut self,
        told: &[&str],
        requests: usize,
        kills: usize,
        moves_clocks: bool,
    ) -> Result<Judged, String> {
        let tokens: Vec<&str> = told.iter().copied().filter(|answer| answer.starts_with("token ")).collect();
        let mut new: Vec<String> = tokens.iter().map(|token| (*token).to_owned()).collect();
        new.sort();
        new.dedup();
        if new.len() > 1 && !moves_clocks {
            return Err(format!("two tokens in one round: {told:?}"));
        }
        let rotations = new.iter().filter(|token| !self.last.contains(token)).count() as u64;
        self.rotations += rotations;
        self.requests += requests as u64;
        self.silent += 1;
        if !new.is_empty() {
            (self.last, self.silent) = (new, 0);
        }
        if self.silent > 5 {
            return Err(format!("no token for {} rounds: {told:?}", self.silent));
        }
        // Each request yields a token, except those of killed processes.
        let lost = self.requests.saturating_sub(self.rotations);
        if lost > kills as u64 && !moves_clocks {
            return Err(format!("{lost} requests brought no token: {told:?}"));
        }
        let is_lost = told.iter().any(|answer| answer.ends_with("sign_in_again"));
        if is_lost && !self.has_killed {
            return Err(format!("a refresh token is lost, and no process was killed: {told:?}"));
        }
        Ok(Judged { rotations, tokens: tokens.len(), is_lost })
    }
}
