//! The owner of a property signs in: granted, refused, forged, used twice, too late.

use std::time::Duration;

use octo_auth_core::{AuthorizationCode, Client, Now, PendingAuthorization, Remedy, Scopes, TokenSet};
use octo_auth_emulator::BrowserPage;
use octo_auth_emulator::octorate::DEMO_REDIRECT_URI;

use crate::demo::passing::{check, granted};
use crate::demo::stage::Stage;
use crate::demo::stopped::Stopped;

/// Slightly more than the lifetime of a code at Octorate.
const OVER_A_MINUTE: Duration = Duration::from_secs(61);

/// Runs from the page to the tokens, with a forged callback in between and a second use of the code at the end.
pub(super) fn granted_by_the_owner(stage: &mut Stage<'_>, client: &Client) -> Result<TokenSet, Stopped> {
    let (page, pending) = client.authorize(DEMO_REDIRECT_URI, &no_scopes(), stage.entropy()?, stage.now())?;
    let callback = stage.person("The owner of a property grants access", &page, BrowserPage::grant)?;
    let forged = format!("{DEMO_REDIRECT_URI}?code=stolen&state=guessed");
    let rejected = stage.prevented(
        "A callback with a wrong state is not taken, and does not end the sign-in",
        pending.receive(&forged, stage.now()),
        "state_mismatch",
    )?;
    let pending = *rejected.pending.ok_or(Stopped::AtStep)?;
    // A web application that has lost track does this: it reads the same sign-in from its store a second time.
    let copy = PendingAuthorization::from_json(pending.to_json().expose()).ok_or(Stopped::AtStep)?;
    let code = stage.receives("The owner's own callback is taken", pending, &callback, |_| {
        Ok("A code, which Octorate takes for one minute.".to_owned())
    })?;
    let exchange = code.exchange(client, stage.now())?;
    let tokens = stage.succeeds("The code becomes tokens", exchange, |answer| {
        check(answer.value.refresh_token().is_some(), granted(&answer.value), "no refresh token came")
    })?;
    let used = copy.receive(&callback, stage.now())?.exchange(client, stage.now())?;
    stage.refused("The code works once", used, "provider:ApiParamsExemption", Remedy::SignInAgain)?;
    Ok(tokens)
}

/// Shows a sign-in that the owner refuses, and one that cannot be started.
pub(super) fn refused(stage: &mut Stage<'_>, client: &Client) -> Result<(), Stopped> {
    let (page, pending) = client.authorize(DEMO_REDIRECT_URI, &no_scopes(), stage.entropy()?, stage.now())?;
    let callback = stage.person("Another owner refuses", &page, BrowserPage::refuse)?;
    stage.prevented(
        "The refusal is understood as one",
        pending.receive(&callback, stage.now()),
        "oauth:access_denied",
    )?;
    stage.prevented(
        "A redirect URI without https is not even asked for",
        client.authorize("http://localhost", &no_scopes(), stage.entropy()?, stage.now()),
        "redirect_uri",
    )?;
    Ok(())
}

/// Shows a code that is too old: by our own clock it is not sent, and by Octorate's it is refused.
pub(super) fn too_late(stage: &mut Stage<'_>, client: &Client) -> Result<(), Stopped> {
    let slow = signed_in(stage, client, "The owner grants access once more")?;
    let Now { wall, boot } = stage.now();
    let later = Now { wall: wall.saturating_add(OVER_A_MINUTE), boot: boot.saturating_add(OVER_A_MINUTE) };
    stage.prevented(
        "A code that is older than a minute is not sent",
        slow.exchange(client, later),
        "code_too_old",
    )?;
    let late = signed_in(stage, client, "And once more, for a code that is sent late")?;
    stage.wait(OVER_A_MINUTE);
    stage.refused(
        "A code that is late by Octorate's clock is refused",
        late.exchange(client, stage.now())?,
        "provider:ApiParamsExemption",
        Remedy::SignInAgain,
    )
}

/// Signs in without detours and returns the code.
fn signed_in(stage: &mut Stage<'_>, client: &Client, name: &str) -> Result<AuthorizationCode, Stopped> {
    let (page, pending) = client.authorize(DEMO_REDIRECT_URI, &no_scopes(), stage.entropy()?, stage.now())?;
    let callback = stage.person(name, &page, BrowserPage::grant)?;
    Ok(pending.receive(&callback, stage.now())?)
}

/// Octorate has no scopes.
fn no_scopes() -> Scopes {
    Scopes::none()
}
