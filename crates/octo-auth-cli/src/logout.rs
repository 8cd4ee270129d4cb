//! `octo-auth logout`: ends an account here, and revokes its token at the provider if possible.
//!
//! The rule of this module: before the account is ended, the token to revoke is stored, and it stays stored until the
//! provider has revoked it. So a failed revocation or a crash loses nothing. The revocation does not count against the
//! budget of token requests: a person who signs out wants that now, and no provider documents a limit of revocations.

use std::time::Duration;

use octo_auth_blocking::Runner;
use octo_auth_core::{RecordName, TokenTypeHint};

use crate::arguments::LogoutRequest;
use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::record;
use crate::revocation::Revocations;
use crate::stored::{Absent, Stored};

/// The limit of the wait for the save.
const SAVING: Duration = Duration::from_secs(10);

/// Ends the account, and revokes its token and those left from earlier attempts.
///
/// # Errors
///
/// Returns a [`Failure`] if there is nothing to end, if the change cannot be stored, or if the provider did not revoke
/// a token.
pub(crate) fn run(request: &LogoutRequest, output: &mut Output) -> Result<Exit, Failure> {
    let stored = Stored::open(&request.client, &request.stored, Absent::Refused)?;
    stored.writable()?;
    let (key, name) = (&stored.key, RecordName::new(&stored.client, &stored.key));
    let revocations = Revocations::of(&stored, &name)?;
    let Some(record) = record::read(&stored.store, &name)? else {
        let message = format!("{} holds no token of {key}", stored.shown_directory());
        return Err(Failure::new(Exit::Configuration, message)
            .with_remedy("name the account by --account NAME; octo-auth status lists them"));
    };
    let can_revoke = stored.client.profile().document().calls.revocation.is_some();
    if let Some(token) = record.to_revoke().filter(|_| can_revoke) {
        revocations.add(&token)?;
    }
    sign_out(&stored)?;
    output.line(format_args!("{key}: signed out"))?;
    if key.is_client_grant() {
        output::tell(&format!(
            "note: the client itself gets no token from this store any more; to begin again, remove its record {name} \
             from {}",
            stored.shown_directory()
        ));
    }
    if !can_revoke {
        let title = stored.client.profile().title();
        output::tell(&format!(
            "note: {title} has no endpoint that revokes tokens: they work until they expire, or until you withdraw the \
             consent there"
        ));
        return Ok(Exit::Done);
    }
    let runner =
        Runner::with_transport(stored.transport()).with_deadline(Duration::from_secs(request.deadline));
    let revoked = revocations.carry_out(|token| {
        let hint =
            if key.is_client_grant() { TokenTypeHint::AccessToken } else { TokenTypeHint::RefreshToken };
        runner.run(stored.client.revoke(token, hint)?)?;
        Ok(())
    });
    let count = revoked.map_err(|failure: Failure| {
        let hint = "the token is kept, and the next octo-auth logout of this account tries again";
        failure.with_hint(hint).about("signed out here, but not at the provider")
    })?;
    if count > 0 {
        output.line(format_args!("{key}: revoked at the provider"))?;
    }
    Ok(Exit::Done)
}

/// Ends the account in the store. The token is not revoked here, because the result of that would not be reported.
fn sign_out(stored: &Stored) -> Result<(), Failure> {
    let manager = stored.accounts_without_revocation()?;
    let tokens = manager.tokens(stored.key.clone())?;
    tokens.sign_out();
    if manager.shutdown_within(SAVING).is_empty() {
        return Ok(());
    }
    let message = format!("the end of {} is not stored in {}", stored.key, stored.shown_directory());
    Err(Failure::new(Exit::TryLater, message).with_hint(tokens.explain().replace('\n', "\n    ")))
}
