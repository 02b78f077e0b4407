//! What the tests of this workspace share: how they find a Postgres server.

pub mod postgres;
