//! The errors of a sign-in, and their remedies.

use octo_auth_core::{CallbackError, Diagnostic, OnboardingError, Remedy};
use octo_auth_login::ListenError;

use crate::failure::{Exit, Failure};

/// Describes a code that was not exchanged for tokens.
pub(super) fn not_exchanged(error: &OnboardingError) -> Failure {
    Failure::of(error.remedy().into(), error).with_remedy(again(error.remedy()))
}

/// Describes a callback without a code.
pub(super) fn rejected(error: &CallbackError) -> Failure {
    let is_refused = matches!(error, CallbackError::Refused { code, .. } if code.as_str() == "access_denied");
    let exit = if is_refused { Exit::Refused } else { error.remedy().into() };
    Failure::of(exit, error).with_remedy(again(error.remedy()))
}

/// Returns the remedy. A code works once, so each remedy ends with another sign-in.
fn again(remedy: Remedy) -> String {
    match remedy {
        Remedy::SignInAgain => "run octo-auth login again".to_owned(),
        remedy => format!("{remedy}; then run octo-auth login again"),
    }
}

pub(super) fn not_listening(error: &ListenError) -> Failure {
    Failure::of(error.remedy().into(), error)
}

/// Describes a timeout.
pub(super) fn too_late() -> Failure {
    Failure::new(Exit::SignIn, "the sign-in did not end in time; nothing was exchanged")
        .with_remedy("run octo-auth login again; --wait SECONDS waits longer")
}
