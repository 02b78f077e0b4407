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
pub struct Version(Box<str>);

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
        &self.0
    }

    /// The first of all.
    #[cfg(feature = "other-tools")]
    pub(crate) fn zero() -> Self {
        Self("0".into())
    }

    /// The form that equal versions share: no leading zeros, no trailing `.0`.
    #[must_use]
    pub fn canonical(&self) -> String {
        self.numbers().collect::<Vec<_>>().join(".")
    }

    /// The numbers without leading zeros; trailing zero numbers are left out, the first number always stands.
    fn numbers(&self) -> impl Iterator<Item = &str> {
        let trimmed = self.0.trim_end_matches(['0', '.']);
        let end = match trimmed.len() {
            0 => self.0.find('.').unwrap_or(self.0.len()),
            // `10` must not lose its zero: cut only whole numbers.
            cut => self.0[cut..].find('.').map_or(self.0.len(), |dot| cut + dot),
        };
        self.0[..end].split('.').map(|number| {
            let significant = number.trim_start_matches('0');
            if significant.is_empty() { "0" } else { significant }
        })
    }

    /// The digits of the first number, as written.
    pub(crate) fn first_number_width(&self) -> usize {
        self.0.find('.').unwrap_or(self.0.len())
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
            return Ok(Self(text.into()));
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
        f.pad(&self.0)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.0)
    }
}

#[cfg(test)]
mod tests;
