//! The README's table of providers: one row for each profile.

use octo_auth_core::profile::{Document, LifetimeUnit, Profile};

/// Returns the table as Markdown, ending with a newline.
pub(crate) fn markdown(profiles: &[Profile]) -> String {
    let mut table = "| Provider | Token endpoint | Grants | Renewal | Limit | Tokens go to |\n".to_owned();
    table.push_str("|---|---|---|---|---|---|\n");
    for profile in profiles {
        let document = profile.document();
        let row = [
            profile.title().to_owned(),
            token_endpoint(profile),
            grants(document),
            renewal(document),
            limit(document),
            profile.api_origins().map(|origin| format!("`{origin}`")).collect::<Vec<_>>().join(", "),
        ];
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}

fn token_endpoint(profile: &Profile) -> String {
    let calls = &profile.document().calls;
    let call = calls.client_credentials.as_ref().or(calls.code.as_ref()).or(calls.refresh.as_ref());
    call.map_or_else(|| "none".to_owned(), |call| format!("`{}`", profile.call_url(call)))
}

fn grants(document: &Document) -> String {
    let calls = &document.calls;
    let named = [
        ("client credentials", calls.client_credentials.is_some()),
        ("authorization code", calls.code.is_some()),
        ("ApiLogin", calls.api_login.is_some()),
        ("migration of an old key", calls.migrate.is_some()),
    ];
    let present: Vec<_> = named.into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
    present.join(", ")
}

fn renewal(document: &Document) -> String {
    let again = match (document.calls.refresh.is_some(), document.calls.client_credentials.is_some()) {
        (true, true) => "refresh token; client credentials again",
        (true, false) => "refresh token",
        (false, _) => "the same grant again",
    };
    match document.token_answer.expires_in_unit {
        LifetimeUnit::Minutes => format!("{again} (`expires_in` in minutes)"),
        _ => again.to_owned(),
    }
}

fn limit(document: &Document) -> String {
    document.token_limit.as_ref().map_or_else(
        || "none documented".to_owned(),
        |limit| format!("{} token requests in {} s", limit.requests, limit.per_seconds),
    )
}
