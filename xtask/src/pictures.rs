//! Pictures of the manual and the README, drawn from the traces in `tests/scenarios`.
//!
//! The rule kept here: a picture shows what a trace says and nothing else. Tests compare each trace with the core and with
//! both adapters, so a picture cannot promise what the code does not do.

mod sequence;
mod svg;
mod timeline;
mod trace;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use trace::Trace;

const SCENARIOS: &str = "tests/scenarios";
const FOLDER: &str = "crates/octo-auth-manual/book/pictures/";
/// The pictures as link definitions for rustdoc, which copies no files beside its pages.
const FOR_RUSTDOC: &str = "crates/octo-auth-manual/src/pictures.md";

/// What a picture shows of its trace.
enum Kind {
    /// Who says what to whom. Time runs down.
    Sequence,
    /// The lives of the tokens of this key. Time runs to the right.
    Timeline(&'static str),
}

/// The name of each picture, its scenario and its kind.
const PICTURES: [(&str, &str, Kind); 7] = [
    ("first_token", "told/01-fresh.txt", Kind::Sequence),
    ("token_life", "told/02-stale.txt", Kind::Timeline("inn")),
    ("lost_answer", "ends/09-timeout.txt", Kind::Timeline("inn")),
    ("used_up", "ends/11-doubt-confirmed.txt", Kind::Sequence),
    ("two_replicas", "shared/02-two-at-once.txt", Kind::Sequence),
    ("killed_replica", "shared/13-crash-after-the-answer.txt", Kind::Sequence),
    ("shared_renewal", "shared/01-protocol.txt", Kind::Sequence),
];

/// Writes the pictures that are stale.
pub(crate) fn run(root: &Path) -> Result<bool> {
    for (path, text) in outdated(root)? {
        let file = root.join(&path);
        fs::create_dir_all(file.parent().unwrap_or(root))
            .with_context(|| format!("cannot create {FOLDER}"))?;
        fs::write(file, text).with_context(|| format!("cannot write {path}"))?;
        println!("{path}: written");
    }
    Ok(true)
}

/// Returns the paths of the pictures that are not what the scenarios would give now.
pub(crate) fn stale(root: &Path) -> Result<Vec<String>> {
    Ok(outdated(root)?.into_iter().map(|(path, _)| path).collect())
}

/// Returns whether the task writes this file.
pub(crate) fn is_written(path: &str) -> bool {
    path == FOR_RUSTDOC || path.strip_prefix(FOLDER).is_some_and(|name| name.ends_with(".svg"))
}

/// Returns the files that are stale, each with the text that it should have.
fn outdated(root: &Path) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    let mut definitions = String::new();
    for (name, scenario, kind) in &PICTURES {
        let path = format!("{SCENARIOS}/{scenario}");
        let text = fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        let trace = Trace::read(&path, &text)?;
        let picture = match kind {
            Kind::Sequence => sequence::draw(&trace),
            Kind::Timeline(key) => timeline::draw(&trace, key).with_context(|| path.clone())?,
        };
        writeln!(definitions, "[picture_{name}]: {}", svg::data_url(&picture))?;
        files.push((format!("{FOLDER}{name}.svg"), picture));
    }
    files.push((FOR_RUSTDOC.to_owned(), definitions));
    files.retain(|(path, text)| fs::read_to_string(root.join(path)).map_or(true, |present| present != *text));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{FOLDER, FOR_RUSTDOC, PICTURES, SCENARIOS, is_written, run, stale};

    fn copied(to: &Path) {
        for (_, scenario, _) in &PICTURES {
            let path = format!("{SCENARIOS}/{scenario}");
            fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
            fs::copy(crate::root().join(&path), to.join(&path)).unwrap();
        }
    }

    #[test]
    fn a_picture_is_stale_until_it_is_drawn_and_after_it_was_edited() {
        let copy = tempfile::tempdir().unwrap();
        copied(copy.path());
        assert_eq!(stale(copy.path()).unwrap().len(), PICTURES.len() + 1);
        run(copy.path()).unwrap();
        assert!(stale(copy.path()).unwrap().is_empty());
        let picture = format!("{FOLDER}token_life.svg");
        fs::write(copy.path().join(&picture), "<svg/>").unwrap();
        assert_eq!(stale(copy.path()).unwrap(), [picture]);
    }

    #[test]
    fn a_scenario_that_changed_makes_its_picture_and_the_copy_for_rustdoc_stale() {
        let copy = tempfile::tempdir().unwrap();
        copied(copy.path());
        run(copy.path()).unwrap();
        let scenario = copy.path().join(SCENARIOS).join("told/01-fresh.txt");
        let text = fs::read_to_string(&scenario).unwrap();
        fs::write(&scenario, text.replace("50 times", "60 times").replace("50 callers", "60 callers"))
            .unwrap();
        assert_eq!(stale(copy.path()).unwrap(), [format!("{FOLDER}first_token.svg"), FOR_RUSTDOC.to_owned()]);
    }

    #[test]
    fn each_picture_stands_on_a_page_of_the_manual_with_its_text_alternative() {
        let files = crate::tidy::files(&crate::root()).unwrap();
        let book = FOLDER.strip_suffix("pictures/").unwrap();
        let pages: Vec<_> =
            files.iter().filter(|file| file.path.starts_with(book) && file.path.ends_with(".md")).collect();
        for (name, ..) in &PICTURES {
            let (used, defined) =
                (format!(".][picture_{name}]"), format!("[picture_{name}]: ../pictures/{name}.svg"));
            let is_page = pages.iter().any(|page| page.text.contains(&used) && page.text.contains(&defined));
            assert!(is_page, "no page has {name}");
        }
    }

    #[test]
    fn only_the_pictures_and_their_copy_are_generated() {
        assert!(is_written("crates/octo-auth-manual/book/pictures/token_life.svg"));
        assert!(is_written("crates/octo-auth-manual/src/pictures.md"));
        assert!(!is_written("crates/octo-auth-manual/book/pictures/page.md"));
        assert!(!is_written("crates/octo-auth-manual/src/links.md"));
    }
}
