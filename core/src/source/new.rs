//! What the next migration of a folder is called.

use super::TIMESTAMP_DIGITS;
use crate::timestamp::Timestamp;
use crate::version::Version;

/// The version of the first migration of all.
const FIRST: &str = "0000";

/// A migration that is to be written: its version goes on where the others are, in their style.
///
/// ```
/// use whimbrel_core::{NewMigration, Timestamp};
/// let now = Timestamp::from_microseconds(1_800_000_000_000_000);
/// let next = NewMigration::named("Add boards", &["0008".parse()?], now);
/// assert_eq!(next.map(|next| next.file_name()), Ok("0009_add_boards.sql".to_owned()));
/// # Ok::<(), whimbrel_core::InvalidVersion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewMigration {
    /// Its version.
    pub version: Version,
    /// Its name: letters and digits of any script in lower case, `_` between words.
    pub name: String,
}

impl NewMigration {
    /// A migration called by these words, after all of these versions: the newest one's last number plus one, at its
    /// width; or `now`, where the newest is a timestamp of the past. Without any it is `0000`.
    ///
    /// # Errors
    ///
    /// Why there is none: the words have no letter and no digit, or the newest version is the last that there can be.
    pub fn named(words: &str, versions: &[Version], now: Timestamp) -> Result<Self, &'static str> {
        let name = snake_case(words);
        if name.is_empty() {
            return Err("the name has no letter and no digit");
        }
        let version = next(versions, &fourteen_digits(now)).parse();
        Ok(Self { version: version.map_err(|_| "no version comes after the newest")?, name })
    }

    /// The name of its file.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}_{}.sql", self.version, self.name)
    }
}

/// A moment as a version: year, month, day, hour, minute, second, in UTC.
fn fourteen_digits(now: Timestamp) -> String {
    now.to_string().chars().filter(char::is_ascii_digit).take(TIMESTAMP_DIGITS).collect()
}

fn next(versions: &[Version], now: &str) -> String {
    let Some(newest) = versions.iter().max() else { return FIRST.to_owned() };
    let is_timestamp = newest.as_str().len() == TIMESTAMP_DIGITS && !newest.as_str().contains('.');
    let is_newer = now.parse::<Version>().is_ok_and(|now| now > *newest);
    if is_timestamp && is_newer { now.to_owned() } else { increment(newest.as_str()) }
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

/// Letters and digits of every script in lower case, `_` between words.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        let starts_word = c.is_uppercase() && after_lower;
        if (starts_word || !c.is_alphanumeric()) && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.extend(c.to_lowercase().filter(|c| c.is_alphanumeric()));
        after_lower = c.is_lowercase() || c.is_numeric();
    }
    name.trim_end_matches('_').to_owned()
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
            assert_eq!(next(&versions, now), expected, "{versions:?}");
        }
    }

    #[test]
    fn a_moment_is_fourteen_digits() {
        assert_eq!(fourteen_digits(Timestamp::from_microseconds(1_700_000_000_123_456)), "20231114221320");
    }

    #[test]
    fn names_become_snake_case() {
        for (text, name) in [
            ("add_boards", "add_boards"),
            ("Add boards", "add_boards"),
            ("AddBoards2Users", "add_boards2_users"),
            ("  add--boards!  ", "add_boards"),
            ("../../etc/passwd", "etc_passwd"),
            ("Größe ändern", "größe_ändern"),
            ("HTTP", "http"),
            ("a'; drop table x", "a_drop_table_x"),
            ("!!!", ""),
        ] {
            assert_eq!(snake_case(text), name, "{text}");
        }
    }

    #[test]
    fn nothing_is_named_by_nothing_or_after_the_last_version() {
        let now = Timestamp::from_microseconds(0);
        assert!(NewMigration::named("!!!", &[], now).is_err());
        let last = "9".repeat(64).parse();
        assert!(last.is_ok_and(|last| NewMigration::named("more", &[last], now).is_err()));
    }
}
