//! The values that a program needs from several settings together: the client, the policy and others.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use octo_auth_core::allowlist::{RuleOptions, Rules};
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_core::{Client, Policy, Profile, ProfileError, RequestError, Scopes, Secret};
use zeroize::Zeroizing;

use crate::error::{ConfigError, Problem};
use crate::form;
use crate::settings::{Settings, read};
use crate::shared_file::shared_mode;

/// The longest secret in bytes.
const LONGEST_SECRET: u64 = 4096;

/// Adds another endpoint of a standard server.
type Addition = fn(Profile, &str) -> Result<Profile, ProfileError>;

impl Settings {
    /// Checks everything that the methods below return.
    ///
    /// # Errors
    ///
    /// The first [`ConfigError`] of these methods.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.policy()?;
        self.redirect_uri()?;
        self.scopes()?;
        self.allowlist()?;
        self.store_path()?;
        self.store_key()?;
        self.store_old_key()?;
        Ok(())
    }

    /// Returns the profile of the provider. `base_url` may replace its hosts.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no profile is set, or if the profile or its URLs cannot be used.
    pub fn profile(&self) -> Result<Profile, ConfigError> {
        self.moved(self.named_profile()?)
    }

    fn named_profile(&self) -> Result<Profile, ConfigError> {
        let token_url = self.text("token_url");
        let name = match (self.text("profile"), token_url) {
            (Some(name), _) => name,
            (None, Some(_)) => "rfc6749",
            (None, None) => self.needed("profile", "write octorate, octotable, officernd or rfc6749")?,
        };
        if name != "rfc6749" {
            let of_standard = ["token_url", "authorization_url", "revocation_url", "auth"];
            if let Some(other) = of_standard.into_iter().find(|other| self.text(other).is_some()) {
                return Err(
                    self.unusable(other, "it goes with the profile `rfc6749` only: remove one of the two")
                );
            }
        }
        match name {
            "octorate" => Ok(Profile::octorate()),
            "octotable" => Ok(Profile::octotable()),
            "officernd" => Ok(Profile::officernd()),
            "rfc6749" => self.standard(),
            path if Path::new(path).is_absolute() => {
                let path = Path::new(path);
                let unreadable =
                    |error| self.fault("profile", Problem::Unreadable(format!("{path:?}: {error}")));
                let (text, _) = read(path).map_err(unreadable)?;
                let unsound = |error| self.unusable("profile", format!("{path:?}: {error}"));
                Profile::from_toml(&text).map_err(unsound)
            }
            _ => Err(self.unusable(
                "profile",
                "write octorate, octotable, officernd, rfc6749 or the absolute path of a profile",
            )),
        }
    }

    fn standard(&self) -> Result<Profile, ConfigError> {
        let token_url = self.needed("token_url", "write the URL of the token endpoint")?;
        self.encrypted("token_url", token_url)?;
        let mut profile = Profile::rfc6749(token_url)
            .map_err(|error| self.unusable("token_url", error.problem().to_string()))?;
        let further: [(_, Addition); 2] = [
            ("authorization_url", Profile::with_authorization_url),
            ("revocation_url", Profile::with_revocation_url),
        ];
        for (name, add) in further {
            if let Some(url) = self.text(name) {
                self.encrypted(name, url)?;
                profile =
                    add(profile, url).map_err(|error| self.unusable(name, error.problem().to_string()))?;
            }
        }
        let way = match self.text("auth") {
            Some("basic") => ClientAuthentication::Basic,
            Some("basic_raw") => ClientAuthentication::BasicRaw,
            _ => return Ok(profile),
        };
        profile
            .with_client_authentication(way)
            .map_err(|error| self.unusable("auth", error.problem().to_string()))
    }

    /// Returns the client.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] as [`Settings::profile`], and if the client id or the secret is missing or cannot be used.
    pub fn client(&self) -> Result<Client, ConfigError> {
        let profile = self.profile()?;
        let client_id = self.needed("client_id", "write the client id that the provider gave out")?;
        let client = match (self.secret()?, self.text("auth")) {
            (None, Some("none")) => Client::public(profile, client_id),
            (Some(_), Some("none")) => {
                return Err(
                    self.unusable("auth", "it is `none`, and a client secret is set: remove one of the two")
                );
            }
            (Some(secret), _) => Client::new(profile, client_id, secret),
            (None, _) => {
                let remedy = "set it, or OCTO_AUTH_CLIENT_SECRET, or client_secret_file";
                return Err(self.fault("client_secret", Problem::Missing(remedy.to_owned())));
            }
        };
        client.map_err(|error| match error {
            RequestError::Secret { .. } => self.unusable("client_secret", error.to_string()),
            _ => self.unusable("client_id", error.to_string()),
        })
    }

    /// Returns the client secret, or `None` if none is set.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if its file cannot be read, or if other users can read or change the file.
    pub fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        let Some(path) = self.text("client_secret_file") else {
            return Ok(self.text("client_secret").map(Secret::from));
        };
        let failed = |problem| self.fault("client_secret_file", problem);
        let unreadable = |error: std::io::Error| failed(Problem::Unreadable(error.to_string()));
        let file = File::open(path).map_err(unreadable)?;
        if let Some(mode) = shared_mode(&file).map_err(unreadable)? {
            return Err(failed(Problem::Permissions(PathBuf::from(path), mode)));
        }
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_SECRET as usize + 1));
        file.take(LONGEST_SECRET + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LONGEST_SECRET {
            return Err(failed(Problem::Value(format!("the file is longer than {LONGEST_SECRET} bytes"))));
        }
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        form::check(crate::table::Form::Secret, line).map_err(failed)?;
        Ok(Some(Secret::from(line)))
    }

    /// Returns the policy: how tokens are renewed.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is out of range, and as [`Settings::client`].
    pub fn policy(&self) -> Result<Policy, ConfigError> {
        let client = self.client()?;
        let mut policy = Policy::default();
        if let Some(lead) = self.duration("refresh_lead") {
            let most = self.duration("typical_lifetime").map_or(Duration::MAX, |lifetime| lifetime / 2);
            policy = policy
                .with_lead(lead.min(most))
                .map_err(|error| self.unusable("refresh_lead", error.to_string()))?;
        }
        if let Some(timeout) = self.duration("exchange_timeout") {
            let set = policy.with_exchange_deadline(timeout);
            policy = set.map_err(|error| self.unusable("exchange_timeout", error.to_string()))?;
        }
        if let Some(timeout) = self.duration("wait_timeout") {
            policy = policy
                .with_wait(timeout)
                .map_err(|error| self.unusable("wait_timeout", error.to_string()))?;
        }
        let name = "max_token_requests_per_minute";
        if let Some(limit) = self.text(name).and_then(|text| text.parse::<u32>().ok()) {
            let documented = client.profile().document().token_limit.as_ref();
            let (limit, most) = match documented {
                Some(most) => (u64::from(limit) * u64::from(most.per_seconds) / 60, u64::from(most.requests)),
                None => (u64::from(limit), u64::MAX),
            };
            if limit > most {
                let title = client.profile().title();
                return Err(self.unusable(
                    name,
                    format!("{title} allows fewer, {most} in its window: write a lower number"),
                ));
            }
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            policy =
                policy.with_request_limit(limit).map_err(|error| self.unusable(name, error.to_string()))?;
        }
        Ok(policy)
    }

    fn duration(&self, name: &'static str) -> Option<Duration> {
        self.text(name).and_then(form::duration)
    }

    /// Returns the scopes to request, each once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a scope contains a character that RFC 6749 section 3.3 does not allow.
    pub fn scopes(&self) -> Result<Scopes, ConfigError> {
        Scopes::parse(self.text("scope").unwrap_or_default())
            .map_err(|error| self.unusable("scope", error.to_string()))
    }

    /// Returns the redirect URI, as it was written.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the provider does not accept it, if it is `http` to a name instead of an address (RFC
    /// 8252 section 8.3), or if the profile has no authorization page.
    pub fn redirect_uri(&self) -> Result<Option<&str>, ConfigError> {
        let name = "redirect_uri";
        let Some(uri) = self.text(name) else { return Ok(None) };
        let client = self.client()?;
        if client.profile().document().authorization.is_none() {
            return Err(self.unusable(name, "the provider has no page to sign in at: set authorization_url"));
        }
        client.check_redirect_uri(uri).map_err(|error| self.unusable(name, error.to_string()))?;
        if is_named_loopback(uri) {
            let why = "`localhost` may be another address than the one that is listened on: write 127.0.0.1 \
                       (RFC 8252 section 8.3)";
            return Err(self.unusable(name, why));
        }
        Ok(Some(uri))
    }

    /// Returns the allowlist rules, or `None` if there are none and callers are not checked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every invalid rule.
    pub fn allowlist(&self) -> Result<Option<Rules>, ConfigError> {
        let rules = self.text("allowlist").map(|text| Rules::from_line(text, RuleOptions::default()));
        rules.transpose().map_err(|error| self.unusable("allowlist", error.to_string()))
    }

    /// Returns the directory in which tokens are stored.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if it is not set and the user has no home directory. There is no other default.
    pub fn store_path(&self) -> Result<PathBuf, ConfigError> {
        let name = "store.path";
        let missing = || self.fault(name, Problem::Missing("set it, or HOME or XDG_STATE_HOME".to_owned()));
        match self.text(name) {
            Some(path) => Ok(PathBuf::from(path)),
            None => self.places.state().ok_or_else(missing),
        }
    }
}

fn is_named_loopback(uri: &str) -> bool {
    let authority = uri.get(..7).filter(|start| start.eq_ignore_ascii_case("http://")).map(|_| &uri[7..]);
    let host = authority.and_then(|rest| rest.split([':', '/', '?']).next());
    host.is_some_and(|host| host.eq_ignore_ascii_case("localhost"))
}
