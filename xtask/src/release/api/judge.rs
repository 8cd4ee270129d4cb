//! The meaning of a difference between two API texts for users of the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::text::REQUIRED;

/// The severity of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Existing code still builds.
    Addition,
    /// Existing code may fail to build.
    Breaking,
}

impl Weight {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Breaking => "breaking",
        }
    }

    pub(super) fn of(word: &str) -> Option<Self> {
        [Self::Addition, Self::Breaking].into_iter().find(|weight| weight.word() == word)
    }
}

/// A change, with a sentence that says who must change what.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) weight: Weight,
    sentence: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.weight.word(), self.sentence)
    }
}

/// Returns the changes from one text to another.
pub(super) fn changes(before: &str, now: &str) -> Vec<Change> {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) = (before.lines().collect(), now.lines().collect());
    let mut added: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in now.difference(&before) {
        added.entry(path(line)).or_default().push(line);
    }
    let mut changes = Vec::new();
    for line in before.difference(&now) {
        // A line with the same path is the same item in another form.
        let other = added.get_mut(path(line)).and_then(Vec::pop);
        changes.push(Change {
            weight: Weight::Breaking,
            sentence: other.map_or_else(|| gone(line), |other| changed(line, other)),
        });
    }
    changes.extend(added.into_values().flatten().map(|line| new(line, &before)));
    changes
}

fn gone(line: &str) -> String {
    if let Some((name, of)) = line.strip_prefix("impl ").and_then(|rest| rest.split_once(" for ")) {
        return format!("`{of}` is no longer `{name}`: code that needs it must do without");
    }
    if let Some(feature) = line.strip_prefix("default feature ") {
        return format!("the feature `{feature}` is no longer a default: who uses it must name it");
    }
    format!("`{line}` is gone: who uses it must use something else")
}

fn changed(before: &str, now: &str) -> String {
    if before.starts_with("rust-version") {
        return format!("{before} is {now}: who builds with an older one must stay with the release before");
    }
    if before.starts_with("shows ") {
        return format!("`{before}` is `{now}`: who passes types of that crate must use the same version");
    }
    format!("`{before}` is `{now}`: who uses it must adapt")
}

fn new(line: &str, before: &BTreeSet<&str>) -> Change {
    let breaking = |sentence: String| Change { weight: Weight::Breaking, sentence };
    let parent = path(line).rsplit_once("::").map_or("", |(parent, _)| parent);
    let had = |kind: &str| {
        before.iter().any(|old| old.starts_with(&format!("pub {kind} {parent}")) && path(old) == parent)
    };
    if line.ends_with(REQUIRED) && (had("trait") || had("unsafe trait")) {
        return breaking(format!(
            "`{line}` is new in a trait that was there: each implementation must have it"
        ));
    }
    // A variant or a field has no keyword before its path.
    if line.strip_prefix("pub ").is_some_and(|rest| rest.starts_with(path(line))) && !parent.is_empty() {
        if had("enum") {
            return breaking(format!(
                "`{line}` is new in an enum that is not `non_exhaustive`: each `match` must treat it"
            ));
        }
        let has_fields = before.iter().any(|old| old.starts_with(&format!("pub {parent}::")));
        if had("struct") && has_fields {
            return breaking(format!(
                "`{line}` is new in a struct of public fields: each literal of it must have it"
            ));
        }
    }
    Change { weight: Weight::Addition, sentence: format!("`{line}` is new") }
}

/// Returns the path of the item in a line, without keywords, types and arguments. A line of another kind is its own
/// path, without a last word that is a value.
fn path(line: &str) -> &str {
    if line.starts_with("rust-version ") || line.starts_with("shows ") {
        return line.rsplit_once(' ').map_or(line, |(name, _)| name);
    }
    if !line.contains("pub ") {
        return line;
    }
    let end = line.find(['(', '<']).unwrap_or(line.len());
    let head = line[..end].split(": ").next().unwrap_or(line);
    let head = head.split(" = ").next().unwrap_or(head);
    head.trim_end_matches(REQUIRED).rsplit(' ').next().unwrap_or(head)
}

#[cfg(test)]
mod tests {
    use super::{Weight, changes};

    const BEFORE: &str = "rust-version 1.85\ndefault feature a\nfeature a\nshows http ^1\n\
        pub enum own::Kind\npub own::Kind::One\n#[non_exhaustive] pub enum own::Open\npub own::Open::One\n\
        pub struct own::Point\npub own::Point::x: u32\nimpl core::marker::Send for own::Point\n\
        pub trait own::Draw\npub fn own::Draw::draw(&self) // required\n";

    /// Returns the change that a replacement in the text makes.
    fn change(from: &str, to: &str) -> (Weight, String) {
        assert!(BEFORE.contains(from), "{from}");
        let found = changes(BEFORE, &BEFORE.replace(from, to));
        assert_eq!(found.len(), 1, "{found:?}");
        (found[0].weight, found[0].to_string())
    }

    #[test]
    fn nothing_has_changed_in_the_same_text() {
        assert!(changes(BEFORE, BEFORE).is_empty());
    }

    #[test]
    fn what_breaks_a_user_is_breaking_and_says_who_must_change_what() {
        let cases = [
            ("x: u32", "x: u64", "`pub own::Point::x: u32` is `pub own::Point::x: u64`"),
            (
                "pub own::Kind::One\n",
                "pub own::Kind::One\npub own::Kind::Two\n",
                "each `match` must treat it",
            ),
            (
                "draw(&self) // required\n",
                "draw(&self) // required\npub fn own::Draw::fill(&self) // required\n",
                "each implementation",
            ),
            ("x: u32\n", "x: u32\npub own::Point::y: u32\n", "each literal"),
            (
                "impl core::marker::Send for own::Point\n",
                "",
                "`own::Point` is no longer `core::marker::Send`",
            ),
            ("1.85", "1.90", "rust-version 1.85 is rust-version 1.90"),
            ("default feature a\n", "", "no longer a default"),
            ("\nfeature a\n", "\n", "`feature a` is gone"),
            ("http ^1", "http ^2", "`shows http ^1` is `shows http ^2`"),
            ("pub struct own::Point\n", "#[non_exhaustive] pub struct own::Point\n", "must adapt"),
        ];
        for (from, to, sentence) in cases {
            let (weight, said) = change(from, to);
            assert_eq!(weight, Weight::Breaking, "{said}");
            assert!(said.contains(sentence), "{said}");
        }
    }

    #[test]
    fn what_asks_nothing_of_a_user_is_an_addition() {
        for (from, to) in [
            ("pub own::Open::One\n", "pub own::Open::One\npub own::Open::Two\n"),
            ("draw(&self) // required\n", "draw(&self) // required\npub fn own::Draw::fill(&self)\n"),
            ("pub trait own::Draw\n", "pub trait own::Draw\npub fn own::new() -> own::Point\n"),
            ("pub trait own::Draw\n", "pub trait own::Draw\npub const own::Point::ZERO: own::Point\n"),
            ("feature a\n", "feature a\nfeature b\n"),
        ] {
            if from == "feature a\n" {
                let found = changes(BEFORE, &(BEFORE.to_owned() + "feature b\n"));
                assert_eq!(found[0].weight, Weight::Addition, "{found:?}");
            } else {
                assert_eq!(change(from, to).0, Weight::Addition);
            }
        }
    }
}
