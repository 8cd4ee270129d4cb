//! Arguments of the emulator: its port, its clock, and the deviations of its providers.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use octo_auth_emulator::{Fault, HOSTS};

use super::malformed::Malformed;

pub(super) const EMULATE_EXAMPLE: &str = r#"PROVIDER is octorate, octotable, officernd or rfc6749. PLACE is a host, such as auth.example, or a host and a path,
such as auth.example/token. FAULT is one of

  closed         the request is not processed, and the connection is closed
  lost           the request is processed, and the connection is closed without an answer
  cut            the request is processed, and half of the answer arrives
  gateway        the request is processed, and a gateway answers 502 in its place
  delay:SECONDS  the answer waits
  NUMBER         the request is not processed, and a gateway answers with this status, such as 503

and strikes every request, or with a number and x before it the next requests only.

A file holds the same by the names of the arguments, a list where one may be repeated. Arguments are added to its lists,
and take the place of its other values:

  port = 4000
  redirect-uri = ["octorate=https://hotel.example/callback"]
  lifetime = ["octorate=120", "rfc6749=300"]
  fault = ["auth.example/token=2x503", "api.octorate.com=delay:3"]
  date-skew = -7200

Examples:
  octo-auth emulate --port 4000
  octo-auth emulate --config emulator.toml
  octo-auth emulate --redirect-uri octorate=https://hotel.example/callback --lifetime octorate=120
  octo-auth emulate --fault auth.example/token=2x503 --date-skew -7200"#;

/// The permitted times of a frozen clock, in seconds since 1970: until the end of the year 9999.
pub(crate) const FROZEN_AT: RangeInclusive<i64> = 0..=253_402_300_799;

/// The permitted shift of the `Date` header, in seconds: ten years.
pub(crate) const SKEW: RangeInclusive<i64> = -315_360_000..=315_360_000;

/// The arguments of `octo-auth emulate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct EmulateRequest {
    /// A TOML file with the values of the other arguments
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The port to listen on; 0 or no port takes a free one
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// An additional redirect URI for the demo client of a provider; may be repeated
    #[arg(long, value_name = "PROVIDER=URI", value_parser = redirect_uri)]
    pub(crate) redirect_uri: Vec<(Emulated, String)>,

    /// The lifetime of a provider's access tokens, in seconds
    #[arg(long, value_name = "PROVIDER=SECONDS", value_parser = lifetime)]
    pub(crate) lifetime: Vec<(Emulated, Duration)>,

    /// A fault, and the place where it strikes; may be repeated
    #[arg(long, value_name = "PLACE=[COUNTx]FAULT", value_parser = fault)]
    pub(crate) fault: Vec<OrderedFault>,

    /// Stop the clock of the providers at this time, in seconds since 1970-01-01T00:00:00Z
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(FROZEN_AT))]
    pub(crate) frozen_at: Option<i64>,

    /// By how many seconds the Date header is ahead of the clock; negative if behind
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i64).range(SKEW))]
    pub(crate) date_skew: Option<i64>,
}

/// An emulated provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emulated {
    Octorate,
    Octotable,
    Officernd,
    Rfc6749,
}

/// A fault and where it strikes.
#[derive(Debug, Clone)]
pub(crate) struct OrderedFault {
    pub(crate) host: String,
    pub(crate) path: Option<String>,
    /// The count of requests that it strikes; `None` for every one.
    pub(crate) count: Option<u64>,
    pub(crate) fault: Fault,
}

const NO_EQUALS_SIGN: Malformed = Malformed("there is no = in it");

/// Splits at the first `=`, and parses the provider before it.
fn of_provider(text: &str) -> Result<(Emulated, &str), Malformed> {
    let (provider, value) = text.split_once('=').ok_or(NO_EQUALS_SIGN)?;
    let provider = Emulated::from_str(provider, false)
        .map_err(|_| Malformed("write octorate, octotable, officernd or rfc6749 before the ="))?;
    Ok((provider, value))
}

pub(crate) fn redirect_uri(text: &str) -> Result<(Emulated, String), Malformed> {
    let (provider, uri) = of_provider(text)?;
    match provider {
        Emulated::Octotable => Err(Malformed("OctoTable has no page that redirects")),
        Emulated::Octorate if !uri.starts_with("https://") => Err(Malformed("Octorate takes https only")),
        _ if !uri.contains(':') => Err(Malformed("write an absolute URI after the =")),
        provider => Ok((provider, uri.to_owned())),
    }
}

pub(crate) fn lifetime(text: &str) -> Result<(Emulated, Duration), Malformed> {
    let (provider, seconds) = of_provider(text)?;
    let seconds = seconds.parse::<u32>().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or(Malformed("write a number of seconds from 1 to 4294967295 after the ="))?;
    Ok((provider, Duration::from_secs(seconds.into())))
}

pub(crate) fn fault(text: &str) -> Result<OrderedFault, Malformed> {
    let (place, order) = text.split_once('=').ok_or(NO_EQUALS_SIGN)?;
    let (host, path) = place.split_once('/').map_or((place, None), |(host, path)| (host, Some(path)));
    if !HOSTS.contains(&host) {
        return Err(Malformed(
            "write an emulated host before the =, such as auth.example; octo-auth emulate lists them",
        ));
    }
    let (count, word) = match order.split_once('x') {
        Some((count, word)) => {
            (Some(count.parse().map_err(|_| Malformed("write a number before the x"))?), word)
        }
        None => (None, order),
    };
    let fault = match (word, word.split_once(':')) {
        ("closed", _) => Fault::ClosedUnprocessed,
        ("lost", _) => Fault::AnswerLost,
        ("cut", _) => Fault::AnswerCut,
        ("gateway", _) => Fault::GatewayErrorAfterProcessing,
        (_, Some(("delay", seconds))) => {
            let seconds =
                seconds.parse::<u32>().map_err(|_| Malformed("write whole seconds after delay:"))?;
            Fault::Delay(Duration::from_secs(seconds.into()))
        }
        _ => {
            let status = word.parse().ok().filter(|status| (200..=599).contains(status));
            let status = status.ok_or(Malformed(
                "the fault is none of closed, lost, cut, gateway, delay:SECONDS and 200 to 599",
            ))?;
            Fault::Status { status, retry_after: None, body: None }
        }
    };
    Ok(OrderedFault { host: host.to_owned(), path: path.map(|path| format!("/{path}")), count, fault })
}
