//! Durations in the notation of scenarios.

use std::time::Duration;

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Reads a duration such as `90s`, `48m`, `1h30m`, `2d`.
pub(super) fn time(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, length) = UNITS.iter().find(|(letter, _)| *letter == unit)?;
        seconds = seconds.checked_add(number.checked_mul(*length)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// Writes a duration in the same notation, in whole seconds and the remaining fraction.
pub(super) fn spelt(time: Duration) -> String {
    let mut left = time.as_secs();
    let mut text = String::new();
    for (letter, length) in UNITS {
        if left >= length {
            text.push_str(&format!("{}{letter}", left / length));
            left %= length;
        }
    }
    match time.subsec_millis() {
        0 if text.is_empty() => "0s".to_owned(),
        0 => text,
        millis => format!("{text}{millis}ms"),
    }
}
