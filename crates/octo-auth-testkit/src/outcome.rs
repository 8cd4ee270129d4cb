//! The result of an exchange in one line, which a table of expectations can hold.

use std::error::Error;

use octo_auth_core::{
    Answer, Deviation, ExchangeError, RecordError, Remedy, Retry, Scopes, Secret, TokenError, TokenSet,
};

/// Returns one line for a token response: access token, lifetime, renewal hint, refresh token and scopes, as far as
/// present, then `;` and the deviations in order. An error is formatted as by [`of_error`].
#[must_use]
pub fn of_token(read: &Result<Answer<TokenSet>, ExchangeError>) -> String {
    match read {
        Ok(answer) => granted(&answer.value) + &tolerated(&answer.deviations),
        Err(error) => of_error(error),
    }
}

/// Returns an error as `code, retry, remedy` and the salvaged refresh token, if any, then `;` and the deviations in
/// order.
#[must_use]
pub fn of_error(error: &ExchangeError) -> String {
    let salvaged = error.salvaged_refresh_token().map(Secret::expose);
    let salvaged = salvaged.map(|token| format!(", salvaged {token}")).unwrap_or_default();
    let retry = retry(error.retry());
    let remedy = remedy(error.remedy());
    format!("{}, {retry}, {remedy}{salvaged}{}", error.code(), tolerated(error.deviations()))
}

fn granted(tokens: &TokenSet) -> String {
    let mut parts = vec![tokens.access_token().expose().to_owned()];
    parts.extend(tokens.lifetime().map(|lifetime| format!("{lifetime:?}")));
    parts.extend(tokens.renew_after().map(|hint| format!("renew after {hint:?}")));
    parts.extend(tokens.refresh_token().map(|token| format!("refresh {}", token.expose())));
    parts.extend(tokens.scopes().map(Scopes::to_string).map(|scopes| format!("scope {scopes}")));
    parts.join(", ")
}

/// Returns a semicolon and the codes of the deviations, or an empty text if there are none.
#[must_use]
pub fn tolerated(deviations: &[Deviation]) -> String {
    let codes: Vec<&str> = deviations.iter().map(|deviation| deviation.code()).collect();
    if codes.is_empty() { String::new() } else { format!("; {}", codes.join(" ")) }
}

/// Returns the advice for the program in words, such as `backoff 5s`.
#[must_use]
pub fn retry(retry: Retry) -> String {
    match retry {
        Retry::Never => "never".to_owned(),
        Retry::Cooldown => "cooldown".to_owned(),
        Retry::Backoff { at_least } => format!("backoff {at_least:?}"),
        Retry::After(after) => format!("after {after:?}"),
        Retry::Ambiguous { .. } => "ambiguous".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Returns the advice for a person in words, such as `sign in` or `later 5s`.
#[must_use]
pub fn remedy(remedy: Remedy) -> String {
    match remedy {
        Remedy::TryLater { after } => format!("later {after:?}"),
        Remedy::SignInAgain => "sign in".to_owned(),
        Remedy::FixConfiguration => "configuration".to_owned(),
        Remedy::AskProvider => "provider".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Returns the record error among the causes of an error, or `None`.
#[must_use]
pub fn record_error(failure: &TokenError) -> Option<&RecordError> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(failure);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}
