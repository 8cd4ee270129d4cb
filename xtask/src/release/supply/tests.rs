use std::fs;

use super::rules::Rules;
use super::sbom;
use super::tree::Tree;
use super::trusted;
use crate::release::fixture::Fixture;

const RULES: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n[bans]\ndeny = [{ name = \"bad\" }]\n";

fn broken(fixture: &Fixture) -> Vec<String> {
    let tree = Tree::read(fixture.root()).unwrap();
    Rules::read(fixture.root()).unwrap().findings(&tree).unwrap()
}

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.write("deny.toml", RULES);
    fs::create_dir_all(fixture.root().join("xtask/release")).unwrap();
    fixture
}

#[test]
fn a_licence_that_is_not_allowed_is_named_with_the_way_by_which_it_came_in() {
    let fixture = fixture();
    assert_eq!(broken(&fixture), Vec::<String>::new());
    // Published crates are roots of the tree, so that one must be private for a path to exist.
    for name in ["sample-zero", "sample-middle"] {
        fixture.replace(&format!("{name}/Cargo.toml"), "[package]", "[package]\npublish = false");
    }
    for (licence, is_allowed) in
        [("MIT OR GPL-3.0", true), ("Apache-2.0/GPL-3.0", true), ("MIT AND GPL-3.0", false)]
    {
        fixture.replace("sample-zero/Cargo.toml", "license = \"MIT\"", &format!("license = \"{licence}\""));
        let found = broken(&fixture);
        assert_eq!(found.is_empty(), is_allowed, "{licence}: {found:?}");
        if !is_allowed {
            let expected =
                "sample-app -> sample-middle -> sample-zero: its licence `MIT AND GPL-3.0` is not allowed";
            assert!(found[0].starts_with(expected), "{found:?}");
        }
        fixture.replace("sample-zero/Cargo.toml", &format!("license = \"{licence}\""), "license = \"MIT\"");
    }
    fixture.replace("sample-zero/Cargo.toml", "license = \"MIT\"\n", "");
    assert!(broken(&fixture)[0].contains("it names no licence"));
}

#[test]
fn a_banned_crate_is_named() {
    let fixture = fixture();
    fixture.replace("deny.toml", "\"bad\"", "\"sample-zero\"");
    assert_eq!(broken(&fixture), ["sample-zero: deny.toml bans sample-zero: remove what brings it in"]);
}

#[test]
fn new_unsafe_code_and_a_new_build_script_are_named_until_they_are_accepted() {
    let fixture = fixture();
    let found = || trusted::findings(fixture.root(), &Tree::read(fixture.root()).unwrap()).unwrap();
    trusted::write(fixture.root(), &Tree::read(fixture.root()).unwrap()).unwrap();
    assert_eq!(found(), Vec::<String>::new());
    fixture.append("sample-zero/src/lib.rs", "// unsafe { not this }\n");
    assert_eq!(found(), Vec::<String>::new());
    fixture.append("sample-zero/src/lib.rs", "/// # Safety\n/// None.\npub unsafe fn a() {}\n");
    fixture.write("sample-app/build.rs", "fn main() {}\n");
    let now = found();
    assert!(now[0].starts_with("sample-app has a build script, which"), "{now:?}");
    assert!(now[1].starts_with("sample-zero has unsafe code, which"), "{now:?}");
    trusted::write(fixture.root(), &Tree::read(fixture.root()).unwrap()).unwrap();
    assert_eq!(found(), Vec::<String>::new());
}

#[test]
fn a_bill_of_materials_is_the_same_each_time_and_each_component_has_purl_licence_and_checksum() {
    let fixture = fixture();
    let checksums = ["sample-zero", "sample-middle", "sample-app"]
        .map(|name| ((name.to_owned(), "0.1.0".to_owned()), "ab".repeat(32)))
        .into_iter()
        .collect();
    let text = || sbom::text(&Tree::read(fixture.root()).unwrap(), "sample-app", &checksums).unwrap();
    let first = text();
    assert_eq!(first, text());
    let document: serde_json::Value = serde_json::from_str(&first).unwrap();
    let components = document["components"].as_array().unwrap();
    let purls: Vec<_> = components.iter().map(|component| component["purl"].as_str().unwrap()).collect();
    assert_eq!(purls, ["pkg:cargo/sample-middle@0.1.0", "pkg:cargo/sample-zero@0.1.0"]);
    for component in components.iter().chain([&document["metadata"]["component"]]) {
        assert_eq!(component["licenses"][0]["expression"], "MIT");
        assert_eq!(component["hashes"][0]["content"].as_str().unwrap().len(), 64);
    }
    let tree = Tree::read(fixture.root()).unwrap();
    let error = sbom::text(&tree, "sample-app", &sbom::Checksums::new()).unwrap_err().to_string();
    assert!(error.contains("has no checksum"), "{error}");
}
