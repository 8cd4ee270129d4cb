//! `octo-auth doctor`: checks everything that a working token needs.
//!
//! The rule of this module: each line names the check, its result and the remedy, also if a check is not possible. No
//! credentials are sent, and no token is changed.

mod finding;
mod proof;
mod provider;

use octo_auth_config::{KeySource, Settings};
use octo_auth_store_file::FileStore;
use octo_auth_system::proxies::Proxies;
use serde_json::json;

pub(crate) use finding::Finding;
pub(crate) use proof::write_until_killed;

use crate::arguments::DoctorRequest;
use crate::failure::{Exit, Failure, shown};
use crate::output::Output;
use crate::{client, inventory, keys, store, stored};

/// Checks everything and prints the findings.
///
/// # Errors
///
/// Returns a [`Failure`] if the findings cannot be printed.
pub(crate) fn run(request: &DoctorRequest, output: &mut Output) -> Result<Exit, Failure> {
    let mut findings = Vec::new();
    match client::settings(&request.client) {
        Ok(settings) => check(request, &settings, &mut findings),
        Err(failure) => {
            findings.push(Finding::failed("configuration", &failure));
            let skipped = ["key", "directory", "records", "secrets", "writing", "proxy", "provider", "clock"];
            let why = "the configuration must be right first";
            findings.extend(skipped.map(|check| Finding::skipped(check, why)));
        }
    }
    if request.json {
        let all: Vec<_> = findings.iter().map(Finding::to_json).collect();
        output.line(json!({"checks": all}))?;
    } else {
        for finding in &findings {
            output.line(finding)?;
        }
    }
    let worst = findings.iter().filter_map(Finding::exit).max_by_key(|exit| *exit != Exit::TryLater);
    Ok(worst.unwrap_or(Exit::Done))
}

fn check(request: &DoctorRequest, settings: &Settings, findings: &mut Vec<Finding>) {
    findings.push(configuration(settings));
    let keys = keys::of(settings);
    findings.push(key(settings, keys.as_ref().err()));
    let is_new = stored::nothing_is_stored(&request.store, settings).unwrap_or(false);
    let skipped = |checks: &[&'static str], why: &str| -> Vec<Finding> {
        checks.iter().map(|check| Finding::skipped(check, why)).collect()
    };
    let opened = |keys| {
        stored::open_directory(&stored::directory(&request.store, settings)?, keys, stored::Absent::Refused)
    };
    let store = match keys.map(opened) {
        Ok(_) if is_new => {
            let why = "nothing is stored yet; octo-auth login and octo-auth import create the directory";
            findings.extend(skipped(&["directory", "records", "secrets", "writing"], why));
            None
        }
        Ok(Ok(store)) => {
            findings.push(directory(&store));
            findings.push(records(&store, settings));
            findings.push(secrets(&store));
            findings.push(match store.adopt_only() {
                Some(_) => Finding::skipped("writing", "the directory is adopt-only"),
                None => proof::check(store.directory()),
            });
            Some(store)
        }
        Ok(Err(failure)) => {
            findings.push(Finding::failed("directory", &failure));
            findings.extend(skipped(&["records", "secrets", "writing"], "there is no directory"));
            None
        }
        Err(_) => {
            findings.extend(skipped(
                &["directory", "records", "secrets", "writing"],
                "the key must be had first",
            ));
            None
        }
    };
    findings.push(proxy());
    provider::check(settings, store.as_ref(), findings);
}

fn configuration(settings: &Settings) -> Finding {
    let check = "configuration";
    if settings.origin("client_id").is_none() && settings.origin("profile").is_none() {
        return Finding::sound(
            check,
            "no client is set: each command takes that of its account from the directory",
        );
    }
    match settings.check() {
        Ok(()) => Finding::sound(check, "the settings make a client"),
        Err(error) => Finding::failed(check, &error.into()),
    }
}

fn key(settings: &Settings, failure: Option<&Failure>) -> Finding {
    let check = "key";
    if let Some(failure) = failure {
        return Finding::failed(check, failure);
    }
    let found = match settings.store_key() {
        Ok(None) => "none is set: what is stored is plain text that only its owner can read".to_owned(),
        Ok(Some(KeySource::Keyring(name))) => format!("the keyring has it, as {}", shown(name)),
        Ok(Some(_)) => "it can be read".to_owned(),
        Err(error) => return Finding::failed(check, &error.into()),
    };
    Finding::sound(check, found)
}

fn directory(store: &FileStore) -> Finding {
    let (check, place) = ("directory", shown(store.directory().display()));
    if let Some(why) = store.adopt_only() {
        let remedy =
            "run as the user that the directory belongs to, or name another by --store or store.path";
        return Finding::doubtful(
            check,
            format!("{place} is adopt-only, because {why}: its tokens are used and not renewed"),
            remedy,
        );
    }
    if store.is_shared_by_computers() {
        let remedy =
            "use a local disk if one computer alone needs the tokens; else keep the clocks of all in step";
        return Finding::doubtful(
            check,
            format!("{place} is on a network file system, or on one that cannot be told from it"),
            remedy,
        );
    }
    Finding::sound(check, format!("{place}: only its owner can change it"))
}

fn records(store: &FileStore, settings: &Settings) -> Finding {
    let damages = inventory::read(store, settings).and_then(|known| store::damages(store, &known));
    match damages {
        Ok((count, damages)) if damages.is_empty() => {
            Finding::sound("records", format!("{count}, all sound"))
        }
        Ok((count, damages)) => {
            let noun = store::faults(damages.len());
            let message = format!("{count}, and {} {noun}: {}", damages.len(), damages.join("; "));
            Finding::failed(
                "records",
                &Failure::new(Exit::Configuration, message).with_remedy("see octo-auth store check"),
            )
        }
        Err(failure) => Finding::failed("records", &failure),
    }
}

/// Checks whether the client secret of each registration can be obtained. An unreadable registration was already
/// reported with the records.
fn secrets(store: &FileStore) -> Finding {
    let check = "secrets";
    let labels = match store.registrations() {
        Ok(labels) => labels,
        Err(error) => return Finding::failed(check, &error.into()),
    };
    let read = |label: String| Some((store.registration(&label).ok()??, label));
    let (mut count, mut missing) = (0, Vec::new());
    for (registration, label) in labels.into_iter().filter_map(read) {
        let Some(source) = registration.secret else { continue };
        count += 1;
        if let Err(error) = source.obtain() {
            let failure = Failure::from(error);
            missing.push(format!("the registration {label}: {}", failure.in_one_line()));
        }
    }
    if missing.is_empty() {
        let detail = match count {
            0 => "no registration has a client secret".to_owned(),
            count => format!("each registration with a client secret ({count}) has it"),
        };
        return Finding::sound(check, detail);
    }
    let message = format!("{} of {count} cannot be had: {}", missing.len(), missing.join("; "));
    let remedy =
        "set the variable or put the file back; or sign in or import again with a secret in another place";
    Finding::failed(check, &Failure::new(Exit::Configuration, message).with_remedy(remedy))
}

fn proxy() -> Finding {
    match Proxies::from_env() {
        Ok(proxies) => Finding::sound(
            "proxy",
            match proxies.proxy() {
                Some(proxy) => {
                    format!("requests by https go through {proxy}, but for those that NO_PROXY names")
                }
                None => "none: requests go to the provider directly".to_owned(),
            },
        ),
        Err(error) => {
            let failure = Failure::of(Exit::Configuration, &error);
            Finding::failed("proxy", &failure.with_remedy("correct the variable, or unset it"))
        }
    }
}
