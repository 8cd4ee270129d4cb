use super::fixture::Fixture;
use super::publish;
use super::publish::{NAME, Outcome, Target};
use super::registry::{Fault, Registry};
use super::rehearsal::tree::name_registry;
use super::workspace::Workspace;

/// Returns the sample, committed as a release of 0.1.0 for a registry.
fn release(registry: &Registry) -> Fixture {
    let fixture = Fixture::listed();
    fixture.replace("CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n## 0.1.0 - 2026-01-01\n");
    name_registry(&Workspace::read(fixture.root()).unwrap(), NAME).unwrap();
    let settings = format!("[registries.{NAME}]\nindex = \"{}\"\n", registry.index());
    fixture.write(".cargo/config.toml", &settings);
    let locked = crate::cargo().arg("generate-lockfile").current_dir(fixture.root()).status();
    assert!(locked.unwrap().success());
    fixture.commit();
    fixture
}

#[test]
fn the_committed_state_is_published_and_a_run_that_was_cut_off_is_finished_by_the_next_one() {
    let registry = Registry::start("canary", [(2, Fault::Cut)]).unwrap();
    let fixture = release(&registry);
    let home = fixture.root().join("target/home");
    let target = Target::Loopback { index: registry.index(), token: "canary", home: &home };
    let publish = |has_token| publish(&Workspace::read(fixture.root()).unwrap(), &target, has_token);

    assert_eq!(publish(false).unwrap_err().to_string(), "nothing was published, see above");
    fixture.append("sample-zero/src/lib.rs", "// Not committed.\n");
    assert_eq!(publish(true).unwrap_err().to_string(), "nothing was published, see above");
    assert!(registry.log().iter().all(|seen| seen.method != "PUT"));

    fixture.commit();
    assert!(publish(true).unwrap_err().to_string().starts_with("1 of 3 crates are there"));
    let outcomes: Vec<_> = publish(true).unwrap().into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, [Outcome::WasThere, Outcome::Published, Outcome::Published]);
}
