//! What a record remembers so that no sign-in and no sign-out is applied twice.

use octo_auth_core::{Purpose, Storage};
use octo_auth_testkit::machine::{InMemoryStore, Machine, hotel};
use octo_auth_testkit::registration::standard;
use serde_json::Value;

use crate::scene::process;

/// Returns processes that signed in one after the other with `RT1`, `RT2` and so on. The store took each sign-in, but
/// no process has received the result.
fn signed_in_unheard(processes: u8) -> Vec<Machine> {
    let store = InMemoryStore::default();
    let signed_in = |number: u8| {
        let mut world = process(&store, number);
        let load = world.decide(&hotel()).job;
        world.carry(load);
        let save = world.signing_in(&hotel(), &format!("RT{number}"));
        world.breaks_off(save, true);
        world
    };
    (1..=processes).map(signed_in).collect()
}

/// Lets a process save again what it does not know to be stored.
fn comes_back(world: &mut Machine) {
    world.pass_seconds(600);
    for save in world.manager.save_all(world.now) {
        world.carry(Some(save));
    }
}

fn applied(world: &Machine) -> usize {
    world.stored(&hotel()).member("applied").and_then(Value::as_array).map_or(0, Vec::len)
}

#[test]
fn none_of_100_sign_ins_with_unknown_write_results_is_applied_twice() {
    let mut all = signed_in_unheard(100);
    for world in &mut all {
        comes_back(world);
        assert_eq!(world.stored(&hotel()).refresh_token(), Some("RT100"), "the last sign-in stays");
        assert!(
            world.asked.iter().all(|asked| asked.parameter("token") != Some("RT100")),
            "and is not revoked"
        );
    }
}

#[test]
fn none_of_100_sign_ins_with_unknown_write_results_undoes_a_sign_out() {
    let mut all = signed_in_unheard(99);
    let mut last = process(&all[0].store, 100);
    last.sign_out(&hotel());
    for world in &mut all {
        comes_back(world);
        assert!(world.stored(&hotel()).is_signed_out());
    }
}

#[test]
fn a_record_remembers_the_last_128_processes_that_signed_in_or_out() {
    let mut all = signed_in_unheard(128);
    assert_eq!(applied(&all[0]), 128);
    comes_back(&mut all[0]);
    assert_eq!(all[0].stored(&hotel()).refresh_token(), Some("RT128"), "127 others are in the record");
    let mut more = process(&all[0].store, 200);
    more.sign_in(&hotel(), "RT200");
    assert_eq!(applied(&more), 128, "the oldest was forgotten");
    comes_back(&mut all[1]);
    assert_eq!(all[1].stored(&hotel()).refresh_token(), Some("RT200"));
}

#[test]
fn a_process_has_one_entry_in_the_record_however_often_it_signs_in() {
    let mut world = Machine::with_store(standard(), Storage::SingleProcess, &InMemoryStore::default(), 1);
    for number in 0..200 {
        world.sign_in(&hotel(), &format!("RT{number}"));
        world.sign_out(&hotel());
    }
    assert_eq!(applied(&world), 1);
}

#[test]
fn each_sign_in_that_was_replaced_is_revoked_once() {
    let mut all = signed_in_unheard(10);
    all.iter_mut().for_each(comes_back);
    let mut revoked: Vec<_> = all
        .iter()
        .flat_map(|world| &world.asked)
        .filter(|asked| asked.purpose == Purpose::Revocation)
        .filter_map(|asked| asked.parameter("token"))
        .collect();
    revoked.sort_unstable();
    assert_eq!(revoked, ["RT1", "RT2", "RT3", "RT4", "RT5", "RT6", "RT7", "RT8", "RT9"]);
}
