//! Checks whether the provider can be reached, and how far this computer's clock differs from the provider's.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use http::header::DATE;
use octo_auth_blocking::{Transport, UreqTransport};
use octo_auth_config::{ConfigError, Settings};
use octo_auth_core::{Body, Profile, Timestamp};
use octo_auth_store_file::FileStore;
use octo_auth_system::{Clock, SystemClock};

use super::Finding;
use crate::failure::{Exit, Failure, shown};
use crate::{client, stored};

/// The limit of the wait for a provider's answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// The tolerated difference of the clocks, in seconds: a `Date` has whole seconds, and an answer takes time.
const NEAR: i64 = 60;

/// The difference, in seconds, from which the provider's clock is not trusted.
const IMPLAUSIBLE: i64 = 86_400;

/// Asks each provider once, without credentials.
pub(crate) fn check(settings: &Settings, store: Option<&FileStore>, findings: &mut Vec<Finding>) {
    let providers = providers(settings, store);
    if providers.is_empty() {
        findings.extend(
            ["provider", "clock"]
                .map(|check| Finding::skipped(check, "neither settings nor registrations name one")),
        );
    }
    for (url, (title, own)) in providers {
        match client::transport(&own).and_then(|transport| ask(&transport, &url)) {
            Ok((status, offset)) => {
                findings.push(Finding::sound(
                    "provider",
                    format!("{title} answers at {}, with HTTP {status}", shown(&url)),
                ));
                findings.push(clock(&title, offset));
            }
            Err(failure) => {
                findings
                    .push(Finding::failed("provider", &failure.about(format!("{title} at {}", shown(&url)))));
                findings.push(Finding::skipped("clock", format!("{title} does not tell its time")));
            }
        }
    }
}

/// Returns the token endpoints, each with the provider's title and the settings for reaching it.
fn providers(settings: &Settings, store: Option<&FileStore>) -> BTreeMap<String, (String, Settings)> {
    let labels = store.and_then(|store| store.registrations().ok()).unwrap_or_default();
    let registered = labels.iter().filter_map(|label| store?.registration(label).ok()?);
    let registered = registered.filter_map(|registration| stored::settings_of(registration).ok());
    let named = |own: Settings| {
        let profile = own.profile().ok()?;
        Some((token_url(&profile)?, (profile.title().to_owned(), own)))
    };
    registered
        .filter_map(|own| with_certificates(own, settings).ok())
        .chain([settings.clone()])
        .filter_map(named)
        .collect()
}

/// Returns the settings with the certificates of `others`, which take precedence.
fn with_certificates(mut own: Settings, others: &Settings) -> Result<Settings, ConfigError> {
    for name in [client::ROOT_CERTIFICATES, client::CLIENT_CERTIFICATE] {
        if let (Some(file), Some(origin)) = (others.get(name), others.origin(name)) {
            own = own.with(name, file, origin.clone())?;
        }
    }
    Ok(own)
}

fn token_url(profile: &Profile) -> Option<String> {
    let calls = &profile.document().calls;
    let giving = [&calls.client_credentials, &calls.code, &calls.refresh, &calls.api_login];
    let call = giving.into_iter().flatten().next()?;
    // The query may contain data meant only for the provider.
    profile.call_url(call).split('?').next().map(str::to_owned)
}

/// Sends a request without credentials. Any answer shows that the provider is reachable. Returns the status, and by how
/// many seconds the provider's clock is ahead of ours.
fn ask(transport: &UreqTransport, url: &str) -> Result<(u16, Option<i64>), Failure> {
    let request = Request::get(url).body(Body::empty());
    let request = request.map_err(|error| Failure::of(Exit::Configuration, &error))?;
    let sent = SystemClock.now().wall;
    let response = transport.send(&request, DEADLINE).map_err(|fault| {
        Failure::of(Exit::TryLater, &fault)
            .with_remedy("check the network, the proxy and the certificates that are trusted, and try again")
    })?;
    let received = SystemClock.now().wall;
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let seconds = |moment: Timestamp| moment.as_unix_millis().div_euclid(1000);
    let offset = date.and_then(|date| {
        let told = date
            .duration_since(std::time::UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok())?;
        // The provider's date was read at some time between the two.
        let (earliest, latest) = (seconds(sent), seconds(received));
        Some(told - told.clamp(earliest, latest))
    });
    Ok((response.status().as_u16(), offset))
}

fn clock(title: &str, offset: Option<i64>) -> Finding {
    let check = "clock";
    let Some(offset) = offset else {
        return Finding::skipped(check, format!("{title} does not tell its time"));
    };
    let distance = in_words(offset.unsigned_abs());
    let side = if offset > 0 { "behind" } else { "ahead of" };
    if offset.abs() <= NEAR {
        return Finding::sound(
            check,
            format!("it agrees with the clock of {title} within a minute ({offset:+} s)"),
        );
    }
    let follows = if offset.abs() > IMPLAUSIBLE {
        "that is too far to be corrected: an end of a token that is a date is taken as this clock says, so that tokens \
         are served when they are over, or renewed long before"
    } else {
        "the ends of new tokens are corrected by that; but tokens that were stored by the right time, here or by other \
         computers, end too early or too late"
    };
    let certificates = "; TLS certificates may seem to be over, or not valid yet";
    let detail = format!(
        "this computer's clock is {distance} {side} that of {title} ({offset:+} s from it): {follows}{certificates}"
    );
    let failure = Failure::new(Exit::Configuration, detail);
    Finding::failed(
        check,
        &failure.with_remedy("set the clock by a time server, such as: timedatectl set-ntp true"),
    )
}

/// Formats a duration to the nearest minute. A difference of seconds may come from the request itself.
fn in_words(seconds: u64) -> String {
    let minutes = (seconds + 30) / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, minutes) => format!("{hours} h {minutes:02} min"),
    }
}
