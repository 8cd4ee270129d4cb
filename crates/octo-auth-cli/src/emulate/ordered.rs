//! The deviations of the providers, as ordered on the command line.

use octo_auth_emulator::{ANY_LOOPBACK, Emulator, generic, octorate, officernd};

use crate::arguments::{EmulateRequest, Emulated, OrderedFault};

/// Sets the emulator up.
pub(super) fn arrange(emulator: &Emulator, request: &EmulateRequest) {
    let uris = |of: Emulated, known: &[&'static str]| {
        let added = request.redirect_uri.iter().filter(|(provider, _)| *provider == of);
        let added: Vec<&str> = added.map(|(_, uri)| uri.as_str()).collect();
        [known, &added].concat()
    };
    emulator.octorate().set_redirect_uris(
        octorate::DEMO_CLIENT_ID,
        &uris(Emulated::Octorate, &[octorate::DEMO_REDIRECT_URI]),
    );
    emulator.officernd().set_redirect_uris(
        officernd::DEMO_CLIENT_ID,
        &uris(Emulated::Officernd, &[officernd::DEMO_REDIRECT_URI, ANY_LOOPBACK]),
    );
    emulator.generic().set_redirect_uris(
        generic::DEMO_CLIENT_ID,
        &uris(Emulated::Rfc6749, &[generic::DEMO_REDIRECT_URI, ANY_LOOPBACK]),
    );
    for (provider, lifetime) in &request.lifetime {
        match provider {
            Emulated::Octorate => emulator.octorate().set_access_lifetime(*lifetime),
            Emulated::Octotable => emulator.octotable().set_access_lifetime(*lifetime),
            Emulated::Officernd => emulator.officernd().set_access_lifetime(*lifetime),
            Emulated::Rfc6749 => emulator.generic().set_access_lifetime(*lifetime),
        }
    }
    for OrderedFault { host, path, count, fault } in &request.fault {
        let place = match path {
            Some(path) => emulator.faults().on(host, path),
            None => emulator.faults().on_host(host),
        };
        match count {
            Some(count) => place.next(*count, fault.clone()),
            None => place.always(fault.clone()),
        }
    }
    emulator.faults().skew_date(request.date_skew.unwrap_or(0));
}
