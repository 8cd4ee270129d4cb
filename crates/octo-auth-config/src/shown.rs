//! The settings as they can be shown to people.
//!
//! The rule kept here: what may be a secret is left out. A password can stand in a URL, and a key in its query, also where
//! such a URL is refused later.

use crate::error::Origin;
use crate::settings::Settings;
use crate::table::{Form, SETTINGS, Setting};

const REDACTED: &str = "[redacted]";

/// One setting as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// Its value, `[redacted]` for a secret, and in a URL for user name, password and the values of the query; `None` if it
    /// is not set.
    pub value: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Settings {
    /// Returns every setting with its value and its origin, in the order of [`SETTINGS`]. Secrets are not shown.
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

/// Returns a URL without what stands before its last `@`, without the values of its query, and without its fragment. It need
/// not be a sound URL: a password may hold a `?`.
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
