//! The structure of the core in numbers: how much code one refresh runs through, how much belongs to the state of one
//! token spec, and which files import each other in a circle.
//!
//! The rule of this module: everything is counted in the current sources, and the counted items are listed.

mod circles;
mod graph;
mod source;
mod state;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use graph::Graph;
use source::Source;
use state::State;

/// The sources of the core.
const CORE: &str = "crates/octo-auth-core/src";

/// The modules of the core that a refresh runs through; missing ones are skipped.
const ROOTS: [&str; 3] = ["manager", "key", "store"];

/// The simulated world: its sources and its module.
const WORLD: (&str, &str) = ("crates/octo-auth-testkit/src", "world");

/// Prints all measures. Returns whether no two files of a crate import each other, directly or indirectly.
///
/// # Errors
///
/// Returns an error if a source cannot be read, is not Rust, or if the state of a token spec has none of its known
/// names.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let core = source::read(&root.join(CORE))?;
    let state = State::of(&core)?;
    print_way(&core, &state);
    state.print(&core);
    let has_no_circle = print_circles(root)?;
    print_lines(&core, &source::read(&root.join(WORLD.0))?);
    Ok(has_no_circle)
}

/// Prints the files of one refresh: those that define, implement or hold the state of one token spec, and all files
/// that they import, directly or indirectly.
fn print_way(core: &[Source], state: &State) {
    let within = |file: &usize| ROOTS.iter().any(|root| core[*file].is_in(root));
    let mut arrows = Graph::of(core).with_hidden();
    arrows.iter_mut().for_each(|to| to.retain(within));
    let way = circles::reached(&arrows, state.named_in.iter().copied().filter(within));
    println!("the way of one renewal, from the files that name `{}`", state.name);
    println!("{:>6} {:>6}  file", "lines", "types");
    let (mut lines, mut types) = (0, 0);
    for source in way.iter().map(|file| &core[*file]) {
        println!("{:>6} {:>6}  {}", source.lines, source.types(), source.path);
        lines += source.lines;
        types += source.types();
    }
    println!("{lines:>6} {types:>6}  {} files in all\n", way.len());
}

/// Prints every circle of each crate. Returns whether there is none. If a file re-exports a name of a child and also
/// uses it, the re-export hides an import; the last two columns include these.
fn print_circles(root: &Path) -> Result<bool> {
    let folder = root.join("crates");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut crates: Vec<_> = entries.collect::<Result<_, _>>()?;
    crates.sort_by_key(fs::DirEntry::file_name);
    let mut summary = Vec::new();
    println!("import circles");
    for entry in crates {
        let (name, src) = (entry.file_name().to_string_lossy().into_owned(), entry.path().join("src"));
        if !src.is_dir() {
            continue;
        }
        let sources = source::read(&src)?;
        let graph = Graph::of(&sources);
        let found = circles::of(&graph.arrows);
        for circle in &found {
            let paths: Vec<&str> = circle.iter().map(|file| &*sources[*file].path).collect();
            println!("{name}: {} files: {}", circle.len(), paths.join(", "));
        }
        summary.push((name, sources.len(), found, circles::of(&graph.with_hidden())));
    }
    let count = |circles: &[BTreeSet<usize>]| circles.iter().map(BTreeSet::len).sum::<usize>();
    println!("{:>6} {:>8} {:>9} {:>8} {:>9}  crate", "files", "circles", "in them", "hidden", "in them");
    let mut has_none = true;
    for (name, files, found, hidden) in summary {
        let (circles, all) = (found.len(), hidden.len());
        has_none &= all == 0;
        println!("{files:>6} {circles:>8} {:>9} {all:>8} {:>9}  {name}", count(&found), count(&hidden));
    }
    println!();
    Ok(has_none)
}

/// Prints the line counts of the modules of a refresh and of the simulated world.
fn print_lines(core: &[Source], testkit: &[Source]) {
    let lines = |sources: &[Source], module: &str| {
        let of_it: Vec<_> = sources.iter().filter(|source| source.is_in(module)).collect();
        (of_it.len(), of_it.iter().map(|source| source.lines).sum::<usize>())
    };
    let (mut all, mut all_lines) = (0, 0);
    println!("{:>6} {:>6}  module", "files", "lines");
    for (name, (files, lines)) in ROOTS.map(|name| (name, lines(core, name))) {
        if files > 0 {
            println!("{files:>6} {lines:>6}  {CORE}/{name}");
        }
        all += files;
        all_lines += lines;
    }
    println!("{all:>6} {all_lines:>6}  these together");
    let (files, lines) = lines(testkit, WORLD.1);
    println!("{files:>6} {lines:>6}  {}/{}", WORLD.0, WORLD.1);
}
