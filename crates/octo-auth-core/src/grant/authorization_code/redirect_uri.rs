//! Which redirect URIs a provider takes. They are compared and sent byte for byte, so nothing is normalised.

use crate::profile::RedirectRule;

/// Checks a redirect URI; the error is the second half of a sentence.
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
    match rule {
        RedirectRule::Https if scheme != "https" => Err("must begin with https://, as the provider demands"),
        RedirectRule::NativeApps if scheme == "http" && !authority.is_some_and(is_loopback) => {
            Err("may use http only on 127.0.0.1, [::1] or localhost (RFC 8252 section 7.3); use https")
        }
        RedirectRule::Https | RedirectRule::NativeApps | RedirectRule::Any => Ok(()),
    }
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
