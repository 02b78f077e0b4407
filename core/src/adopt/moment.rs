//! Moments as tables have them.

use crate::timestamp::Timestamp;

/// Reads `2026-11-22 16:58:35`, `2026-11-22T16:58:35.854Z`, `2026-11-22 16:58:35+01:00`; without a zone it is UTC.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let mut parts = date.split('-').map(|part| part.parse::<i64>().ok());
    let day = Timestamp::from_date(parts.next()??, parts.next()??, parts.next()??)?;
    let time = rest.trim_start_matches(['T', ' ']);
    let (time, zone_us) = zone(time)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok().filter(|n| (0..=60).contains(n)));
    let seconds = match time {
        "" => 0,
        _ => parts.next()?? * 3_600 + parts.next()?? * 60 + parts.next().unwrap_or(Some(0))?,
    };
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let us = digits.parse::<i64>().ok()?;
    Some(Timestamp::from_microseconds(day.microseconds() + seconds * 1_000_000 + us - zone_us))
}

/// The time without its zone, and the zone.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (time, zone) = time.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let zone = &zone[1..];
    let (hours, minutes) = match zone.split_once(':') {
        Some(parts) => parts,
        None if zone.len() == 4 => zone.split_at(2),
        None => (zone, "0"),
    };
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    Some((time, sign * minutes * 60_000_000))
}

/// A number of milliseconds, as whichever kind of number it is kept.
pub(super) fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((whole, part)) if part.bytes().all(|b| b.is_ascii_digit()) => whole.parse().ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_forms_that_tables_have() {
        for (text, told) in [
            ("2026-11-22 15:58:35", "2026-11-22T15:58:35Z"),
            ("2026-11-22T15:58:35.854Z", "2026-11-22T15:58:35.854Z"),
            ("2026-11-22 15:58:35.8541239+01", "2026-11-22T14:58:35.854123Z"),
            ("2026-11-22 15:58:35-05:30", "2026-11-22T21:28:35Z"),
            ("2026-11-22 15:58:35+0100", "2026-11-22T14:58:35Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
            ("2026-11-22 15:58", "2026-11-22T15:58:00Z"),
        ] {
            assert_eq!(parse(text).map(|at| at.to_string()).as_deref(), Some(told), "{text}");
        }
        for text in ["", "yesterday", "2026-13-22 00:00:00", "2026-11-22 aa:bb", "1795363429314", "2026-11-22 99:00:00"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_read_whichever_type_holds_them() {
        for (text, value) in [("1795363429314", Some(1_795_363_429_314)), ("1795363429314.0", Some(1_795_363_429_314))]
        {
            assert_eq!(number(text), value);
        }
        for text in ["", "1.7e12", "now"] {
            assert_eq!(number(text), None);
        }
    }
}
