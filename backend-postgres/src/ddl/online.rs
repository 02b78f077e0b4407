//! Constraints and indexes: in one go, or in the ways that do not stop an application.

use whimbrel_schema::Change;
use whimbrel_schema::model::{Check, Deferrable, ForeignKey, Index, ObjectName, PrimaryKey, Unique};

use super::render;
use super::script::{Writer, index_of};
use super::step::{Lock, Step, Work};
use super::words::{ident, literal, object};

pub(super) fn add_primary_key(writer: &mut Writer<'_>, table: &ObjectName, key: &PrimaryKey) {
    match key.name.as_ref().filter(|_| writer.is_online(table)) {
        Some(name) => {
            build(writer, table, name, index_of(name, &key.columns, table, false));
            using_index(writer, table, name, "PRIMARY KEY");
        }
        None => {
            let lock = lock(writer, table, Lock::AccessExclusive);
            writer.push(Step::action(table, lock, Work::Build, format!("ADD {}", render::primary_key(key))));
        }
    }
}

pub(super) fn add_unique(writer: &mut Writer<'_>, table: &ObjectName, unique: &Unique) {
    let online = writer.is_online(table) && unique.deferrable == Deferrable::No;
    match unique.name.as_ref().filter(|_| online) {
        Some(name) => {
            build(writer, table, name, index_of(name, &unique.columns, table, unique.nulls_not_distinct));
            using_index(writer, table, name, "UNIQUE");
        }
        None => {
            let lock = lock(writer, table, Lock::AccessExclusive);
            writer.push(Step::action(table, lock, Work::Build, format!("ADD {}", render::unique(unique))));
        }
    }
}

/// Makes a constraint of an index that is there.
fn using_index(writer: &mut Writer<'_>, table: &ObjectName, name: &str, kind: &str) {
    let name = ident(name);
    let text = format!("ADD CONSTRAINT {name} {kind} USING INDEX {name}");
    writer.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, text));
}

/// The lock that is worth telling: nobody waits for a table that is made in the same migration.
fn lock(writer: &Writer<'_>, table: &ObjectName, lock: Lock) -> Lock {
    if writer.state.is_fresh(table) { Lock::None } else { lock }
}

pub(super) fn add_check(writer: &mut Writer<'_>, table: &ObjectName, check: &Check) {
    let text = format!("ADD {}", render::check(check));
    match check.name.as_ref().filter(|_| writer.is_online(table)) {
        Some(name) => {
            writer.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, format!("{text} NOT VALID")));
            writer.validations.push(validation(table, name));
        }
        None => {
            let lock = lock(writer, table, Lock::AccessExclusive);
            writer.push(Step::action(table, lock, Work::Scan, text));
        }
    }
}

pub(super) fn add_foreign_key(writer: &mut Writer<'_>, table: &ObjectName, key: &ForeignKey) {
    let text = format!("ADD {}", render::foreign_key(key));
    // Where both are new there is nobody to wait.
    let lock = if writer.state.is_fresh(&key.parent) {
        lock(writer, table, Lock::ShareRowExclusive)
    } else {
        Lock::ShareRowExclusive
    };
    match key.name.as_ref().filter(|_| writer.is_online(table)) {
        Some(name) => {
            let step = Step::action(table, lock, Work::Catalog, format!("{text} NOT VALID"));
            writer.push(step.locking(&key.parent));
            writer.validations.push(validation(table, name).noted(format!("ROW SHARE on {}, too.", key.parent)));
        }
        None => writer.push(Step::action(table, lock, Work::Scan, text).locking(&key.parent)),
    }
}

fn validation(table: &ObjectName, name: &str) -> Step {
    let text = format!("VALIDATE CONSTRAINT {}", ident(name));
    Step::lone_action(table, Lock::ShareUpdateExclusive, text).reading()
}

/// NOT NULL on a column that has rows, through a check that is validated while others write.
pub(super) fn set_not_null(writer: &mut Writer<'_>, table: &ObjectName, column: &str) {
    let set = format!("ALTER COLUMN {} SET NOT NULL", ident(column));
    if !writer.is_online(table) {
        let (lock, work) = (lock(writer, table, Lock::AccessExclusive), Work::Scan);
        return writer.push(Step::action(table, lock, work, set));
    }
    let name = super::names::object_name(&table.name, column, "not_null");
    let check = format!("ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID", ident(&name), ident(column));
    writer.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, check));
    let proved = "The validated check proves it, so no row is read.";
    let drop = format!("DROP CONSTRAINT {}", ident(&name));
    writer.validations.push(validation(table, &name));
    writer.proved.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, set).noted(proved));
    writer.proved.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, drop));
}

pub(super) fn create_index(writer: &mut Writer<'_>, table: &ObjectName, index: &Index) {
    if writer.is_online(table) {
        return build(writer, table, &index.name, render::index(table, index, true));
    }
    let lock = lock(writer, table, Lock::Share);
    writer.push(Step::statement(lock, Work::Build, render::index(table, index, false)).locking(table));
}

/// Builds an index while others write, in a migration of its own. What a build that failed left under the name is
/// dropped first: `IF NOT EXISTS` would keep it, invalid as it is.
fn build(writer: &mut Writer<'_>, table: &ObjectName, name: &str, create: String) {
    let index = object(&table.sibling(name));
    let leftover = format!(
        "-- What a build that failed has left under this name is in the way.\n\
         DO $whimbrel$\nBEGIN\n    IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}) \
         AND NOT indisvalid) THEN\n        EXECUTE {};\n    END IF;\nEND\n$whimbrel$",
        literal(&index),
        literal(&format!("DROP INDEX {index}"))
    );
    let create =
        format!("-- Lock: SHARE UPDATE EXCLUSIVE on {table}; others read and write while it is built.\n{create}");
    writer.outside(vec![leftover, create]);
}

pub(super) fn drop_index(writer: &mut Writer<'_>, table: &ObjectName, index: &Index) {
    let name = table.sibling(index.name.clone());
    // A foreign key that needs it goes in the same script; what is concurrent cannot wait for that.
    let replaced = writer
        .request
        .changes
        .iter()
        .any(|change| matches!(change, Change::DropForeignKey { key, .. } if key.parent == *table));
    if writer.is_online(table) && !replaced {
        let text = format!(
            "-- Lock: SHARE UPDATE EXCLUSIVE on {table}; others read and write.\nDROP INDEX CONCURRENTLY {}",
            object(&name)
        );
        return writer.outside(vec![text]);
    }
    let lock = lock(writer, table, Lock::AccessExclusive);
    writer.push(Step::statement(lock, Work::Catalog, format!("DROP INDEX {}", object(&name))).locking(table));
}
