//! What every error says beside its text.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use super::{ApiError, CallError, CallbackError, ExchangeError, OnboardingError, Remedy, RequestError};
use crate::allowlist::{CallerError, ListError, NotPermitted, RuleError};
use crate::failure::Failure;
use crate::grant::RejectedCallback;
use crate::profile::{BaseUrlError, ProfileError, TemplateError};
use crate::registration::PolicyError;
use crate::store::{RecordError, RecordNameError, StoreError};

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

/// Errors that have `code` and `remedy` themselves, and `retry_after` where it is named.
macro_rules! told_by_the_error {
    ($($error:ty $(, $retry_after:ident)?;)+) => {$(
        impl Diagnostic for $error {
            fn code(&self) -> Cow<'static, str> {
                <$error>::code(self).into()
            }

            fn remedy(&self) -> Remedy {
                <$error>::remedy(self)
            }

            $(fn retry_after(&self) -> Option<Duration> {
                <$error>::$retry_after(self)
            })?
        }
    )+};
}

told_by_the_error! {
    Failure, retry_after;
    ExchangeError, retry_after;
    CallError, retry_after;
    ApiError, retry_after;
    OnboardingError, retry_after;
    CallbackError;
    RequestError;
    NotPermitted;
}

/// Errors of settings, files and other input, with the word of each.
macro_rules! errors_of_the_configuration {
    ($($error:ty: $code:expr;)+) => {$(
        impl Diagnostic for $error {
            fn code(&self) -> Cow<'static, str> {
                let code: fn(&Self) -> &'static str = $code;
                code(self).into()
            }

            fn remedy(&self) -> Remedy {
                Remedy::FixConfiguration
            }
        }
    )+};
}

errors_of_the_configuration! {
    ProfileError: Self::code;
    BaseUrlError: |_| "base_url";
    TemplateError: |_| "template";
    PolicyError: |error| match error {
        PolicyError::Duration { .. } => "policy_duration",
        PolicyError::Zero { .. } => "policy_zero",
    };
    RecordError: Self::code;
    RecordNameError: |_| "record_name";
    RuleError: Self::code;
    ListError: |error| match error {
        ListError::Rules(bad) => bad.first().map_or("rules", |(_, error)| error.code()),
        ListError::NotAnArray { .. } => "list_not_an_array",
    };
    CallerError: |error| Self::code(*error);
}

impl Diagnostic for RejectedCallback {
    fn code(&self) -> Cow<'static, str> {
        self.error.code()
    }

    fn remedy(&self) -> Remedy {
        self.error.remedy()
    }
}

/// A record that cannot be used has its own word and is a matter of configuration; a store that fails is tried again.
impl Diagnostic for StoreError {
    fn code(&self) -> Cow<'static, str> {
        self.record_error().map_or("store_unavailable", RecordError::code).into()
    }

    fn remedy(&self) -> Remedy {
        match self.record_error() {
            Some(_) => Remedy::FixConfiguration,
            None => Remedy::TryLater { after: Duration::from_secs(1) },
        }
    }
}
