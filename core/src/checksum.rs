//! Checksums of a migration's content.

use std::fmt;

use sha2::{Digest, Sha256};

/// The checksum of a migration: of its content, or of its token stream.
///
/// It is written with its algorithm (`v1:sha256:` and 64 hex digits), so that the algorithm can change without
/// changing what a stored value means. A value of an algorithm that this release does not know is kept as text:
/// it can be shown and compared with itself, never verified.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Checksum(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Sha256([u8; 32]),
    Unknown(Box<str>),
}

const PREFIX: &str = "v1:sha256:";

impl Checksum {
    /// The checksum of a text in canonical form: a byte order mark is left out and CRLF counts as LF, so a checkout
    /// on another system has the same one.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut hasher = Sha256::new();
        let mut rest = text;
        while let Some(at) = rest.find("\r\n") {
            hasher.update(&rest.as_bytes()[..at]);
            rest = &rest[at + 1..];
        }
        hasher.update(rest.as_bytes());
        Self(Repr::Sha256(hasher.finalize().into()))
    }

    /// A checksum whose SHA-256 digest is known.
    #[must_use]
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(Repr::Sha256(digest))
    }

    /// Reads what [`Display`](fmt::Display) wrote. What is not understood is kept as it is, see [`Checksum`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(PREFIX).and_then(decode) {
            Some(digest) => Self(Repr::Sha256(digest)),
            None => Self(Repr::Unknown(text.into())),
        }
    }

    /// Whether this release knows the algorithm, and so can compute the same kind.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self.0, Repr::Sha256(_))
    }
}

fn decode(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(digest)
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Unknown(text) => f.write_str(text),
            Repr::Sha256(digest) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut hex = [0_u8; 64];
                for (pair, byte) in hex.chunks_mut(2).zip(digest) {
                    pair[0] = DIGITS[usize::from(byte >> 4)];
                    pair[1] = DIGITS[usize::from(byte & 15)];
                }
                f.write_str(PREFIX)?;
                f.write_str(std::str::from_utf8(&hex).unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_mark_and_line_ends_do_not_count() {
        let plain = Checksum::of_text("create table t (a int);\n-- end\n");
        assert_eq!(plain, Checksum::of_text("\u{feff}create table t (a int);\r\n-- end\r\n"));
        assert_ne!(plain, Checksum::of_text("create table t (a int);\n\n-- end\n"));
        assert_ne!(Checksum::of_text("a\rb"), Checksum::of_text("a\nb"));
        assert_eq!(
            Checksum::of_text("\r\r\n"),
            Checksum::of_text("\r\n\n".replace("\r\n\n", "\r\n").replace("\r\n", "\r\r\n").as_str())
        );
    }

    #[test]
    fn is_sha256_and_reads_back() {
        let known = "v1:sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Checksum::of_text("abc").to_string(), known);
        assert_eq!(Checksum::parse(known), Checksum::of_text("abc"));
    }

    #[test]
    fn what_is_not_understood_is_kept() {
        for text in ["", "v2:blake3:00", "v1:sha256:zz", "v1:sha256:\u{e9}"] {
            let checksum = Checksum::parse(text);
            assert!(!checksum.is_known());
            assert_eq!(checksum.to_string(), text);
        }
    }
}
