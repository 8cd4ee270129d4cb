//! The changelog: the text under "Unreleased" becomes the entry of a version.

use anyhow::{Context, Result, ensure};
use cargo_metadata::semver::Version;

const UNRELEASED: &str = "## Unreleased";

/// A changelog with a new entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Released {
    /// The changes, without the heading.
    pub(crate) entry: String,
    /// The whole file with the new entry, and with an empty "Unreleased".
    pub(crate) text: String,
}

/// Turns "Unreleased" into the entry of a version, with a release date (`YYYY-MM-DD`).
///
/// # Errors
///
/// Returns an error if "Unreleased" is empty, or if the version already has an entry.
pub(crate) fn release(text: &str, version: &Version, day: &str) -> Result<Released> {
    let has_entry = text.lines().any(|line| heading(line) == Some(&version.to_string()));
    ensure!(
        !has_entry,
        "CHANGELOG.md has an entry of {version} already: choose a later version with --version"
    );
    let at = text.find(&format!("{UNRELEASED}\n")).with_context(|| {
        format!("CHANGELOG.md lacks the line `{UNRELEASED}`: write it above the newest entry, and the changes below it")
    })?;
    let (head, rest) = text.split_at(at);
    let rest = &rest[UNRELEASED.len()..];
    let (entry, older) = rest.find("\n## ").map_or((rest, ""), |end| rest.split_at(end + 1));
    let entry = entry.trim();
    ensure!(
        entry.lines().any(|line| line.trim_start().starts_with("- ")),
        "CHANGELOG.md has nothing under `{UNRELEASED}`: say there what {version} changes, in items that begin with `- `"
    );
    let text = format!(
        "{head}{UNRELEASED}\n\n## {version} - {day}\n\n{entry}\n{}{older}",
        if older.is_empty() { "" } else { "\n" }
    );
    Ok(Released { entry: entry.to_owned(), text })
}

/// Returns the version in a heading line.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("## ")?.split_whitespace().next().map(|word| word.trim_matches(['[', ']']))
}

#[cfg(test)]
mod tests {
    use cargo_metadata::semver::Version;

    use super::release;

    const TEXT: &str =
        "# Changelog\n\n## Unreleased\n\n### Added\n\n- a thing\n\n## 0.1.0 - 2026-01-01\n\n- all\n";

    #[test]
    fn what_is_unreleased_becomes_the_entry_of_the_version() {
        let released = release(TEXT, &Version::new(0, 2, 0), "2026-02-03").unwrap();
        assert_eq!(released.entry, "### Added\n\n- a thing");
        let expected = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-02-03\n\n### Added\n\n- a thing\n\n\
                        ## 0.1.0 - 2026-01-01\n\n- all\n";
        assert_eq!(released.text, expected);
    }

    #[test]
    fn the_first_entry_ends_with_the_file() {
        let released = release("## Unreleased\n\n- all\n", &Version::new(0, 1, 0), "2026-02-03").unwrap();
        assert_eq!(released.text, "## Unreleased\n\n## 0.1.0 - 2026-02-03\n\n- all\n");
    }

    #[test]
    fn an_empty_entry_a_missing_heading_and_a_version_that_is_there_are_refused_with_the_remedy() {
        let refusal = |text: &str, minor| {
            release(text, &Version::new(0, minor, 0), "2026-02-03").unwrap_err().to_string()
        };
        assert!(refusal(&TEXT.replace("- a thing\n", ""), 2).contains("say there what 0.2.0 changes"));
        assert!(refusal("# Changelog\n", 2).contains("lacks the line `## Unreleased`"));
        assert!(refusal(TEXT, 1).contains("choose a later version"));
    }
}
