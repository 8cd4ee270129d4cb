//! A plain page for a person.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const STYLE: &str = ":root{color-scheme:light dark}body{font:1.05rem/1.55 system-ui,sans-serif;max-width:34rem;\
margin:12vh auto;padding:0 1.25rem;overflow-wrap:anywhere}h1{font-size:1.45rem;line-height:1.25;text-wrap:balance}\
p{margin:.9rem 0}.mark{font-size:2.2rem;line-height:1}";

/// A plain page for a person, such as the last one of a sign-in. It follows the browser's light or dark mode
/// and fits the screen of a phone. It runs no script and loads nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainPage {
    /// The HTML document.
    pub html: String,
    /// The value of the header `Content-Security-Policy` for the page.
    pub content_security_policy: String,
}

impl PlainPage {
    /// Returns a page with a one-character mark, a title and paragraphs. All of them are escaped.
    #[must_use]
    pub fn new(mark: char, title: &str, paragraphs: &[&str]) -> Self {
        let (mark, title) = (escape(&mark.to_string()), escape(title));
        let text: String = paragraphs.iter().map(|line| format!("<p>{}</p>", escape(line))).collect();
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><main><p class=\"mark\" aria-hidden=\"true\">{mark}</p>\
             <h1>{title}</h1>{text}</main></body></html>\n"
        );
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let content_security_policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Self { html, content_security_policy }
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}
