//! The version of the next migration.

use std::time::{SystemTime, UNIX_EPOCH};

use whimbrel::{Timestamp, Version};

/// Digits of a timestamp: year, month, day, hour, minute, second.
const TIMESTAMP: usize = 14;
const FIRST: &str = "0000";

/// Now, as a version: 14 digits, UTC.
pub(super) fn now() -> String {
    let us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    let now = Timestamp::from_microseconds(i64::try_from(us).unwrap_or(i64::MAX)).to_string();
    now.chars().filter(char::is_ascii_digit).take(TIMESTAMP).collect()
}

/// The version after all of these, in their style: the newest one's last number plus one, at its width; `now` where
/// they are timestamps.
pub(super) fn next(versions: &[Version], now: String) -> String {
    let Some(newest) = versions.iter().max() else { return FIRST.to_owned() };
    let is_timestamp = newest.as_str().len() == TIMESTAMP && !newest.as_str().contains('.');
    let is_newer = now.parse::<Version>().is_ok_and(|now| now > *newest);
    if is_timestamp && is_newer { now } else { increment(newest.as_str()) }
}

/// The last number plus one, at least as wide as before.
fn increment(version: &str) -> String {
    let start = version.rfind('.').map_or(0, |dot| dot + 1);
    let (before, number) = version.split_at(start);
    let mut digits: Vec<u8> = number.bytes().collect();
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return format!("{before}{}", String::from_utf8_lossy(&digits));
        }
        *digit = b'0';
    }
    format!("{before}1{}", String::from_utf8_lossy(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continues_the_style_of_the_folder() {
        let now = "20261122160000";
        for (versions, expected) in [
            (&[][..], "0000"),
            (&["0000"], "0001"),
            (&["0009", "0003"], "0010"),
            (&["9999"], "10000"),
            (&["1", "2"], "3"),
            (&["1.4.2", "1.4.9"], "1.4.10"),
            (&["20250101000000"], now),
            (&["20261122160000"], "20261122160001"),
            (&["20270101000000"], "20270101000001"),
        ] {
            let versions: Vec<Version> = versions.iter().filter_map(|text| text.parse().ok()).collect();
            assert_eq!(next(&versions, now.to_owned()), expected, "{versions:?}");
        }
    }

    #[test]
    fn now_is_fourteen_digits() {
        let now = now();
        assert_eq!(now.len(), TIMESTAMP);
        assert!(now.as_str() > "20250101000000" && now.bytes().all(|b| b.is_ascii_digit()), "{now}");
    }
}
