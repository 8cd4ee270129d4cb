//! The counts that differ from the baseline.

use std::fmt;

use super::Counts;

/// The largest tolerated deviation from the baseline, as a fraction.
const TOLERANCE: f64 = 0.05;

/// A count that a person must examine.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    /// Nothing was counted: callgrind did not find the function, or the benchmark does nothing.
    Zero { name: String },
    /// The baseline has a benchmark that was not run.
    Missing { name: String },
    /// The baseline lacks this benchmark.
    Unknown { name: String },
    /// More instructions than the baseline and its tolerance.
    Slower { name: String, before: f64, now: f64 },
    /// Fewer: a later slow-down could hide behind the old baseline, or the benchmark no longer does its work.
    Faster { name: String, before: f64, now: f64 },
}

/// Compares counts with those of the baseline.
pub(super) fn findings(baseline: &Counts, counts: &Counts) -> Vec<Finding> {
    let missing = baseline.keys().filter(|name| !counts.contains_key(*name));
    let missing = missing.map(|name| Finding::Missing { name: name.clone() });
    let compared = counts.iter().filter_map(|(name, now)| compared(name, baseline.get(name).copied(), *now));
    missing.chain(compared).collect()
}

fn compared(name: &str, before: Option<f64>, now: f64) -> Option<Finding> {
    let name = name.to_owned();
    match before {
        _ if now < 1.0 || now.is_nan() => Some(Finding::Zero { name }),
        None => Some(Finding::Unknown { name }),
        Some(before) if now > before * (1.0 + TOLERANCE) => Some(Finding::Slower { name, before, now }),
        Some(before) if now < before * (1.0 - TOLERANCE) => Some(Finding::Faster { name, before, now }),
        Some(_) => None,
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { name } => {
                write!(f, "{name}: no instruction was counted: is `counted_rounds` still its own function?")
            }
            Self::Missing { name } => write!(f, "{name}: it is in the baseline, and was not run"),
            Self::Unknown { name } => write!(f, "{name}: the baseline does not have it"),
            Self::Slower { name, before, now } => {
                write!(
                    f,
                    "{name}: {now:.1} instructions, {:.1} % more than {before:.1}",
                    percent(*before, *now)
                )
            }
            Self::Faster { name, before, now } => {
                write!(
                    f,
                    "{name}: {now:.1} instructions, {:.1} % less than {before:.1}",
                    -percent(*before, *now)
                )
            }
        }
    }
}

fn percent(before: f64, now: f64) -> f64 {
    100.0 * (now / before - 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::Counts;
    use super::{Finding, findings};

    fn counts(own: &[(&str, f64)]) -> Counts {
        own.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    fn found(baseline: &[(&str, f64)], now: &[(&str, f64)]) -> Vec<String> {
        findings(&counts(baseline), &counts(now)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn five_percent_more_or_less_is_no_finding() {
        for now in [95.1, 100.0, 104.9] {
            assert_eq!(found(&[("header", 100.0)], &[("header", now)]), [""; 0]);
        }
    }

    #[test]
    fn a_slowdown_of_a_fifth_is_found() {
        let found = found(&[("cold", 50.0), ("header", 100.0)], &[("cold", 50.0), ("header", 120.0)]);
        assert_eq!(found, ["header: 120.0 instructions, 20.0 % more than 100.0"]);
    }

    #[test]
    fn a_count_that_halves_is_found() {
        let found = found(&[("header", 100.0)], &[("header", 50.0)]);
        assert_eq!(found, ["header: 50.0 instructions, 50.0 % less than 100.0"]);
    }

    #[test]
    fn a_count_of_zero_is_found_even_if_the_baseline_has_it_too() {
        for zero in [0.0, f64::NAN] {
            for before in [0.0, 100.0] {
                let found = findings(&counts(&[("header", before)]), &counts(&[("header", zero)]));
                assert_eq!(found, [Finding::Zero { name: "header".to_owned() }]);
            }
        }
    }

    #[test]
    fn a_benchmark_that_was_not_run_is_found_and_so_is_one_without_a_baseline() {
        let found = found(&[("cold", 50.0), ("header", 100.0)], &[("cold", 50.0), ("lookup", 9.0)]);
        assert_eq!(
            found,
            ["header: it is in the baseline, and was not run", "lookup: the baseline does not have it"]
        );
    }
}
