//! What the tests of this workspace share: how they find a Postgres server, and the databases that the kit runs on.

pub mod database;
mod line;
pub mod long;
pub mod pooler;
pub mod postgres;
pub mod subjects;
