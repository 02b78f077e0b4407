//! Moments on the database's clock.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_US: i64 = 86_400_000_000;

/// A moment on the database's clock, in microseconds since 1970 UTC. Prints as RFC 3339: `2026-11-22T16:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many microseconds after (before, if negative) 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_microseconds(us: i64) -> Self {
        Self(us)
    }

    /// The beginning of a day in UTC; `None` where there is no such month or day.
    #[cfg(feature = "other-tools")]
    pub(crate) fn from_date(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        // Years from March, as in `date`.
        let year = year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self((era * 146_097 + day_of_era - 719_468) * DAY_US))
    }

    /// This machine's clock.
    #[must_use]
    pub fn now() -> Self {
        let us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        Self(i64::try_from(us).unwrap_or(i64::MAX))
    }

    /// Microseconds since 1970 UTC.
    #[must_use]
    pub fn microseconds(self) -> i64 {
        self.0
    }

    /// The proleptic Gregorian date: year, month, day. Counts years from March, so that the leap day comes last.
    fn date(self) -> (i64, i64, i64) {
        let days = self.0.div_euclid(DAY_US) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let in_day = self.0.rem_euclid(DAY_US);
        let (seconds, us) = (in_day / 1_000_000, in_day % 1_000_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        match us {
            0 => f.write_str("Z"),
            us if us % 1000 == 0 => write!(f, ".{:03}Z", us / 1000),
            us => write!(f, ".{us:06}Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn prints_known_moments() {
        for (seconds, us, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_795_363_115, 854_000, "2026-11-22T15:58:35.854Z"),
            (4_107_542_399, 999_999, "2100-02-28T23:59:59.999999Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_microseconds(seconds * 1_000_000 + us).to_string(), text);
        }
    }
}
