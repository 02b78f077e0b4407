//! The guide tells the truth: the book is built, its commands are run, its files are written, its code is code that is compiled elsewhere,
//! and its tables list what there is.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where something is not as it should be")]

mod blocks;
mod book;
mod console;
mod pages;
mod picture;
mod tables;
