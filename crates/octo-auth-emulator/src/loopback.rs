//! Redirect URIs on loopback, at which a program on the person's own machine listens (RFC 8252 section 7.3).
//!
//! One entry in a list of registered redirect URIs stands for every port. A URI that is not a plain `http` address of
//! this machine is compared byte for byte.

/// The entry in a list of redirect URIs that matches any `http` address of this machine: `127.0.0.1`, `[::1]` or
/// `localhost`, with any port, path and query.
///
/// A server must allow any port (RFC 8252 section 7.3). Allowing any path and the name `localhost` as well is this
/// emulator's choice.
pub const ANY_LOOPBACK: &str = "http://127.0.0.1:*/*";

/// Whether the list contains a redirect URI, or contains [`ANY_LOOPBACK`] and the URI is on loopback.
pub(crate) fn is_registered(list: &[String], redirect_uri: &str) -> bool {
    list.iter().any(|known| known == redirect_uri && known != ANY_LOOPBACK)
        || list.iter().any(|known| known == ANY_LOOPBACK) && is_loopback(redirect_uri)
}

fn is_loopback(redirect_uri: &str) -> bool {
    let Some(rest) = redirect_uri.strip_prefix("http://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let port = ["127.0.0.1", "[::1]", "localhost"].iter().find_map(|host| authority.strip_prefix(host));
    let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\".contains(&byte));
    plain && port.is_some_and(|port| port.is_empty() || is_port(port))
}

/// Whether the text is a colon followed by a number from 1 to 65535 without a sign.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return false };
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_of_this_machine_is_loopback_and_nothing_that_only_looks_like_it() {
        let list = [ANY_LOOPBACK.to_owned()];
        for good in [
            "http://127.0.0.1:4000/callback",
            "http://localhost:1/cb?x=1",
            "http://[::1]:65535/",
            "http://127.0.0.1/cb",
        ] {
            assert!(is_registered(&list, good), "{good}");
            assert!(!is_registered(&[], good), "{good}");
        }
        for bad in [
            ANY_LOOPBACK,
            "https://127.0.0.1:4000/cb",
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1:80\\@evil.example/cb",
            "http://127.0.0.1:80/cb#part",
            "http://127.0.0.2:80/cb",
        ] {
            assert!(!is_registered(&list, bad), "{bad}");
        }
    }
}
