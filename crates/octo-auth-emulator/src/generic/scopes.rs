//! The scopes of the generic server.

/// The scopes that a client may request. A request without scopes gets the first.
pub const SCOPES: [&str; 3] = ["read", "write", "profile"];

/// Returns the requested scopes, or the first one if none was requested; `None` if one is unknown.
pub(super) fn scopes(asked: Option<&str>) -> Option<Vec<String>> {
    let asked = asked.unwrap_or(SCOPES[0]);
    let known = asked.split(' ').all(|scope| SCOPES.contains(&scope));
    known.then(|| asked.split(' ').map(str::to_owned).collect())
}
