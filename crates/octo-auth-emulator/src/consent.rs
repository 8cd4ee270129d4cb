//! The HTML pages that a person sees: the consent page, and the error page, which is never a redirect.
//!
//! The pages work without scripts, escape all text from outside, and load no resources. A provider's real page looks
//! different. In both, a person reads which application asks for what, and clicks one of two buttons.

use axum::http::Method;

use crate::call::Call;
use crate::reply::Reply;

const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;max-width:32rem;margin:10vh auto;\
padding:0 1rem}main{border:1px solid #8886;border-radius:.75rem;padding:1.5rem 2rem}h1{font-size:1.3rem;text-wrap:balance}\
button{font:inherit;padding:.5rem 1.5rem;margin-right:.75rem;border:1px solid #8888;border-radius:.4rem}\
.grant{background:#17633f;color:#fff}small,.provider{opacity:.75}";

/// The question on a consent page.
pub(crate) struct Question<'a> {
    /// The provider, "Octorate" for example.
    pub(crate) provider: &'a str,
    /// The name of the application that wants access.
    pub(crate) application: &'a str,
    /// The account to which the person gives access, "the property Hotel Aurora (100001)" for example.
    pub(crate) account: &'a str,
    /// The permissions of the application, one line each.
    pub(crate) permissions: &'a [String],
    /// The redirect target for the answer.
    pub(crate) redirect_uri: &'a str,
}

/// The action of the person.
pub(crate) enum Click {
    /// Opened the page.
    Looked,
    /// Pressed "Grant access".
    Granted,
    /// Pressed "Refuse".
    Refused,
}

/// Reads the click from a request for a consent page: GET shows the page, POST carries the pressed button.
pub(crate) fn click(call: &Call) -> Result<Click, Reply> {
    if call.method == Method::GET {
        return Ok(Click::Looked);
    }
    if call.method != Method::POST {
        return Err(error_page(405, "This page is opened with GET and answered with POST."));
    }
    match call.form().unwrap_or_default().get("decision") {
        Some("grant") => Ok(Click::Granted),
        Some("refuse") => Ok(Click::Refused),
        _ => Err(error_page(400, "The form was sent without one of its two buttons.")),
    }
}

/// Builds the page with the question. Its form posts to the address of the page, so the request is checked again.
pub(crate) fn page(question: &Question<'_>, call: &Call) -> Reply {
    let permissions: String =
        question.permissions.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
    let content = format!(
        "<p class=\"provider\">{provider}</p>\
         <h1>{application} asks for access to {account}</h1>\
         <p>If you grant it, {application} may:</p><ul>{permissions}</ul>\
         <form method=\"post\" action=\"{action}\">\
         <button class=\"grant\" name=\"decision\" value=\"grant\">Grant access</button>\
         <button name=\"decision\" value=\"refuse\">Refuse</button></form>\
         <p><small>Either way you return to {redirect}</small></p>",
        provider = escape(question.provider),
        application = escape(question.application),
        account = escape(question.account),
        action = escape(&address(call)),
        redirect = escape(question.redirect_uri),
    );
    Reply::html(200, document(&format!("{} – grant access", question.provider), &content))
}

/// Builds the page at the end of a redirect to the emulator itself. It shows what an application would have received.
pub(crate) fn arrival(call: &Call) -> Reply {
    let shown = |(name, value): &(String, String)| {
        format!("<dt>{}</dt><dd><code>{}</code></dd>", escape(name), escape(value))
    };
    let parameters: String = call.query.pairs().iter().map(shown).collect();
    let content = format!(
        "<h1>Back at the application</h1><p>It has received these parameters, and would now exchange a code for \
         tokens:</p><dl>{parameters}</dl>"
    );
    Reply::html(200, document("Back at the application", &content))
}

/// Builds a page that tells the person, and the developer, what is wrong with the request.
pub(crate) fn error_page(status: u16, message: &str) -> Reply {
    let content = format!("<h1>This request cannot be answered</h1><p>{}</p>", escape(message));
    Reply::html(status, document("Error", &content))
}

fn document(title: &str, content: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>{STYLE}</style></head>\
         <body><main>{content}</main><p><small>Emulated page on loopback.</small></p></body></html>\n",
        escape(title)
    )
}

/// Returns the address of the page below the emulator's origin, including its query.
fn address(call: &Call) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(call.query.pairs()).finish();
    format!("/{}{}?{query}", call.host, call.path)
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
