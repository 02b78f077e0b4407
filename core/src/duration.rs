//! Durations as people write them.

use std::time::Duration;

/// Reads `0`, `500ms`, `5s`, `2min`, `1h`; a bare number other than 0 is refused, because its unit would be a guess.
///
/// # Errors
///
/// A message that says what may be written, for anything else and for what does not fit.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(milliseconds)) {
        // Postgres holds its timeouts as milliseconds in 31 bits.
        Some(ms) if milliseconds > 0 && ms <= i32::MAX as u64 => Ok(Duration::from_millis(ms)),
        _ => Err(format!("`{text}` is no duration: write 0, 500ms, 5s, 2min or 1h, at most 24 days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_and_refuses_guesses() {
        for (text, ms) in [("0", 0), ("500ms", 500), ("5s", 5_000), ("2 min", 120_000), ("1h", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "5m", "-1s", "1.5s", "99999999999999999999s", "1000h"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
