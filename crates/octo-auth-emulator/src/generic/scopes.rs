//! The scopes of the generic server.

/// The scopes a client may ask for; the first is given when none is asked for.
pub const SCOPES: [&str; 3] = ["read", "write", "profile"];

/// The scopes asked for, or the first one when none was asked for; `None` when one is unknown.
pub(super) fn scopes(asked: Option<&str>) -> Option<Vec<String>> {
    let asked = asked.unwrap_or(SCOPES[0]);
    let known = asked.split(' ').all(|scope| SCOPES.contains(&scope));
    known.then(|| asked.split(' ').map(str::to_owned).collect())
}
