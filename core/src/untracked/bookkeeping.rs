//! The tables in which tools for migrations keep their own books.

/// The tables in which other tools for migrations keep their histories and their locks, by their usual names.
///
/// They are no part of a schema, and a database that has nothing else is a fresh one. A name that an application may well
/// give to a table of its own (`migrations`) is not among them, see [`is_bookkeeping`].
pub const BOOKKEEPING: &[&str] = &[
    "__drizzle_migrations",
    "_sqlx_migrations",
    "refinery_schema_history",
    "__diesel_schema_migrations",
    "seaql_migrations",
    "_prisma_migrations",
    "schema_migrations",
    "goose_db_version",
    "flyway_schema_history",
    "_sqlx_migrator_migrations",
    "__toasty_migrations",
    "butane_migrations",
    "movine_migrations",
    "d1_migrations",
    "ar_internal_metadata",
    "knex_migrations",
    "knex_migrations_lock",
    "kysely_migration",
    "kysely_migration_lock",
    "mikro_orm_migrations",
    "pgmigrations",
    "SequelizeMeta",
    "alembic_version",
    "django_migrations",
    "atlas_schema_revisions",
    "databasechangelog",
    "databasechangeloglock",
    "__EFMigrationsHistory",
];

/// What runners that people wrote themselves, and tools that are less particular, call theirs.
const LIKELY: &[&str] = &["migrations", "_migrations", "migration", "schema_version", "schema_versions", "db_version"];

/// Whether a table, named with or without its schema, is one of [`BOOKKEEPING`], or has a name of that kind. Where a
/// database has nothing else, it is a fresh one.
#[must_use]
pub fn is_bookkeeping(table: &str) -> bool {
    let name = table.rsplit_once('.').map_or(table, |(_, name)| name);
    BOOKKEEPING.iter().chain(LIKELY).any(|known| known.eq_ignore_ascii_case(name))
}
