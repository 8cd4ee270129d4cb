//! The emulator's clock: the system's time or a frozen instant, which only the test moves forward.
//!
//! Every lifetime, window and `Date` header follows this clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MILLIS_A_DAY: i64 = 86_400_000;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[derive(Clone)]
pub(crate) struct Clock(Arc<Hands>);

struct Hands {
    frozen_at: Option<i64>,
    moved: AtomicI64,
}

impl Clock {
    pub(crate) fn new(frozen_at: Option<i64>) -> Self {
        Self(Arc::new(Hands { frozen_at, moved: AtomicI64::new(0) }))
    }

    /// Returns milliseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn now(&self) -> i64 {
        let base = self.0.frozen_at.unwrap_or_else(system_millis);
        base.saturating_add(self.0.moved.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0.moved.fetch_add(millis(by), Ordering::SeqCst);
    }
}

/// Returns the whole milliseconds of a duration, at most about 292 million years.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Formats an instant as Octorate does: `2020-03-17T17:41:51.178Z`.
pub(crate) fn iso_date(unix_millis: i64) -> String {
    let Civil { year, month, day, hour, minute, second, milli, .. } = Civil::of(unix_millis);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Formats an instant for HTTP's `Date` header (RFC 9110 section 5.6.7).
pub(crate) fn http_date(unix_millis: i64) -> String {
    let Civil { year, month, day, hour, minute, second, weekday, .. } = Civil::of(unix_millis);
    let month = usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).unwrap_or(&"");
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn system_millis() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}

/// An instant on the proleptic Gregorian calendar, in universal time.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    milli: i64,
    weekday: &'static str,
}

impl Civil {
    /// Years are counted from March, so that the leap day is the last of its year. 400 years are 146,097 days.
    fn of(unix_millis: i64) -> Self {
        let days = unix_millis.div_euclid(MILLIS_A_DAY);
        let within = unix_millis.rem_euclid(MILLIS_A_DAY);
        let shifted = days + 719_468;
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let weekday = usize::try_from(days.rem_euclid(7)).ok().and_then(|index| WEEKDAYS.get(index));
        Self {
            year: year_of_era + shifted.div_euclid(146_097) * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: within / 3_600_000,
            minute: within / 60_000 % 60,
            second: within / 1_000 % 60,
            milli: within % 1_000,
            weekday: weekday.unwrap_or(&""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_the_documents_write_them() {
        assert_eq!(iso_date(1_584_466_911_178), "2020-03-17T17:41:51.178Z");
        assert_eq!(iso_date(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso_date(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(http_date(784_111_777_000), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn a_frozen_clock_moves_only_when_it_is_advanced() {
        let clock = Clock::new(Some(1_000));
        assert_eq!(clock.now(), 1_000);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now(), 3_000);
    }
}
