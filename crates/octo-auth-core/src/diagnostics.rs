//! The stable word and the remedy of each public error.

use std::borrow::Cow;
use std::time::Duration;

use crate::allowlist::{CallerError, ListError, NotPermitted, RuleError};
use crate::error::{
    ApiError, CallError, CallbackError, Diagnostic, ExchangeError, OnboardingError, Remedy, RequestError,
};
use crate::failure::TokenError;
use crate::grant::RejectedCallback;
use crate::profile::{BaseUrlError, ProfileError, TemplateError};
use crate::registration::PolicyError;
use crate::store::{RecordError, RecordNameError};

/// Errors that have their own `code` and `remedy`, and `retry_after` if it is named.
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
    TokenError, retry_after;
    ExchangeError, retry_after;
    CallError, retry_after;
    ApiError, retry_after;
    OnboardingError, retry_after;
    CallbackError;
    RejectedCallback;
    RequestError;
    NotPermitted;
}

/// Errors of settings, files and other input, with the stable word of each.
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
