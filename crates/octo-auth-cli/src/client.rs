//! The client of a command, from the settings and the command's arguments, which take precedence. Also the transport.
//!
//! The rule of this module: a secret comes from the environment, a file or standard input, never from an argument.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use octo_auth_blocking::{SetupError, UreqTransport};
use octo_auth_config::{Origin, Settings};
use zeroize::Zeroizing;

use crate::arguments::{Authentication, ClientArguments, Provider};
use crate::credentials;
use crate::failure::{Exit, Failure, shown};
use crate::input;
use crate::profile;

/// The settings that name files with certificates.
pub(crate) const ROOT_CERTIFICATES: &str = "root_certificates";
pub(crate) const CLIENT_CERTIFICATE: &str = "client_certificate";

/// Returns the settings, overridden by the arguments.
///
/// # Errors
///
/// Returns a [`Failure`] with every error of the settings, or with the invalid argument.
pub(crate) fn settings(arguments: &ClientArguments) -> Result<Settings, Failure> {
    combinable(arguments)?;
    if let Some(path) = &arguments.profile {
        // This reports every error of the profile; the settings report only one.
        profile::read(path)?;
    }
    let profile = match (&arguments.profile, arguments.provider) {
        (Some(path), _) => Some(absolute(path)?),
        (None, provider) => provider.map(|provider| provider.name().to_owned()),
    };
    let way = arguments.client_authentication.map(|way| match way {
        Authentication::Body => "body",
        Authentication::Basic => "basic",
    });
    let path = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
    let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(" "));
    let profile_argument = if arguments.profile.is_some() { "--profile" } else { "--provider" };
    let mut settings = Settings::load(arguments.config.as_deref())?;
    for (argument, name, value) in [
        (profile_argument, "profile", profile),
        ("--token-url", "token_url", arguments.token_url.clone()),
        ("--client-authentication", "auth", way.map(str::to_owned)),
        ("--base-url", "base_url", joined(&arguments.base_url)),
        ("--scope", "scope", joined(&arguments.scope)),
        ("--root-certificates", ROOT_CERTIFICATES, path(&arguments.root_certificates)?),
        ("--client-certificate", CLIENT_CERTIFICATE, path(&arguments.client_certificate)?),
    ] {
        if let Some(value) = value {
            settings = settings.with(name, &value, Origin::Argument(argument.to_owned()))?;
        }
    }
    match &arguments.credentials {
        Some(source) => credentials::read(source, settings),
        None => Ok(settings),
    }
}

/// Refuses arguments that cannot be combined.
fn combinable(arguments: &ClientArguments) -> Result<(), Failure> {
    let is_other =
        arguments.profile.is_some() || arguments.provider.is_some_and(|named| named != Provider::Rfc6749);
    if arguments.token_url.is_some() && is_other {
        return Err(Failure::new(Exit::Usage, "--token-url goes with --provider rfc6749 only")
            .with_remedy("use --base-url to reach this provider at another address"));
    }
    Ok(())
}

/// Returns an absolute path as text.
pub(crate) fn absolute(path: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(Exit::Configuration, format!("{} {why}", shown(path.display())));
    let absolute =
        std::path::absolute(path).map_err(|error| wrong("cannot be used").because_of(Some(&error)))?;
    absolute.into_os_string().into_string().map_err(|_| wrong("is not UTF-8"))
}

/// Returns the transport with the configured certificates.
///
/// # Errors
///
/// Returns a [`Failure`] for a proxy or a certificate that cannot be used.
pub(crate) fn transport(settings: &Settings) -> Result<UreqTransport, Failure> {
    let mut transport = UreqTransport::new()?;
    let unusable = |error: SetupError, file: &Path| Failure::from(error).about(shown(file.display()));
    if let Some(file) = settings.get(ROOT_CERTIFICATES).map(Path::new) {
        let named = transport.with_root_certificates(read(file, false)?);
        transport = named.map_err(|error| unusable(error, file))?;
    }
    if let Some(file) = settings.get(CLIENT_CERTIFICATE).map(Path::new) {
        let named = transport.with_client_certificate(read(file, true)?);
        transport = named.map_err(|error| unusable(error, file))?;
    }
    Ok(transport)
}

/// Reads a PEM file. A file with a key must not be readable for other users.
fn read(path: &Path, has_key: bool) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let place = shown(path.display());
    let unreadable = |error: io::Error| {
        Failure::new(Exit::Configuration, format!("{place} cannot be read"))
            .because_of(Some(&error))
            .with_remedy("name a PEM file that you may read")
    };
    let file = File::open(path).map_err(unreadable)?;
    if has_key {
        credentials::refuse_shared(&file, path, &place)?;
    }
    input::bytes(file).map(Zeroizing::new).map_err(unreadable)
}
