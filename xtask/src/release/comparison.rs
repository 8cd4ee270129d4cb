//! The age of the README's comparison with other crates.

/// How long a comparison holds, in months.
const MONTHS: u32 = 6;

/// Returns why a release must not go out with this README on a day (`YYYY-MM-DD`), if its comparison is too old.
pub(super) fn refusal(readme: &str, day: &str) -> Option<String> {
    let made = made(readme)?;
    let ((year, month, made_on), today) = (date(made)?, date(day)?);
    let ends = (year + (month - 1 + MONTHS) / 12, (month - 1 + MONTHS) % 12 + 1, made_on);
    (ends < today).then(|| {
        format!(
            "the comparison in README.md is from {made}, more than {MONTHS} months ago: look at the other crates \
             again, and change its date"
        )
    })
}

/// Returns the day on which the comparison was made.
fn made(readme: &str) -> Option<&str> {
    let (_, rest) = readme.split_once("\nThis comparison is from ")?;
    let (_, rest) = rest.split_once(" on ")?;
    rest.get(..10)
}

fn date(day: &str) -> Option<(u32, u32, u32)> {
    let mut parts = day.splitn(3, '-').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??)).filter(|(_, month, _)| (1..=12).contains(month))
}

#[cfg(test)]
mod tests {
    use super::{date, made, refusal};

    #[test]
    fn a_comparison_holds_for_six_months() {
        let readme = "# A\n\nThis comparison is from their sources on 2026-09-30: b 1.0.\n";
        for day in ["2026-09-30", "2026-12-31", "2027-03-30"] {
            assert_eq!(refusal(readme, day), None, "{day}");
        }
        for day in ["2027-03-31", "2027-04-01", "2028-01-01"] {
            assert!(refusal(readme, day).unwrap().contains("is from 2026-09-30"), "{day}");
        }
    }

    #[test]
    fn the_date_in_the_readme_of_this_project_can_be_read() {
        assert!(made(include_str!("../../../README.md")).and_then(date).is_some());
    }
}
