//! Versions for migrations whose order is that of a list.

use crate::timestamp::Timestamp;
use crate::version::Version;

/// The most digits of a number that becomes a version: what follows it has room for more of its own.
const LONGEST_NUMBER: usize = 40;

/// Gives versions, each greater than the one before it.
#[derive(Debug, Default)]
pub(super) struct Versions {
    last: Option<Version>,
}

impl Versions {
    /// The next one for a migration of this name, and the name without the number that became its version.
    ///
    /// It depends on nothing but the names up to this one, so that what is added behind changes no version.
    pub(super) fn next<'t>(&mut self, tag: &'t str) -> (Version, &'t str) {
        let digits = tag.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = tag.split_at(digits);
        let short = Some(number).filter(|number| number.len() <= LONGEST_NUMBER);
        let own = short.and_then(|number| number.parse::<Version>().ok());
        let own = own.filter(|own| self.last.as_ref().is_none_or(|last| own > last));
        let name = rest.strip_prefix('_').filter(|name| !name.is_empty());
        let (version, name) = match (own, name) {
            (Some(own), Some(name)) => (own, name),
            (Some(own), None) => (own, tag),
            (None, _) => (self.following(digits == 0), tag),
        };
        self.last = Some(version.clone());
        (version, name.trim_start_matches('_'))
    }

    /// One that comes after the last: the next whole number where names have none, else one inside of the last.
    fn following(&self, unnumbered: bool) -> Version {
        let last = self.last.as_ref().map(Version::as_str);
        let text = match (last, last.and_then(|last| last.rsplit_once('.'))) {
            (None, _) => "0000".to_owned(),
            (Some(_), Some((whole, part))) => format!("{whole}.{}", part.parse::<u64>().unwrap_or(0).saturating_add(1)),
            (Some(last), None) if unnumbered => match last.parse::<u64>() {
                Ok(number) => format!("{:0width$}", number.saturating_add(1), width = last.len()),
                Err(_) => format!("{last}.1"),
            },
            (Some(last), None) => format!("{last}.1"),
        };
        // Digits and one dot are a version, unless they are too many.
        text.parse().unwrap_or_else(|_| self.last.clone().unwrap_or_else(Version::zero))
    }
}

/// The moment in the 14 digits that a name begins with, in milliseconds since 1970 UTC; else what is wrong with it, and the remedy.
pub(super) fn time_of(name: &str) -> Result<i64, (String, &'static str)> {
    let digits = name.get(..14).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
        ("does not begin with a time of 14 digits, as Drizzle's folders do".to_owned(), "move it elsewhere")
    })?;
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|it| it.parse::<i64>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    let (hour, minute, second) = (part(8..10), part(10..12), part(12..14));
    let is_clock = hour < 24 && minute < 60 && second < 60;
    let moment = Timestamp::from_date(year, month, day).filter(|_| is_clock).ok_or_else(|| {
        let message = format!(
            "begins with {digits}, which is no time: year {year}, month {month}, day {day}, {hour:02}:{minute:02}:{second:02}"
        );
        (message, "give it the time at which it was made, as YYYYMMDDhhmmss")
    })?;
    Ok(moment.microseconds() / 1_000 + (hour * 3_600 + minute * 60 + second) * 1_000)
}
