//! What came of an exchange, in one line that a table of expectations can hold.

use octo_auth_core::{Answer, Deviation, ExchangeError, Remedy, Retry, Scopes, Secret, TokenSet};

/// A token answer: the access token, lifetime, renewal hint, refresh token and scopes it has, then `;` and the
/// deviations in order. A failure: `code, retry, remedy`, a salvaged refresh token, then `;` and the deviations.
#[must_use]
pub fn of_token(read: &Result<Answer<TokenSet>, ExchangeError>) -> String {
    match read {
        Ok(answer) => granted(&answer.value) + &tolerated(&answer.deviations),
        Err(error) => of_error(error),
    }
}

/// A failure in the form of [`of_token`].
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

/// The deviations by their codes, behind a semicolon; nothing if there are none.
#[must_use]
pub fn tolerated(deviations: &[Deviation]) -> String {
    let codes: Vec<&str> = deviations.iter().map(|deviation| deviation.code()).collect();
    if codes.is_empty() { String::new() } else { format!("; {}", codes.join(" ")) }
}

/// What a machine may do.
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

/// Who must act.
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
