//! The version of the next migration.

use super::Version;
use crate::timestamp::Timestamp;

/// Digits of a timestamp: year, month, day, hour, minute, second.
const TIMESTAMP: usize = 14;
const FIRST: &str = "0000";

impl Version {
    /// The version after all of these, in their style: the newest one's last number plus one, at its width, or `now` in 14
    /// digits (UTC) where they are timestamps. Without any, `0000`.
    #[must_use]
    pub fn next_after<'a>(versions: impl IntoIterator<Item = &'a Self>, now: Timestamp) -> Self {
        let next = match versions.into_iter().max() {
            Some(newest) => after(newest, now),
            None => FIRST.to_owned(),
        };
        // Digits and dots in the form of a version that was one.
        Self(next.into())
    }
}

fn after(newest: &Version, now: Timestamp) -> String {
    let now: String = now.to_string().chars().filter(char::is_ascii_digit).take(TIMESTAMP).collect();
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
        // 2026-11-22T16:00:00Z
        let now = Timestamp::from_microseconds(1_795_363_200_000_000);
        for (versions, expected) in [
            (&[][..], "0000"),
            (&["0000"], "0001"),
            (&["0009", "0003"], "0010"),
            (&["9999"], "10000"),
            (&["1", "2"], "3"),
            (&["1.4.2", "1.4.9"], "1.4.10"),
            (&["20250101000000"], "20261122160000"),
            (&["20261122160000"], "20261122160001"),
            (&["20270101000000"], "20270101000001"),
        ] {
            let versions: Vec<Version> = versions.iter().filter_map(|text| text.parse().ok()).collect();
            assert_eq!(Version::next_after(&versions, now).as_str(), expected, "{versions:?}");
        }
    }
}
