//! The pages that the browser shows, and the HTTP response around them.
//!
//! A page shows no text of the request, runs no script and loads no resources. So it contains neither a code nor a
//! token, and it is safe to leave open.

use octo_auth_core::provider::web::PlainPage;

use crate::request::Refusal;

/// The content of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The provider granted access, and the tokens are stored.
    SignedIn,
    /// The person or the provider refused access.
    NotGranted,
    /// The sign-in ended without tokens for another reason.
    Failed,
    /// The callback was received already.
    AlreadyReceived,
    /// The request does not belong to the waiting sign-in.
    NotThisSignIn,
    /// This path does not exist.
    NotFound,
    /// The request is not a callback.
    #[doc(hidden)]
    Unanswerable(u16),
}

impl From<Refusal> for Page {
    fn from(refusal: Refusal) -> Self {
        Self::Unanswerable(refusal.status())
    }
}

impl Page {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::SignedIn | Self::NotGranted => 200,
            Self::Failed | Self::NotThisSignIn => 400,
            Self::AlreadyReceived => 410,
            Self::NotFound => 404,
            Self::Unanswerable(status) => status,
        }
    }

    /// Returns the complete HTTP response. `provider` is the name that the person knows, such as `Octorate`.
    #[must_use]
    pub fn response(self, provider: &str) -> Vec<u8> {
        let (mark, title, text) = self.words();
        let text: Vec<String> = text.iter().map(|line| line.replace("{provider}", provider)).collect();
        let text: Vec<&str> = text.iter().map(String::as_str).collect();
        let PlainPage { html, content_security_policy } = PlainPage::new(mark, title, &text);
        let allow = if self.status() == 405 { "Allow: GET\r\n" } else { "" };
        format!(
            "HTTP/1.1 {status} {reason}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {length}\r\n\
             Connection: close\r\n\
             {allow}\
             Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: {content_security_policy}\r\n\
             \r\n{html}",
            status = self.status(),
            reason = self.reason(),
            length = html.len(),
        )
        .into_bytes()
    }

    fn reason(self) -> &'static str {
        match self.status() {
            200 => "OK",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            410 => "Gone",
            414 => "URI Too Long",
            431 => "Request Header Fields Too Large",
            _ => "Bad Request",
        }
    }

    /// Returns a symbol, the title, and the paragraphs.
    fn words(self) -> (char, &'static str, &'static [&'static str]) {
        match self {
            Self::SignedIn => (
                '✓',
                "You are signed in",
                &[
                    "{provider} granted access, and the tokens are stored on this machine.",
                    "You can close this page and return to the program that opened it.",
                ],
            ),
            Self::NotGranted => (
                '✗',
                "Access was not granted",
                &[
                    "{provider} sent you back without access. Nothing was stored.",
                    "If that was a mistake, start the sign-in again in the program that opened this page. \
                     You can close this page.",
                ],
            ),
            Self::Failed => (
                '✗',
                "The sign-in did not succeed",
                &["The program that opened this page says why and what to do.", "You can close this page."],
            ),
            Self::AlreadyReceived => (
                '↻',
                "This was already done",
                &[
                    "The answer of {provider} was received before and is used only once. Opening this address again \
                     changes nothing.",
                    "You can close this page and return to the program that opened it.",
                ],
            ),
            Self::NotThisSignIn => (
                '?',
                "This address does not belong to the sign-in",
                &[
                    "The program still waits for the answer of {provider}. Nothing was changed.",
                    "Go back to the page of {provider} that the program opened, or open its address again.",
                ],
            ),
            Self::NotFound => (
                '?',
                "There is nothing at this address",
                &["It is not the address of the sign-in. Nothing was changed."],
            ),
            Self::Unanswerable(_) => (
                '?',
                "This request cannot be answered",
                &["A program here takes only the answer of {provider}. Nothing was changed."],
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Page; 7] = [
        Page::SignedIn,
        Page::NotGranted,
        Page::Failed,
        Page::AlreadyReceived,
        Page::NotThisSignIn,
        Page::NotFound,
        Page::Unanswerable(405),
    ];

    #[test]
    fn each_page_is_whole_closes_the_connection_and_lets_the_browser_load_nothing() {
        for page in ALL {
            let text = String::from_utf8(page.response("Octorate")).expect("UTF-8");
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            for field in [
                &format!("HTTP/1.1 {} ", page.status()),
                &format!("\r\nContent-Length: {}\r\n", body.len()),
                "\r\nConnection: close\r\n",
                "\r\nCache-Control: no-store\r\n",
                "\r\nReferrer-Policy: no-referrer\r\n",
                "\r\nContent-Security-Policy: default-src 'none'; ",
            ] {
                assert!(head.contains(field), "{page:?} lacks {field}: {head}");
            }
            assert!(!body.contains("<script") && !body.contains("src=") && !body.contains("href="), "{body}");
            assert!(!body.contains("{provider}"), "{body}");
        }
    }

    #[test]
    fn the_name_of_the_provider_is_escaped() {
        for page in ALL {
            let text = String::from_utf8(page.response("<script>\"&'")).expect("UTF-8");
            assert!(!text.contains("<script>"), "{text}");
        }
        let text = String::from_utf8(Page::SignedIn.response("<script>\"&'")).expect("UTF-8");
        assert!(text.contains("&lt;script&gt;&quot;&amp;&#39; granted access"), "{text}");
    }
}
