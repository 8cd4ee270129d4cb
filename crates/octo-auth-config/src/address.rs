//! The URLs of a provider's hosts.

use octo_auth_core::Profile;

use crate::error::{ConfigError, Origin};
use crate::settings::Settings;

impl Settings {
    /// Returns a profile in which each `HOST=URL` of `base_url` replaces that host. A URL without a host name is a
    /// gateway for all hosts.
    pub(crate) fn moved(&self, mut profile: Profile) -> Result<Profile, ConfigError> {
        let name = "base_url";
        let given: Vec<&str> = self.text(name).unwrap_or_default().split_whitespace().collect();
        if given.len() > 1 && given.iter().any(|given| of_host(given).is_none()) {
            let why = "it names a gateway for all hosts, and something else beside it: give one gateway alone, or \
                       HOST=URL once for each host that is elsewhere";
            return Err(self.unusable(name, why));
        }
        let mut named = Vec::new();
        for given in given {
            let (host, url) = of_host(given).map_or((None, given), |(host, url)| (Some(host), url));
            self.encrypted(name, url)?;
            let hosts: Vec<&str> = profile.document().hosts.iter().map(|host| &*host.name).collect();
            if let Some(unknown) = host.filter(|host| !hosts.contains(host)) {
                let why = format!("there is no host `{}`, but {}", unknown.escape_debug(), hosts.join(", "));
                return Err(self.unusable(name, why));
            }
            if let Some(twice) = host.filter(|_| named.contains(&host)) {
                return Err(
                    self.unusable(name, format!("it names the host `{twice}` twice: give it one URL"))
                );
            }
            named.push(host);
            let moved = match host {
                Some(host) => profile.with_base(host, url),
                None => profile.via_gateway(url),
            };
            profile = moved.map_err(|error| self.unusable(name, error.problem().to_string()))?;
        }
        Ok(profile)
    }

    /// Rejects plain http in the file or the environment, unless `allow_http_loopback` is set. The profile itself
    /// allows `http` to this computer, but a setting that was written for a test should not reach production.
    pub(crate) fn encrypted(&self, name: &'static str, url: &str) -> Result<(), ConfigError> {
        let is_clear = url.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http:"));
        let origin = self.value(name).map(|value| &value.origin);
        let may_be_left_over = matches!(origin, Some(Origin::File { .. } | Origin::Environment(_)));
        if is_clear && may_be_left_over && self.text("allow_http_loopback") != Some("true") {
            let why = "it is not encrypted: write https, or set `allow_http_loopback` for a server of this computer";
            return Err(self.unusable(name, why));
        }
        Ok(())
    }
}

/// Splits `HOST=URL` into name and URL. Returns `None` for the URL of a gateway, which may contain a `=` itself.
fn of_host(given: &str) -> Option<(&str, &str)> {
    given.split_once('=').filter(|(name, _)| !name.contains([':', '/', '?', '#']))
}
