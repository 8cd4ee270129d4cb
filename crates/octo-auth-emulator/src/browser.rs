//! A person with a browser: opens a page over a real socket, reads it, and presses one of its buttons.
//!
//! The browser follows no redirect and keeps no cookie. It posts the form of the page, as a click does, and returns the
//! redirect target of the provider.

use std::fmt;

use ureq::Agent;
use ureq::http::Response;

/// A browser without redirects, cookies and scripts.
#[derive(Debug, Clone)]
pub struct Browser {
    agent: Agent,
}

/// A page as the person sees it.
#[derive(Clone)]
pub struct BrowserPage {
    agent: Agent,
    /// The HTTP status.
    pub status: u16,
    /// The address at which it was opened.
    pub url: String,
    /// Its HTML.
    pub html: String,
}

/// An error of opening a page or pressing a button.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// The address could not be opened.
    #[error("the page could not be fetched")]
    Fetch(#[source] Box<ureq::Error>),
    /// The page has no form with the two buttons: it is an error page. The fields are its status and its text.
    #[error("the page has no form to answer (status {0}): {1}")]
    NoForm(u16, String),
    /// The answer to the button was a page instead of a redirect.
    #[error("pressing the button led to a page (status {0}) instead of a redirect: {1}")]
    NoRedirect(u16, String),
}

impl Browser {
    /// Creates a browser.
    #[must_use]
    pub fn new() -> Self {
        let config = Agent::config_builder().max_redirects(0).http_status_as_error(false).proxy(None).build();
        Self { agent: config.into() }
    }

    /// Opens an address.
    ///
    /// # Errors
    ///
    /// Returns [`BrowserError::Fetch`] if no server answers there. Any status counts as a page.
    pub fn open(&self, url: &str) -> Result<BrowserPage, BrowserError> {
        let response = self.agent.get(url).call().map_err(fetch)?;
        let (status, html, _) = take_apart(response)?;
        Ok(BrowserPage { agent: self.agent.clone(), status, url: url.to_owned(), html })
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl BrowserPage {
    /// Presses "Grant access" and returns the address the provider redirects to.
    ///
    /// # Errors
    ///
    /// Returns a [`BrowserError`] if the page has no form or the answer is not a redirect.
    pub fn grant(&self) -> Result<String, BrowserError> {
        self.press("grant")
    }

    /// Presses "Refuse" and returns the address the provider redirects to.
    ///
    /// # Errors
    ///
    /// Returns a [`BrowserError`] if the page has no form or the answer is not a redirect.
    pub fn refuse(&self) -> Result<String, BrowserError> {
        self.press("refuse")
    }

    fn press(&self, button: &str) -> Result<String, BrowserError> {
        let name = self.button(button).ok_or_else(|| BrowserError::NoForm(self.status, text(&self.html)))?;
        let response = self.agent.post(self.action()).send_form([(name, button)]).map_err(fetch)?;
        let (status, html, location) = take_apart(response)?;
        location.ok_or_else(|| BrowserError::NoRedirect(status, text(&html)))
    }

    /// Returns the name of the button with this value, if the page has a form with it.
    fn button(&self, value: &str) -> Option<String> {
        let form = self.html.split_once("<form ")?.1.split_once("</form>")?.0;
        let tag =
            form.split("<button").skip(1).find(|tag| attribute(tag, "value").as_deref() == Some(value))?;
        attribute(tag, "name")
    }

    /// Returns the address to which the form posts: its action on the page's origin.
    fn action(&self) -> String {
        let form = self.html.split_once("<form ").map_or("", |(_, rest)| rest);
        let action = attribute(form, "action").unwrap_or_default();
        let authority = self.url.find("://").map_or(0, |at| at + 3);
        let origin =
            self.url[authority..].find('/').map_or(self.url.as_str(), |at| &self.url[..authority + at]);
        format!("{origin}{action}")
    }
}

/// The page's address may contain a code, so only status and path are shown.
impl fmt::Debug for BrowserPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.url.split('?').next().unwrap_or_default();
        f.debug_struct("BrowserPage")
            .field("status", &self.status)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

fn fetch(error: ureq::Error) -> BrowserError {
    BrowserError::Fetch(Box::new(error))
}

fn take_apart(mut response: Response<ureq::Body>) -> Result<(u16, String, Option<String>), BrowserError> {
    let status = response.status().as_u16();
    let location =
        response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let html = response.body_mut().read_to_string().map_err(fetch)?;
    Ok((status, html, location.filter(|_| (300..400).contains(&status))))
}

/// Returns the value of an attribute in the text of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let value = tag.split_once(&format!("{name}=\""))?.1.split_once('"')?.0;
    Some(unescape(value))
}

/// Returns the text that a person reads on a page, without tags and styles.
fn text(html: &str) -> String {
    let body = html.split_once("<main>").map_or(html, |(_, rest)| rest);
    let body = body.split_once("</main>").map_or(body, |(main, _)| main);
    let pieces = body.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    unescape(&pieces.filter(|piece| !piece.trim().is_empty()).collect::<Vec<_>>().join(" "))
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}
