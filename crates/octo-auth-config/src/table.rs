//! The table of all settings.

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The name in the file. A dot separates the name of a table.
    pub name: &'static str,
    /// The form of the value.
    pub form: Form,
    /// The meaning of the setting, and its default.
    pub meaning: &'static str,
}

/// The form of a setting's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A text.
    Text,
    /// A text that is never shown.
    Secret,
    /// A URL. It is shown without the parts that may be a secret: user name, password and query values.
    Url,
    /// URLs, each alone or as `HOST=URL`: an array of texts, or one text with spaces. They are shown as a single
    /// URL is.
    Urls,
    /// Words: an array of texts, or one text with spaces.
    Words,
    /// Addresses and blocks: an array of texts, or one text with commas.
    Addresses,
    /// A duration with its unit, such as `5m`.
    Duration,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The absolute path of a file or directory.
    Path,
}

/// Defines [`SETTINGS`] and its documented table together, so that they cannot differ.
macro_rules! settings {
    ($($name:literal, $form:expr, $looks:literal, $meaning:literal;)*) => {
        /// All settings, in the order in which they are shown.
        ///
        /// The variable of a setting is `OCTO_AUTH_` and its name in capital letters, with `_` instead of the dot.
        ///
        /// | setting | value | meaning and default |
        /// |---|---|---|
        $(#[doc = concat!("| `", $name, "` | ", $looks, " | ", $meaning, " |")])*
        pub const SETTINGS: &[Setting] = &[$(Setting { name: $name, form: $form, meaning: $meaning }),*];
    };
}

settings! {
    "profile", Form::Text, "text",
    "The provider: `octorate`, `octotable`, `officernd`, `rfc6749`, or the absolute path of a profile. `rfc6749` if `token_url` is set.";
    "token_url", Form::Url, "URL",
    "The token endpoint of an RFC 6749 server, with its query if it has one.";
    "authorization_url", Form::Url, "URL",
    "The page of that server where people sign in.";
    "revocation_url", Form::Url, "URL",
    "The endpoint where that server revokes tokens (RFC 7009).";
    "base_url", Form::Urls, "`HOST=URL` or URL",
    "Other addresses: `HOST=URL` for one host of the profile, or the URL of a gateway for all of them. Those of the profile.";
    "allow_http_loopback", Form::Flag, "true or false",
    "Allows `http` to an address of this computer, for tests. `false`.";
    "client_id", Form::Text, "text",
    "The client id that the provider gave out.";
    "client_secret", Form::Secret, "text, never shown",
    "The client secret.";
    "client_secret_file", Form::Path, "absolute path",
    "A file that holds the client secret alone, instead of `client_secret`.";
    "auth", Form::OneOf(&["body", "basic", "basic_raw", "none"]), "one of these",
    "How an RFC 6749 server takes client id and secret: `body`, `basic`, `basic_raw`, or `none` for a public client. `body`.";
    "scope", Form::Words, "words",
    "The scopes to ask for. None.";
    "redirect_uri", Form::Url, "URL",
    "The redirect URI, as it is registered with the provider.";
    "pkce", Form::OneOf(&["S256"]), "`S256`",
    "The PKCE method (RFC 7636). `plain` is not offered. `S256`.";
    "allowlist", Form::Addresses, "addresses and blocks",
    "The addresses that may call you. Without it nothing is checked.";
    "refresh_lead", Form::Duration, "duration",
    "How long before its end a token is renewed, up to one day; `0s`: only when it has ended. By formula.";
    "typical_lifetime", Form::Duration, "duration",
    "How long tokens live as a rule. `refresh_lead` is at most half of it.";
    "exchange_timeout", Form::Duration, "duration",
    "How long one request may take, from 1 s to 10 min. `60s`.";
    "wait_timeout", Form::Duration, "duration",
    "How long a caller waits for a token, up to 1 h. `30s`.";
    "max_token_requests_per_minute", Form::Number, "whole number",
    "The limit of token requests, where it is below what the provider allows.";
    "root_certificates", Form::Path, "absolute path",
    "A PEM file with the certificate authorities that `octo-auth` trusts. Those that the operating system trusts.";
    "client_certificate", Form::Path, "absolute path",
    "A PEM file with a client certificate and its key, for a server that asks `octo-auth` for one.";
    "store.path", Form::Path, "absolute path",
    "The directory where tokens are kept.";
    "store.key", Form::Secret, "text, never shown",
    "The key that seals what is stored: 64 hexadecimal digits, as `openssl rand -hex 32` prints them. Nothing is sealed.";
    "store.key_file", Form::Path, "absolute path",
    "A file whose first line is that key, instead of `store.key`.";
    "store.key_command", Form::Words, "words",
    "A program, with its arguments, whose first line of output is that key, instead of `store.key`. It must end within 60 s.";
    "store.key_keyring", Form::Text, "text",
    "The name that the key has in the keyring of the operating system, instead of `store.key`.";
    "store.old_key", Form::Secret, "text, never shown",
    "A key that still opens what was sealed with it, until `octo-auth store rekey` has sealed it with the other.";
    "store.old_key_file", Form::Path, "absolute path",
    "A file whose first line is that key, instead of `store.old_key`.";
    "store.old_key_command", Form::Words, "words",
    "A program, with its arguments, whose first line of output is that key, instead of `store.old_key`. It must end within 60 s.";
    "store.old_key_keyring", Form::Text, "text",
    "The name that the key has in the keyring of the operating system, instead of `store.old_key`.";
}

impl Setting {
    /// Returns the environment variable of the setting.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// Returns the setting with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }
}

/// The prefix of all variables.
pub(crate) const PREFIX: &str = "OCTO_AUTH_";

/// The variable that names the settings file.
pub(crate) const CONFIG: &str = "OCTO_AUTH_CONFIG";
