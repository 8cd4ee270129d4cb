//! The head of an HTTP request, as far as a callback needs it.

/// The longest head that is read, in bytes. A browser also sends the cookies of all other programs on this machine.
pub(crate) const LONGEST_HEAD: usize = 64 * 1024;

/// The limit of header fields that are read.
const MOST_FIELDS: usize = 128;

/// The longest request target, in bytes.
const LONGEST_TARGET: usize = 16 * 1024;

/// Why a request is refused. The value is the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 400: not an HTTP/1 request, or one for another host.
    Malformed,
    /// 405: a method other than GET.
    Method,
    /// 408: the client did not send its request in time.
    TooSlow,
    /// 414: the target is longer than 16 KiB.
    TargetTooLong,
    /// 431: the head is longer than 64 KiB or has more than 128 fields.
    HeadTooLong,
}

impl Refusal {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Method => 405,
            Self::TooSlow => 408,
            Self::TargetTooLong => 414,
            Self::HeadTooLong => 431,
        }
    }
}

/// Reads the head of a request to `authority` and returns its target, path and query.
///
/// Returns `None` while the head is incomplete. Ignores the bytes after the head.
///
/// # Errors
///
/// Returns a [`Refusal`] as soon as the bytes cannot become a GET request to this authority any more.
pub(crate) fn read(bytes: &[u8], authority: &str) -> Result<Option<String>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let head_length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => Some(length),
        Ok(httparse::Status::Partial) => None,
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLong),
        Err(_) => return Err(Refusal::Malformed),
    };
    if request.method.is_some_and(|method| method != "GET") {
        return Err(Refusal::Method);
    }
    let unfinished = || bytes.len().saturating_sub("GET ".len());
    if request.path.map_or_else(unfinished, str::len) > LONGEST_TARGET {
        return Err(Refusal::TargetTooLong);
    }
    if head_length.unwrap_or(bytes.len()) > LONGEST_HEAD {
        return Err(Refusal::HeadTooLong);
    }
    if head_length.is_none() {
        return Ok(None);
    }
    let target = request.path.filter(|target| !target.contains('#')).ok_or(Refusal::Malformed)?;
    let mut hosts = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("host"));
    let host = hosts.next().filter(|_| hosts.next().is_none()).ok_or(Refusal::Malformed)?;
    // Another host name that resolves to this machine means that a web page tries to reach it (DNS rebinding).
    if !host.value.eq_ignore_ascii_case(authority.as_bytes()) {
        return Err(Refusal::Malformed);
    }
    match own_target(target, authority) {
        Some(target) => Ok(Some(target.to_owned())),
        None => Err(Refusal::Malformed),
    }
}

/// Returns the target as path and query. The absolute form must name the same authority (RFC 9112 section 3.2.2).
fn own_target<'t>(target: &'t str, authority: &str) -> Option<&'t str> {
    if target.starts_with('/') {
        return Some(target);
    }
    let (scheme, rest) = target.split_once("://")?;
    let (named, path) = rest.split_at(rest.find('/')?);
    let is_own = scheme.eq_ignore_ascii_case("http") && named.eq_ignore_ascii_case(authority);
    is_own.then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORITY: &str = "127.0.0.1:51000";

    fn with_host(line: &str) -> String {
        format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:51000\r\n\r\n")
    }

    #[test]
    fn a_request_is_read_in_pieces_and_what_follows_it_is_ignored() {
        let request = with_host("GET /callback?code=c1");
        for end in 0..request.len() {
            assert_eq!(read(&request.as_bytes()[..end], AUTHORITY), Ok(None), "{end}");
        }
        let pipelined = format!("{request}GET /callback?code=c2 HTTP/1.1\r\n\r\n");
        assert_eq!(read(pipelined.as_bytes(), AUTHORITY), Ok(Some("/callback?code=c1".to_owned())));
    }

    #[test]
    fn the_absolute_form_must_name_this_listener() {
        for (target, path) in [
            ("http://127.0.0.1:51000/callback?code=c", Some("/callback?code=c")),
            ("HTTP://127.0.0.1:51000/callback", Some("/callback")),
            ("http://127.0.0.1:51000", None),
            ("https://127.0.0.1:51000/callback", None),
            ("http://evil.example/callback", None),
            ("127.0.0.1:51000", None),
            ("*", None),
        ] {
            let read = read(with_host(&format!("GET {target}")).as_bytes(), AUTHORITY);
            assert_eq!(read, path.map(|path| Some(path.to_owned())).ok_or(Refusal::Malformed), "{target}");
        }
    }

    #[test]
    fn the_host_field_stands_once_and_names_the_literal_of_the_listener() {
        for (fields, is_own) in [
            ("Host: 127.0.0.1:51000\r\n", true),
            ("", false),
            ("Host: 127.0.0.1\r\n", false),
            ("Host: localhost:51000\r\n", false),
            ("Host: evil.example\r\n", false),
            ("Host: 127.0.0.1:51000\r\nHost: 127.0.0.1:51000\r\n", false),
        ] {
            let request = format!("GET / HTTP/1.1\r\n{fields}\r\n");
            assert_eq!(read(request.as_bytes(), AUTHORITY).is_ok(), is_own, "{fields:?}");
        }
    }

    #[test]
    fn what_can_never_become_a_request_is_refused_at_once() {
        for (bytes, refusal) in [
            (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], Refusal::Malformed),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Malformed),
            (b"hello\r\n", Refusal::Malformed),
            (b"POST /callback", Refusal::Method),
            (b"OPTIONS * HTTP/1.1\r\n", Refusal::Method),
        ] {
            assert_eq!(read(bytes, AUTHORITY), Err(refusal), "{}", bytes.escape_ascii());
        }
        let long = format!("GET /callback?code={}", "x".repeat(LONGEST_TARGET));
        assert_eq!(read(long.as_bytes(), AUTHORITY), Err(Refusal::TargetTooLong));
        assert_eq!(read(with_host(&long).as_bytes(), AUTHORITY), Err(Refusal::TargetTooLong));
        let cookies = format!("GET / HTTP/1.1\r\nCookie: {}", "c".repeat(LONGEST_HEAD));
        assert_eq!(read(cookies.as_bytes(), AUTHORITY), Err(Refusal::HeadTooLong));
        let complete = format!("{cookies}\r\nHost: {AUTHORITY}\r\n\r\n");
        assert_eq!(read(complete.as_bytes(), AUTHORITY), Err(Refusal::HeadTooLong));
        let fields = format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(read(fields.as_bytes(), AUTHORITY), Err(Refusal::HeadTooLong));
    }
}
