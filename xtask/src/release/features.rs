//! Checks every combination of features that a user can choose.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::Package;

use super::workspace::Workspace;

/// Checks each published crate with each set of its features; with `few`, only without features, with each alone, and
/// with all. Returns whether each builds without a warning.
pub(crate) fn run(root: &Path, few: bool) -> Result<bool> {
    let workspace = Workspace::read(root)?;
    let mut failed = Vec::new();
    let mut count = 0;
    for package in &workspace.crates {
        for set in sets(&names(package), few) {
            count += 1;
            let list = set.join(",");
            let status = crate::cargo()
                .args([
                    "check",
                    "--quiet",
                    "--package",
                    &package.name,
                    "--no-default-features",
                    "--features",
                    &list,
                ])
                .env("RUSTFLAGS", "-Dwarnings")
                // Other flags would rebuild everything, so they use a separate target folder.
                .env("CARGO_TARGET_DIR", workspace.target.join("features"))
                .current_dir(root)
                .status()
                .context("cannot run cargo")?;
            if !status.success() {
                failed.push(format!("{} with features [{list}]", package.name));
            }
        }
    }
    failed.iter().for_each(|what| println!("does not build: {what}"));
    println!("{count} sets of features, {} do not build", failed.len());
    Ok(failed.is_empty())
}

/// Returns the features that are not a list of defaults.
fn names(package: &Package) -> Vec<&str> {
    package.features.keys().map(String::as_str).filter(|name| *name != "default").collect()
}

/// Returns all subsets of some names; with `few`, only the empty set, each name alone, and all names.
fn sets<'a>(names: &[&'a str], few: bool) -> Vec<Vec<&'a str>> {
    let whole = (1_u64 << names.len()) - 1;
    let is_wanted = |bits: &u64| !few || bits.count_ones() < 2 || *bits == whole;
    let chosen = |bits: u64| {
        let own = names.iter().enumerate().filter(|(index, _)| bits >> index & 1 == 1);
        own.map(|(_, name)| *name).collect()
    };
    (0..=whole).filter(is_wanted).map(chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::{run, sets};
    use crate::release::fixture::Fixture;

    #[test]
    fn the_powerset_has_each_set_once_and_the_few_are_none_each_and_all() {
        assert_eq!(sets(&[], false), [Vec::<&str>::new()]);
        let all = sets(&["a", "b", "c"], false);
        assert_eq!(all.len(), 8);
        assert_eq!(all[5], ["a", "c"]);
        assert_eq!(
            sets(&["a", "b", "c"], true),
            [vec![], vec!["a"], vec!["b"], vec!["c"], vec!["a", "b", "c"]]
        );
    }

    #[test]
    fn a_feature_that_does_not_build_alone_is_found() {
        let fixture = Fixture::new();
        fixture.append("sample-zero/Cargo.toml", "\n[features]\none = []\ntwo = []\n");
        fixture
            .append("sample-zero/src/lib.rs", "#[cfg(feature = \"one\")]\nmod inner { pub struct One; }\n");
        assert!(!run(fixture.root(), true).unwrap());
        fixture.append("sample-zero/src/lib.rs", "#[cfg(feature = \"one\")]\npub use inner::One;\n");
        assert!(run(fixture.root(), true).unwrap());
    }
}
