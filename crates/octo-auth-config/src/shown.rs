//! The settings in a form that can be shown to people.
//!
//! Everything that may be a secret is left out. A URL can contain a password, and a key in its query, even if the
//! URL is rejected later.

use crate::error::Origin;
use crate::settings::Settings;
use crate::table::{Form, SETTINGS, Setting};

const REDACTED: &str = "[redacted]";

/// One setting to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The name of the setting.
    pub name: &'static str,
    /// The value, or `None` if it is not set. A secret is `[redacted]`; so are the user name, the password and the
    /// query values of a URL.
    pub value: Option<String>,
    /// The source of the value.
    pub origin: Origin,
}

impl Settings {
    /// Returns every setting with its value and its source, in the order of [`SETTINGS`]. Secrets are not shown.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        let shown = |setting: &Setting| {
            let value = self.value(setting.name);
            Shown {
                name: setting.name,
                value: value.map(|value| text(setting.form, &value.text)),
                origin: value.map_or(Origin::Default, |value| value.origin.clone()),
            }
        };
        SETTINGS.iter().map(shown).collect()
    }
}

fn text(form: Form, value: &str) -> String {
    match form {
        Form::Secret => REDACTED.to_owned(),
        Form::Url => url(value),
        Form::Urls => value.split_whitespace().map(url).collect::<Vec<_>>().join(" "),
        _ => value.to_owned(),
    }
}

/// Returns a URL without the text before its last `@`, without the values of its query, and without its fragment.
/// The URL may be invalid: a password may contain a `?`.
fn url(written: &str) -> String {
    let (start, rest) = written.split_at(written.find("://").map_or(0, |colon| colon + "://".len()));
    let (user, rest) = rest.rsplit_once('@').map_or(("", rest), |(_, rest)| ("[redacted]@", rest));
    let (rest, fragment) = rest.split_once('#').map_or((rest, ""), |(rest, _)| (rest, "#[redacted]"));
    let (address, query) =
        rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, _)) => format!("{name}={REDACTED}"),
        None => REDACTED.to_owned(),
    };
    let query = query.map(|query| format!("?{}", query.split('&').map(pair).collect::<Vec<_>>().join("&")));
    format!("{start}{user}{address}{}{fragment}", query.unwrap_or_default())
}
