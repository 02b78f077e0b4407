//! The crate as a program that depends on it sees it.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod embed;
