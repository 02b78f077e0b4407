//! What a program can do with a migrator, one thing in each module. The guide shows this code.

pub mod code;
pub mod connections;
pub mod hooks;
pub mod running;
