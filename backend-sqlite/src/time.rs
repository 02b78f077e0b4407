//! Time: the runtime's, and the moments that the history holds.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use whimbrel_core::{BoxFuture, Clock, Timestamp};

/// The clock of tokio.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TokioClock;

static START: OnceLock<tokio::time::Instant> = OnceLock::new();

impl Clock for TokioClock {
    fn now(&self) -> Duration {
        START.get_or_init(tokio::time::Instant::now).elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Now on the system's clock, as SQLite's `strftime('%Y-%m-%dT%H:%M:%fZ', 'now')` writes it.
pub(crate) fn now() -> String {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX / 1_000);
    let text = Timestamp::from_microseconds(ms * 1_000).to_string();
    if text.contains('.') { text } else { text.replace('Z', ".000Z") }
}

/// Reads a moment as [`Timestamp`](whimbrel_core::Timestamp) prints it (`2026-11-22T15:58:35.854Z`), or with a space for
/// the `T`, as SQLite's `datetime` writes it; microseconds since 1970 UTC.
pub(crate) fn parse_moment(text: &str) -> Option<i64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (date, time) = text.split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut clock = whole.splitn(3, ':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000 + microseconds(fraction)?)
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn microseconds(fraction: &str) -> Option<i64> {
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<6}").get(..6)?.parse().ok()
}

/// In the proleptic Gregorian calendar; the year is counted from March, so that the leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{now, parse_moment};
    use whimbrel_core::Timestamp;

    #[test]
    fn reads_what_a_timestamp_prints() {
        for us in [0, 1, -1, 951_782_400_000_000, 1_795_363_115_854_000, 4_107_542_399_999_999, 4_107_542_400_000_000] {
            assert_eq!(parse_moment(&Timestamp::from_microseconds(us).to_string()), Some(us));
        }
        assert_eq!(parse_moment("1970-01-02 00:00:00"), Some(86_400_000_000));
    }

    #[tokio::test]
    async fn now_is_what_sqlite_says() {
        let connection = libsql::Builder::new_local(":memory:").build().await.unwrap().connect().unwrap();
        let before = now();
        let mut rows = connection.query("select strftime('%Y-%m-%dT%H:%M:%fZ', 'now')", ()).await.unwrap();
        let sqlite = rows.next().await.unwrap().unwrap().get::<String>(0).unwrap();
        assert!(before <= sqlite && sqlite <= now(), "{before} {sqlite}");
        assert_eq!(before.len(), sqlite.len());
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "Z",
            "today",
            "2026-11-22",
            "2026-13-01T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T1:2:x",
            "2026-11-22T01:02:03.x",
            "-1-1-1T1:1:1",
        ] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
