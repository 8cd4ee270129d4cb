//! The index of errors in the manual: each word has an entry, each entry has a word, and each test that a page names exists.
//!
//! The rule kept here: what is compared is read, the words from the sources and the entries from the tables of the pages.

mod pages;
mod words;

use std::collections::BTreeSet;

use super::{File, Finding};
use crate::invariants;

/// The pages of the manual.
const BOOK: &str = "crates/octo-auth-manual/book/";

/// The page that a missing entry belongs on.
const INDEX: &str = "crates/octo-auth-manual/book/errors.md";

/// A word, and the crate whose errors have it.
type Code = (String, String);

pub(super) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let codes: BTreeSet<Code> = files.iter().flat_map(words::codes).collect();
    let tests: BTreeSet<String> =
        files.iter().filter(|file| file.is_rust()).flat_map(|file| invariants::tests(&file.text)).collect();
    let mut known = BTreeSet::new();
    for page in files.iter().filter(|file| file.path.starts_with(BOOK) && file.path.ends_with(".md")) {
        for row in pages::rows(&page.text) {
            let mut report = |text: String| findings.push(Finding::new(page, row.line, text));
            for test in row.tests.iter().filter(|test| !tests.contains(*test)) {
                report(format!("there is no test `{test}`: name one that exists"));
            }
            let Some(code) = row.code else { continue };
            if row.tests.is_empty() && !row.is_excused {
                report(format!("`{}` has no test: name one, or say why not after `none:`", code.1));
            }
            if !codes.contains(&code) {
                report(format!("`{}` is no word of {}: remove the entry", code.1, code.0));
            }
            known.insert(code);
        }
    }
    for (package, word) in codes.difference(&known) {
        let text =
            format!("`{word}` of {package} has no entry: add one under a heading that names the crate");
        findings.push(Finding { path: INDEX.to_owned(), line: 1, text });
    }
}

#[cfg(test)]
mod tests {
    use super::{File, INDEX, check};

    const SOURCE: &str = r#"
        impl Wrong {
            pub fn code(&self) -> &'static str {
                match self { Self::Early => "too_early", Self::Late("never") => "too_late" }
            }
        }
    "#;

    const TEST: &str = "#[test]\nfn the_early_are_told() {}\n";

    const HEAD: &str = "# octo-auth-core\n\n| code | cause | remedy | test |\n|---|---|---|---|\n";

    const EARLY: &str = "| `too_early` | x | y | `the_early_are_told` |\n";

    /// What is found in sources with two words, and an index with these rows.
    fn found(rows: &str) -> Vec<String> {
        let file = |path: &str, text: String| File { path: path.to_owned(), text };
        let files = [
            file("crates/octo-auth-core/src/error.rs", SOURCE.to_owned()),
            file("crates/octo-auth-core/tests/error.rs", TEST.to_owned()),
            file(INDEX, format!("{HEAD}{rows}")),
        ];
        let mut findings = Vec::new();
        check(&files, &mut findings);
        findings.into_iter().map(|finding| format!("{}: {}", finding.line, finding.text)).collect()
    }

    #[test]
    fn an_index_with_every_word_is_accepted() {
        let late = "| `too_late` | x | y | `the_early_are_told` |\n";
        assert!(found(&format!("{EARLY}{late}")).is_empty());
    }

    #[test]
    fn a_word_without_an_entry_is_found() {
        let found = found(EARLY);
        assert!(found.len() == 1 && found[0].starts_with("1: `too_late` of octo-auth-core"), "{found:?}");
    }

    #[test]
    fn an_entry_without_a_word_is_found() {
        let late = "| `too_late` | x | y | `the_early_are_told` |\n";
        let never = late.replace("too_late", "never");
        let found = found(&format!("{EARLY}{late}{never}"));
        assert_eq!(found, ["7: `never` is no word of octo-auth-core: remove the entry"]);
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        let late = "| `too_late` | x | y | `the_late_are_told` |\n";
        let found = found(&format!("{EARLY}{late}"));
        assert_eq!(found, ["6: there is no test `the_late_are_told`: name one that exists"]);
    }

    #[test]
    fn an_entry_has_a_test_or_a_reason() {
        let none = found(&format!("{EARLY}| `too_late` | x | y | |\n"));
        assert_eq!(none, ["6: `too_late` has no test: name one, or say why not after `none:`"]);
        assert!(found(&format!("{EARLY}| `too_late` | x | y | none: it takes years |\n")).is_empty());
    }
}
