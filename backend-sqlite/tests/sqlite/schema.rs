//! The schema engine's side of SQLite, on real databases with rows in them.

mod diff;
mod fixtures;
mod introspection;
mod reported;
mod rules;
mod support;
