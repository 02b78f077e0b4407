//! Versions of migrations: numbers that order numerically and print as they were written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// The most characters that a version may have.
pub(crate) const MAX_VERSION_LENGTH: usize = 64;

/// The version of a migration: `0000`, `20261122160000`, `1.4.2`.
///
/// Versions are compared number by number, so `9` comes before `10` and `1.9` before `1.10`. Leading zeros and
/// trailing `.0` do not count (`1`, `0001` and `1.0` are the same version), but a version prints as it was written.
///
/// ```
/// use whimbrel_core::Version;
/// let old: Version = "0009".parse()?;
/// let new: Version = "10".parse()?;
/// assert!(old < new);
/// assert_eq!(old.to_string(), "0009");
/// assert_eq!(old, "9".parse()?);
/// # Ok::<(), whimbrel_core::InvalidVersion>(())
/// ```
#[derive(Clone)]
pub struct Version(Text);

/// Its text. One that is as short as they are stands where its version stands: every migration has its version several times,
/// and for each of them an allocation would be larger than the text.
#[derive(Clone)]
enum Text {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

/// What has room beside the length, in what a longer text takes anyway.
const SHORT: usize = 22;

impl Text {
    fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self::Short { length, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            // It was a text, and a version has ASCII only.
            Self::Short { length, bytes } => {
                bytes.get(..usize::from(*length)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
            }
            Self::Long(text) => text,
        }
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no version: {reason}")]
pub struct InvalidVersion {
    text: String,
    reason: &'static str,
}

impl Version {
    /// The version as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first of all.
    #[cfg(feature = "other-tools")]
    pub(crate) fn zero() -> Self {
        Self(Text::new("0"))
    }

    /// The form that equal versions share: no leading zeros, no trailing `.0`.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.numbers().collect::<Vec<_>>().join(".")
    }

    /// The numbers without leading zeros; trailing zero numbers are left out, the first number always stands.
    fn numbers(&self) -> impl Iterator<Item = &str> {
        let text = self.as_str();
        let trimmed = text.trim_end_matches(['0', '.']);
        let end = match trimmed.len() {
            0 => text.find('.').unwrap_or(text.len()),
            // `10` must not lose its zero: cut only whole numbers.
            cut => text[cut..].find('.').map_or(text.len(), |dot| cut + dot),
        };
        text[..end].split('.').map(|number| {
            let significant = number.trim_start_matches('0');
            if significant.is_empty() { "0" } else { significant }
        })
    }

    /// The digits of the first number, as written.
    pub(crate) fn first_number_width(&self) -> usize {
        let text = self.as_str();
        text.find('.').unwrap_or(text.len())
    }
}

impl FromStr for Version {
    type Err = InvalidVersion;

    /// # Errors
    ///
    /// [`InvalidVersion`] where the text is empty, longer than 64 characters, or anything but decimal
    /// numbers with single dots between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.len() > MAX_VERSION_LENGTH {
            "it is longer than 64 characters"
        } else if text.bytes().any(|b| !b.is_ascii_digit() && b != b'.') {
            "only digits and dots may stand in it"
        } else if text.split('.').any(str::is_empty) {
            "a dot must stand between two numbers"
        } else {
            return Ok(Self(Text::new(text)));
        };
        Err(InvalidVersion { text: text.chars().take(MAX_VERSION_LENGTH + 1).collect(), reason })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_value = |a: &str, b: &str| a.len().cmp(&b.len()).then_with(|| a.cmp(b));
        let (mut left, mut right) = (self.numbers(), other.numbers());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (a, b) => match by_value(a.unwrap_or("0"), b.unwrap_or("0")) {
                    Ordering::Equal => {}
                    unequal => return unequal,
                },
            }
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for number in self.numbers() {
            number.hash(state);
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.as_str())
    }
}

#[cfg(test)]
mod tests;
