//! The trait of all errors: stable word, remedy, and time of the next attempt.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::Remedy;

/// Why a token could not be renewed.
pub(crate) type RenewalFailure = Arc<dyn Diagnostic + Send + Sync>;

/// What every error that reaches a caller provides besides its text: a stable word, who must act, and when to
/// try again.
///
/// A cause is either in the text of an error or returned by [`Error::source`], never both. So an error
/// printed with its chain, as by `anyhow` or `eyre`, says each thing once.
///
/// ```
/// use octo_auth_core::Diagnostic;
///
/// fn log(error: &dyn Diagnostic) -> String {
///     format!("{} ({}): {error}", error.code(), error.remedy().word())
/// }
///
/// let error = octo_auth_core::Client::new(octo_auth_core::Profile::officernd(), "", "secret").unwrap_err();
/// assert!(log(&error).starts_with("client_id (fix_configuration): "));
/// ```
pub trait Diagnostic: Error {
    /// Returns the error's stable word, such as `oauth:invalid_client` or `budget_spent`.
    fn code(&self) -> Cow<'static, str>;

    /// Returns who must act.
    fn remedy(&self) -> Remedy;

    /// Returns the duration until the next attempt, counted from when the error was returned. It is `None` if
    /// no attempt helps until the cause is fixed, or if no time is known.
    fn retry_after(&self) -> Option<Duration> {
        match self.remedy() {
            Remedy::TryLater { after } => Some(after),
            _ => None,
        }
    }
}
