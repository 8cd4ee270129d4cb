//! Tests that a simulated fleet finds every known defect, and no violation without one.

use octo_auth_core::Storage;
use octo_auth_testkit::fleet::{Episode, Script, explore, first_violation, shrunk};
use octo_auth_testkit::world::{Defect, Plan, Provider, Rotation, Setup, Violation};

/// The seed of the run with which every defect is tried.
const SEED: u64 = 2;

/// Returns the first violation in a run of `days` days, and the number of days it took.
fn found(days: u64, sabotage: Option<Defect>) -> Option<(Plan, Violation)> {
    let stories = Episode::of_run(days, SEED, 8).map(|episode| episode.play(sabotage));
    stories.into_iter().find_map(|story| Some((story.plan, story.violation?)))
}

#[test]
fn each_known_defect_is_found_within_500_days() {
    for sabotage in Defect::all() {
        assert!(found(500, Some(sabotage)).is_some(), "{}: nothing found", sabotage.name());
    }
}

#[test]
fn without_a_defect_nothing_is_found() {
    assert_eq!(found(24, None).map(|(_, violation)| violation), None);
}

#[test]
fn the_seed_determines_an_episode() {
    let episode = Episode { seed: 7, days: 1, processes: 8 };
    let (once, again) = (episode.play(None), episode.play(None));
    assert_eq!(once.plan, again.plan);
    assert_eq!((once.tally, once.examined), (again.tally, again.examined));
    assert_ne!(once.plan, Episode { seed: 8, ..episode }.play(None).plan);
}

#[test]
fn a_violation_is_shrunk_and_found_again_when_its_script_is_read() {
    let sabotage = Defect::named("marker-not-written");
    let (plan, violation) = found(40, sabotage).expect("a finding");
    let script = Script { plan: shrunk(&plan, sabotage), sabotage };
    assert!(script.plan.events.len() <= 12, "{} events", script.plan.events.len());
    let read = Script::from_text(&script.to_text()).expect("a script");
    let again = first_violation(&read.plan, read.sabotage).map(|(_, again)| again.invariant);
    assert_eq!(again, Some(violation.invariant));
    assert_eq!(first_violation(&read.plan, None), None, "the machine itself has no such defect");
}

#[test]
fn no_order_of_five_steps_of_two_processes_breaks_an_invariant() {
    for rotation in [Rotation::Strict, Rotation::None] {
        let (provider, storage, processes, seed) = (Provider::Standard, Storage::MultiProcess, 2, 1);
        let explored = explore(Setup { provider, storage, processes, rotation, seed }, 5);
        assert_eq!(explored.broken, None);
        assert!(explored.sequences >= 1000, "{explored:?}");
    }
}
