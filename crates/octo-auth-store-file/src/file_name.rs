//! File names: one for each record, safe on any file system.
//!
//! The name of a record has letters, digits, `.`, `-` and `_`, so it could be a file name as it is. But some file
//! systems do not distinguish `A` from `a`. So capital letters become small letters, and a suffix says which letters
//! were capitals.

use octo_auth_core::RecordName;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The record.
    Record,
    /// The record before its last change.
    Previous,
    /// The lock of the record, and its lease.
    Lock,
    /// The file that only one process at a time can create, for file systems on which locks may not work.
    Exclusive,
    /// The registration of a client.
    Registration,
}

/// The prefix of temporary files.
pub(crate) const TEMPORARY: &str = ".tmp-";

/// The prefix of the files that show which processes run.
pub(crate) const PRESENCE: &str = ".process-";

/// The prefix of damaged records that were set aside.
pub(crate) const DAMAGED: &str = ".damaged-";

/// The separator between a name and the positions of its capital letters.
const CAPITALS: char = '+';

const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

impl Kind {
    fn ending(self) -> &'static str {
        match self {
            Self::Record => ".record",
            Self::Previous => ".previous",
            Self::Lock => ".lock",
            Self::Exclusive => ".saving",
            Self::Registration => ".client",
        }
    }
}

/// Returns the name of a file, at most 250 bytes long.
pub(crate) fn encode(name: &RecordName, kind: Kind) -> String {
    let small = name.as_str().to_ascii_lowercase();
    let capitals = capitals(name.as_str());
    let sign = if capitals.is_empty() { String::new() } else { format!("{CAPITALS}{capitals}") };
    format!("{small}{sign}{}", kind.ending())
}

/// Returns the record that a file belongs to; `None` for a file of another kind, or one that the store did not write.
pub(crate) fn decode(file: &[u8], kind: Kind) -> Option<RecordName> {
    let stem = std::str::from_utf8(file).ok()?.strip_suffix(kind.ending())?;
    let (small, sign) = stem.split_once(CAPITALS).unwrap_or((stem, ""));
    let mut name = String::with_capacity(small.len());
    for (place, letter) in small.chars().enumerate() {
        name.push(if is_capital(sign, place) { letter.to_ascii_uppercase() } else { letter });
    }
    let name = RecordName::parse(&name).ok()?;
    // Two files never stand for the same record.
    (encode(&name, kind).as_bytes() == file).then_some(name)
}

/// Returns the positions of the capital letters, five in each digit, without trailing zeros.
fn capitals(name: &str) -> String {
    let group = |letters: &[u8]| {
        let bits =
            letters.iter().enumerate().map(|(bit, letter)| usize::from(letter.is_ascii_uppercase()) << bit);
        char::from(DIGITS[bits.sum::<usize>() % DIGITS.len()])
    };
    let all: String = name.as_bytes().chunks(5).map(group).collect();
    all.trim_end_matches('0').to_owned()
}

fn is_capital(sign: &str, place: usize) -> bool {
    let digit = sign.as_bytes().get(place / 5);
    let bits = digit.and_then(|digit| DIGITS.iter().position(|known| known == digit)).unwrap_or(0);
    bits >> (place % 5) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef";

    fn name(text: &str) -> RecordName {
        RecordName::parse(text).expect("a sound name")
    }

    #[test]
    fn names_that_differ_in_case_have_files_that_differ_without_it_and_come_back() {
        let texts =
            ["inn", "Inn", "iNn", "INN", "inn-1", "inn_1", "inn.1"].map(|text| format!("{text}.{DIGEST}"));
        let digest = format!("inn.{}", DIGEST.to_uppercase());
        let names: Vec<RecordName> = texts.iter().chain([&digest]).map(|text| name(text)).collect();
        let files: Vec<String> = names.iter().map(|name| encode(name, Kind::Record)).collect();
        let without_case: HashSet<String> = files.iter().map(|file| file.to_lowercase()).collect();
        assert_eq!(without_case.len(), names.len());
        for (name, file) in names.iter().zip(&files) {
            assert_eq!(decode(file.as_bytes(), Kind::Record).as_ref(), Some(name));
            assert_eq!(decode(file.as_bytes(), Kind::Previous), None);
        }
        assert_eq!(files[0], format!("inn.{DIGEST}.record"));
    }

    #[test]
    fn the_longest_name_is_short_enough_for_a_file() {
        let longest = name(&format!("{}.{}", "Z".repeat(167), "A".repeat(32)));
        for kind in [Kind::Record, Kind::Previous, Kind::Lock] {
            let file = encode(&longest, kind);
            assert!(file.len() <= 250, "{file} has {} bytes", file.len());
            assert_eq!(decode(file.as_bytes(), kind).as_ref(), Some(&longest));
        }
    }

    #[test]
    fn a_file_that_the_store_did_not_name_is_no_record() {
        let files = [
            format!("Inn.{DIGEST}.record"),
            format!("inn.{DIGEST}+0.record"),
            format!("inn.{DIGEST}+.record"),
            format!("inn.{DIGEST}+10.record"),
            format!("1nn.{DIGEST}+1.record"),
            "inn.record".to_owned(),
            ".record".to_owned(),
        ];
        for file in files {
            assert_eq!(decode(file.as_bytes(), Kind::Record), None, "{file}");
        }
        assert_eq!(decode(b"\xff.record", Kind::Record), None);
    }
}
