//! Checks lists of random rules for every IPv4 address: `octo-auth-exhaustive SETS SEED`, started by `cargo xtask
//! allowlist`.

#![expect(clippy::print_stdout, reason = "a command speaks on its standard streams")]

use std::process::ExitCode;

use octo_auth_exhaustive::{compare, list, rules};

fn main() -> ExitCode {
    let arguments: Vec<u64> = std::env::args().skip(1).map_while(|argument| argument.parse().ok()).collect();
    let [sets, seed] = arguments[..] else {
        println!("say how many lists are asked, and the seed of the first");
        return ExitCode::from(2);
    };
    println!("seed {seed}, {sets} lists, 4294967296 addresses each");
    let mut failed = 0_u64;
    for seed in (0..sets).map(|set| seed.wrapping_add(set)) {
        let rules = rules(seed);
        let (list, is_stable) = list(&rules);
        // Printed before the work, so that the seed is known even if the list panics.
        println!("seed {seed}: {} rules, {} blocks", rules.len(), list.minimal().len());
        let difference = compare(&rules, &list);
        if !is_stable {
            println!("  WRONG: the shortest list is another");
        }
        if let Some(found) = difference {
            let does = if found.permits { "permits what no rule does" } else { "denies what a rule permits" };
            println!("  DIFFERENCE at {}: the list {does}", found.address);
        }
        if difference.is_some() || !is_stable {
            failed += 1;
            println!("  again: cargo xtask allowlist --sets 1 --seed {seed}");
        }
    }
    println!("{} lists without a difference, {failed} with one", sets - failed);
    ExitCode::from(u8::from(failed > 0))
}
