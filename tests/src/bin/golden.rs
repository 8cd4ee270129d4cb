//! Writes `tests/golden` anew, and in `tests/scenarios` what each step causes on the bare core. What changes there
//! changes what is sent, read or told: compare it with the providers' documents, or with the tables of the lifecycle,
//! before it is committed.

use std::path::Path;

use octo_auth_core::Profile;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_tests::registration::{sound, standard_profile};
use octo_auth_tests::stage;
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
    let scenarios = stage::scenarios();
    for filed in &scenarios {
        sound(std::fs::write(&filed.path, stage::on_core(&filed.scenario, 1).0));
    }
    sound(std::fs::write(stage::folder().join("index.md"), stage::index(&scenarios)));
}
