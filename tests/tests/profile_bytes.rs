//! Changing one byte of a profile changes the behaviour: none of its paths, names or words is without effect.
//!
//! The effects of a profile are in `golden/*.txt`. They were recorded once, compared with the providers' documents, and
//! are edited by hand since then. A difference is either a mistake or a fact that has changed.

#![expect(clippy::unwrap_used, reason = "what a test builds on is sound, or the test fails")]

use octo_auth_core::Profile;
use octo_auth_core::profile::ClientAuthentication;
use octo_auth_tests::registration::standard_profile;
use octo_auth_tests::transcript::transcript;

/// A profile: its name, its text, and its effects.
struct Case {
    name: &'static str,
    text: &'static str,
    golden: &'static str,
}

const OCTORATE: Case = Case {
    name: "octorate",
    text: include_str!("../../crates/octo-auth-core/profiles/octorate.toml"),
    golden: include_str!("../golden/octorate.txt"),
};

const OCTOTABLE: Case = Case {
    name: "octotable",
    text: include_str!("../../crates/octo-auth-core/profiles/octotable.toml"),
    golden: include_str!("../golden/octotable.txt"),
};

const OFFICERND: Case = Case {
    name: "officernd",
    text: include_str!("../../crates/octo-auth-core/profiles/officernd.toml"),
    golden: include_str!("../golden/officernd.txt"),
};

const BODY: &str = include_str!("../golden/rfc6749-body.txt");
const BASIC: &str = include_str!("../golden/rfc6749-basic.txt");

/// Returns the first line in which two texts differ; `None` if they are equal.
fn first_difference(found: &str, golden: &str) -> Option<String> {
    let ended = std::iter::repeat("(the end)");
    let lines = found.lines().chain(ended.clone()).zip(golden.lines().chain(ended));
    let longest = found.lines().count().max(golden.lines().count());
    let different = lines.take(longest).enumerate().find(|(_, (found, golden))| found != golden);
    different.map(|(line, (found, golden))| format!("line {}\n found {found}\ngolden {golden}", line + 1))
}

#[test]
fn every_profile_makes_happen_what_its_golden_file_says() {
    for case in [OCTORATE, OCTOTABLE, OFFICERND] {
        let found = transcript(&Profile::builtin(case.name).unwrap());
        assert_eq!(first_difference(&found, case.golden), None, "{}", case.name);
    }
    for (authentication, golden) in [(ClientAuthentication::Body, BODY), (ClientAuthentication::Basic, BASIC)]
    {
        let found = transcript(&standard_profile(authentication));
        assert_eq!(first_difference(&found, golden), None, "{authentication:?}");
    }
}

/// A byte of a text that can be changed: the start of its string, and the byte.
struct Place {
    offset: usize,
    line: usize,
    string: String,
}

/// Returns the bytes of every string in a profile, except those of its sources, which cite documents.
fn places(text: &str) -> Vec<Place> {
    let (mut places, mut offset, mut table) = (Vec::new(), 0, "");
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') && trimmed.ends_with(']') {
            table = trimmed;
        }
        if table != "[[sources]]" && !trimmed.starts_with(['#', '[']) && !trimmed.starts_with("source =") {
            for (start, string) in strings(line) {
                let place = |byte| Place {
                    offset: offset + start + byte,
                    line: index + 1,
                    string: string.to_owned(),
                };
                places.extend((0..string.len()).map(place));
            }
        }
        offset += line.len();
    }
    places
}

/// Returns the strings of a line, each with the position of its first character.
fn strings(line: &str) -> Vec<(usize, &str)> {
    let quotes: Vec<usize> = line.match_indices('"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| (pair[0] + 1, &line[pair[0] + 1..pair[1]])).collect()
}

/// Returns another byte of the same kind, so that the text stays valid TOML.
fn other(byte: u8) -> u8 {
    match byte {
        b'z' => b'a',
        b'Z' => b'A',
        b'9' => b'0',
        b'a'..=b'y' | b'A'..=b'Y' | b'0'..=b'8' => byte + 1,
        _ => b'x',
    }
}

/// Changes every byte in turn. Each change must be refused or have another effect.
fn every_byte_counts(case: &Case) {
    let (mut refused, mut different, mut survivors) = (0, 0, Vec::new());
    let places = places(case.text);
    for place in &places {
        let mut bytes = case.text.as_bytes().to_vec();
        bytes[place.offset] = other(bytes[place.offset]);
        let changed = String::from_utf8(bytes).unwrap();
        match Profile::from_toml(&changed) {
            Err(_) => refused += 1,
            Ok(profile) if transcript(&profile) != case.golden => different += 1,
            Ok(_) => {
                let Place { offset, line, string } = place;
                survivors.push(format!("line {line}: {string:?} at byte {offset}"));
            }
        }
    }
    let count = places.len();
    let summary = format!("{}: {count} bytes changed, {refused} refused, {different} told apart", case.name);
    assert!(survivors.is_empty(), "{summary}, {} without effect:\n{}", survivors.len(), survivors.join("\n"));
    assert!(count > 700, "{summary}: the profile has more strings than that");
    assert_eq!(refused + different, count, "{summary}");
    report(&summary);
}

#[expect(clippy::print_stdout, reason = "the counts are what a reader of the test's output looks for")]
fn report(summary: &str) {
    println!("{summary}");
}

#[test]
fn every_byte_of_octorates_profile_counts() {
    every_byte_counts(&OCTORATE);
}

#[test]
fn every_byte_of_octotables_profile_counts() {
    every_byte_counts(&OCTOTABLE);
}

#[test]
fn every_byte_of_officernds_profile_counts() {
    every_byte_counts(&OFFICERND);
}
