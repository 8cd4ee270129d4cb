//! Which redirect URIs a provider accepts. They are compared and sent byte for byte, so they are not
//! normalised.

use http::uri::Authority;

use crate::profile::{RedirectRule, is_loopback};

/// Checks a redirect URI. The error is the second half of a sentence.
pub(super) fn check(uri: &str, rule: RedirectRule) -> Result<(), &'static str> {
    if uri.is_empty() || uri.contains(|character: char| !character.is_ascii_graphic()) {
        return Err("is empty or holds white space, control or non-ASCII characters; encode them");
    }
    if uri.contains('#') {
        return Err("must not have a fragment (RFC 6749 section 3.1.2); remove `#` and what follows");
    }
    let (scheme, rest) = uri.split_once(':').ok_or("is not absolute; write scheme, host and path")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    if matches!(scheme.as_str(), "http" | "https") && authority.is_none_or(str::is_empty) {
        return Err("has no host");
    }
    if authority.is_some_and(|authority| authority.contains('@')) {
        return Err(
            "must not have a user name or password; remove what stands before the host up to the `@`",
        );
    }
    match rule {
        RedirectRule::Https if scheme != "https" => Err("must begin with https://, as the provider demands"),
        RedirectRule::NativeApps if scheme == "http" && !authority.is_some_and(to_this_machine) => {
            Err("may use http only on 127.0.0.1, [::1] or localhost (RFC 8252 section 7.3); use https")
        }
        RedirectRule::NativeApps if !matches!(scheme.as_str(), "http" | "https") && !scheme.contains('.') => {
            Err("has a private scheme without a dot; name it after a domain of yours, such as \
                 com.example.app (RFC 8252 section 7.1)")
        }
        RedirectRule::Https | RedirectRule::NativeApps | RedirectRule::Any => Ok(()),
    }
}

/// Returns whether an authority, including its port, is this machine.
fn to_this_machine(authority: &str) -> bool {
    authority.parse::<Authority>().is_ok_and(|authority| is_loopback(authority.host()))
}
