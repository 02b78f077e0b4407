//! Changes on tables that have rows.

mod enums;
mod names;
mod tables;
mod texts;
mod views;
