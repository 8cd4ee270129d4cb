//! The pause that a registry asks for, parsed from cargo's message about a refused upload.

use std::time::{Duration, SystemTime};

/// The longest pause to wait for.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Returns the pause that an answer 429 asks for: `Retry-After` in seconds or as a date, or the date in the registry's
/// message. Returns `None` for another answer, or for a pause of more than two hours.
pub(super) fn asked_for(said: &str, now: SystemTime) -> Option<Duration> {
    if !said.contains("429") {
        return None;
    }
    let header = said.lines().map(str::trim).find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("retry-after").then(|| value.trim())
    });
    let seconds = header.and_then(|value| value.parse().ok()).map(Duration::from_secs);
    let pause = seconds.or_else(|| {
        let date = header.or_else(|| {
            said.split_once("try again after ").map(|(_, rest)| rest.get(..29).unwrap_or(rest))
        })?;
        let date = httpdate::parse_http_date(date).ok()?;
        Some(date.duration_since(now).unwrap_or_default())
    })?;
    (pause <= LONGEST).then_some(pause)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::asked_for;

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    #[test]
    fn seconds_and_dates_are_read_from_the_header_and_the_sentence() {
        let header = |value: &str| {
            format!("failed to get a 200 OK response, got 429\nheaders:\n\tRetry-After: {value}\nbody:\n")
        };
        assert_eq!(asked_for(&header("7"), now()), Some(Duration::from_secs(7)));
        assert_eq!(asked_for(&header("Sun, 06 Nov 1994 08:50:00 GMT"), now()), Some(Duration::from_secs(23)));
        let sentence = "(status 429 Too Many Requests): You have published too many new crates in a short period of \
                        time. Please try again after Sun, 06 Nov 1994 08:49:47 GMT and see the page.";
        assert_eq!(asked_for(sentence, now()), Some(Duration::from_secs(10)));
    }

    #[test]
    fn another_answer_and_a_pause_of_days_are_not_waited_for() {
        assert_eq!(asked_for("got 503\nretry-after: 7\n", now()), None);
        assert_eq!(asked_for("got 429\nretry-after: 86400\n", now()), None);
        assert_eq!(asked_for("got 429\n", now()), None);
    }
}
