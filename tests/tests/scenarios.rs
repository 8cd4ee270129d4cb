//! Each scenario goes the same way, line by line, on the bare core and on both adapters.
//!
//! What is written in the scenarios is what the core does: `cargo run -p octo-auth-tests --bin golden` writes it again.

use std::collections::BTreeSet;

use octo_auth_core::State;
use octo_auth_testkit::scenario::{Scenario, ServerKind};
use octo_auth_tests::backend::{self, Filed};
use octo_auth_tests::states::STATES;

/// Plays all scenarios and shows each that goes otherwise than it is written.
fn all(play: impl Fn(&Filed) -> String) {
    let otherwise = |filed: &Filed| backend::otherwise(filed, &play(filed));
    let found: Vec<String> = backend::scenarios().iter().filter_map(otherwise).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_scenario_goes_on_the_core_as_it_is_written_whatever_chance_says() {
    for seed in 0..8 {
        all(|filed| backend::on_core(&filed.scenario, seed).0);
    }
}

#[cfg(feature = "adapters")]
#[test]
fn every_scenario_goes_on_the_asynchronous_adapter_as_it_is_written() {
    all(|filed| backend::on_async(&filed.scenario));
}

#[cfg(feature = "adapters")]
#[test]
fn every_scenario_goes_on_the_blocking_adapter_as_it_is_written() {
    all(|filed| backend::on_blocking(&filed.scenario));
}

#[test]
fn every_scenario_shows_the_states_it_names_and_together_they_show_all() {
    let mut shown = BTreeSet::new();
    for filed in backend::scenarios() {
        let (_, rows) = backend::on_core(&filed.scenario, 1);
        for row in &filed.scenario.setup().shows {
            assert!(rows.contains(&row.as_str()), "{}: {row}", filed.path.display());
            shown.insert(row.clone());
        }
    }
    let missing: Vec<&str> =
        STATES.map(State::word).into_iter().filter(|word| !shown.contains(*word)).collect();
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn every_scenario_has_a_title_of_its_own_and_is_listed() {
    let scenarios = backend::scenarios();
    let titles: BTreeSet<&str> = scenarios.iter().map(|filed| filed.scenario.title()).collect();
    assert_eq!(titles.len(), scenarios.len());
    let folders: BTreeSet<String> = scenarios.iter().map(Filed::part).collect();
    assert!(folders.iter().map(String::as_str).eq(BTreeSet::from(backend::PARTS.map(|(folder, _)| folder))));
    let listed = std::fs::read_to_string(backend::folder().join("index.md")).unwrap_or_default();
    assert!(listed == backend::index(&scenarios), "the index is stale: run the program `golden`");
}

#[test]
fn a_line_of_a_scenario_that_means_nothing_is_an_error_that_names_it() {
    let head = "A title\n\nWhy.\n\n";
    for (rest, error) in [
        ("store: paper\n", "line 5: no setting: store: paper"),
        ("wait: 2h\n", "line 5: no setting: wait: 2h"),
        ("colour: blue\n", "line 5: no setting: colour: blue"),
        ("> ask\n", "line 5: no step: > ask"),
        ("> pass 0s\n", "line 5: no step: > pass 0s"),
        ("> pass 5\n", "line 5: no step: > pass 5"),
        ("> server next: something\n", "line 5: no step: > server next: something"),
        ("> three: ask inn\n", "line 5: no step: > three: ask inn"),
    ] {
        let misread = Scenario::read(&format!("{head}{rest}")).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(misread, Err(error.to_owned()));
    }
    assert!(Scenario::read("").is_err(), "there is no title");
}

#[test]
fn a_scenario_is_read_without_what_it_says_that_its_steps_cause() {
    let text = "A title\n\nprovider: OfficeRND\n\n> ask service\n  told service: anything\nA remark.\n";
    let scenario = Scenario::read(text);
    let (title, provider) = match &scenario {
        Ok(scenario) => (scenario.title(), scenario.setup().provider),
        Err(error) => panic!("{error}"),
    };
    assert_eq!((title, provider), ("A title", ServerKind::OfficeRnd));
    let went = backend::on_core(&scenario.unwrap_or_else(|error| panic!("{error}")), 1).0;
    assert!(went.contains("  told service: A1 (fresh)\n") && went.ends_with("\nA remark.\n"), "{went}");
}
