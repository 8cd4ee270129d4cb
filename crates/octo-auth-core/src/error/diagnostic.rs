//! What every error says beside its text.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use super::Remedy;

/// Why a token could not be renewed.
pub(crate) type RenewalFailure = Arc<dyn Diagnostic + Send + Sync>;

/// What every error that reaches a caller says beside its text: a stable word, who must act, and when to try again.
///
/// A cause is either in the text of an error or behind [`Error::source`], never in both: printed with its chain, as by
/// `anyhow` or `eyre`, an error says each thing once.
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

    /// Returns how long to wait before the next attempt, counted from when the error was returned; `None` if no attempt
    /// helps until something is changed, or if no time is known.
    fn retry_after(&self) -> Option<Duration> {
        match self.remedy() {
            Remedy::TryLater { after } => Some(after),
            _ => None,
        }
    }
}
