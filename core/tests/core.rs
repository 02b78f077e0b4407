//! The crate's one integration test binary.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

#[path = "core/fixtures.rs"]
mod fixtures;
#[path = "core/split.rs"]
mod split;
#[path = "core/split_fuzz.rs"]
mod split_fuzz;
