//! Regenerates `tests/golden`, the names and contents of records in the tests of the core, and the results of each step
//! in `tests/scenarios` on the bare core. A change there means that octo-auth sends, reads, stores or reports something
//! else. Compare it with the providers' documents, or with the tables of the lifecycle, before the commit. If the name
//! of a record changes, programs lose their stored records.

use std::path::Path;

use octo_auth_core::Profile;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_tests::registration::{sound, standard_profile};
use octo_auth_tests::transcript::transcript;
use octo_auth_tests::{backend, records};

fn main() {
    let builtin = Profile::BUILTIN.into_iter().map(|name| (name.to_owned(), Profile::builtin(name)));
    let standard = [("body", ClientAuthentication::Body), ("basic", ClientAuthentication::Basic)]
        .map(|(name, way)| (format!("rfc6749-{name}"), Some(standard_profile(way))));
    for (name, profile) in builtin.chain(standard) {
        let Some(profile) = profile else { continue };
        write(&format!("golden/{name}"), &transcript(&profile));
    }
    write("../crates/octo-auth-core/tests/record/names", &records::names());
    write("../crates/octo-auth-core/tests/record/contents", &records::contents());
    let scenarios = backend::scenarios();
    for filed in &scenarios {
        sound(std::fs::write(&filed.path, backend::on_core(&filed.scenario, 1).0));
    }
    sound(std::fs::write(backend::folder().join("index.md"), backend::index(&scenarios)));
}

fn write(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.txt"));
    sound(std::fs::write(file, text));
}
