//! Texts of SQL that mean the same whatever a migration has set for the session.

use std::time::Duration;

/// Writes a text as a literal that reads the same with `standard_conforming_strings` on and off.
///
/// A NUL character, which the server takes in no text, is left out.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\0', "").replace('\'', "''");
    if doubled.contains('\\') { format!(" E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// A literal, or `null`.
pub(crate) fn literal_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), literal)
}

/// A number, or `null`.
pub(crate) fn number_or_null<N: ToString>(number: Option<N>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

/// The moment so many microseconds after 1970, or `null`.
pub(crate) fn moment_or_null(us: Option<i64>) -> String {
    us.map_or_else(|| "null".to_owned(), |us| format!("(timestamptz 'epoch' + ({us}) * interval '1 microsecond')"))
}

/// The moment at which a lease that starts now ends, or `null`.
pub(crate) fn lease_end(lease: Option<Duration>) -> String {
    lease.map_or_else(
        || "null".to_owned(),
        |lease| format!("(pg_catalog.clock_timestamp() + {} * interval '1 millisecond')", milliseconds(lease)),
    )
}

/// Whole milliseconds, rounded up, within what the server takes for a timeout (24 days).
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    let ms = duration.as_nanos().div_ceil(1_000_000);
    i64::from(i32::try_from(ms).unwrap_or(i32::MAX))
}

/// A length of time as the server prints a timeout: in the largest unit that divides it.
pub(crate) fn timeout_text(ms: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)];
    if ms == 0 {
        return "0".to_owned();
    }
    match UNITS.iter().find(|(_, size)| ms % size == 0) {
        Some((unit, size)) => format!("{}{unit}", ms / size),
        None => format!("{ms}ms"),
    }
}

/// Reads what [`timeout_text`] writes.
pub(crate) fn read_timeout(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let size = match text[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(size).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_read_the_same_in_both_modes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\b'c"), r" E'a\\b''c'");
        assert_eq!(literal("nul\0l"), "'null'");
    }

    #[test]
    fn timeouts_read_back_as_the_server_prints_them() {
        for (ms, text) in [
            (0, "0"),
            (1, "1ms"),
            (1500, "1500ms"),
            (5000, "5s"),
            (60_000, "1min"),
            (7_200_000, "2h"),
            (86_400_000, "1d"),
        ] {
            assert_eq!(timeout_text(ms), text);
            assert_eq!(read_timeout(text), u64::try_from(ms).ok().map(Duration::from_millis));
        }
        assert_eq!(read_timeout("5 parsecs"), None);
        assert_eq!(milliseconds(Duration::from_micros(1)), 1);
        assert_eq!(milliseconds(Duration::MAX), i64::from(i32::MAX));
    }
}
