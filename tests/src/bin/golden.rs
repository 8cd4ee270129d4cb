//! Writes `tests/golden` anew. What changes there changes what is sent or read: compare it with the providers'
//! documents before it is committed.

use std::path::Path;

use octo_auth_core::Profile;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_tests::registration::{sound, standard_profile};
use octo_auth_tests::transcript::transcript;

fn main() {
    let builtin = Profile::BUILTIN.into_iter().map(|name| (name.to_owned(), Profile::builtin(name)));
    let standard = [("body", ClientAuthentication::Body), ("basic", ClientAuthentication::Basic)]
        .map(|(name, way)| (format!("rfc6749-{name}"), Some(standard_profile(way))));
    for (name, profile) in builtin.chain(standard) {
        let Some(profile) = profile else { continue };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.txt"));
        sound(std::fs::write(file, transcript(&profile)));
    }
}
