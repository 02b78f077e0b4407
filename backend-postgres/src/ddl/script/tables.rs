//! Tables that come, get another name or other options, and lose a constraint.

use std::collections::BTreeSet;

use whimbrel_core::Problem;
use whimbrel_schema::model::{ForeignKey, ObjectName, Table};

use super::super::step::{Lock, Step, Work};
use super::super::words::{ident, object};
use super::super::{column, render};
use super::Writer;

impl Writer<'_> {
    pub(in super::super) fn create_table(&mut self, table: &Table) {
        let parents: Vec<&ForeignKey> = table
            .foreign_keys
            .iter()
            .filter(|key| !self.state.is_fresh(&key.parent) && key.parent != table.name)
            .collect();
        let lock = if parents.is_empty() { Lock::None } else { Lock::ShareRowExclusive };
        let step = Step::statement(lock, Work::Catalog, render::table(table));
        self.push(parents.into_iter().fold(step, |step, key| step.locking(&key.parent)));
        for twin in table.uniques.iter().filter(|unique| render::is_twin(table, unique)) {
            self.push(Step::action(&table.name, Lock::None, Work::Catalog, format!("ADD {}", render::unique(twin))));
        }
        for raw in table.raw_constraints.iter().filter(|raw| render::is_foreign(raw)) {
            self.push(Step::action(
                &table.name,
                Lock::None,
                Work::Catalog,
                format!("ADD {}", render::raw_constraint(raw)),
            ));
        }
        self.secure(table, Lock::None);
        let on = format!("TABLE {}", object(&table.name));
        self.comment_on(&on, table.comment.as_deref());
        for column in &table.columns {
            let on = format!("COLUMN {}.{}", object(&table.name), ident(&column.name));
            self.comment_on(&on, column.comment.as_deref());
        }
    }

    /// Row security and replica identity, which `CREATE TABLE` cannot say.
    fn secure(&mut self, table: &Table, lock: Lock) {
        let said = |option: &str| table.options.native.get(option).map(String::as_str);
        let security = said("row security");
        if security.is_some() {
            self.push(Step::action(&table.name, lock, Work::Catalog, "ENABLE ROW LEVEL SECURITY"));
        }
        if security == Some("forced") {
            self.push(Step::action(&table.name, lock, Work::Catalog, "FORCE ROW LEVEL SECURITY"));
        }
        if let Some(kind @ ("full" | "nothing")) = said("replica identity") {
            self.push(Step::action(
                &table.name,
                lock,
                Work::Catalog,
                format!("REPLICA IDENTITY {}", kind.to_uppercase()),
            ));
        }
    }

    pub(super) fn rename_table(&mut self, from: &ObjectName, to: &ObjectName) {
        self.rename_object("TABLE", from, to);
        let columns: Vec<String> = self.state.schema.table(from).map_or_else(Vec::new, |table| {
            table.columns.iter().filter(|column| column.identity.is_some()).map(|column| column.name.clone()).collect()
        });
        for name in columns {
            column::rename_sequence(self, from, &name, to, &name);
        }
    }

    pub(super) fn options(&mut self, before: &Table, after: &Table) {
        let (was, is) = (&before.options.native, &after.options.native);
        let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for key in keys.into_iter().filter(|key| was.get(*key) != is.get(*key)) {
            let value = is.get(key).map(String::as_str);
            self.option(&after.name, key, was.get(key).map(String::as_str), value);
        }
    }

    fn option(&mut self, table: &ObjectName, key: &str, before: Option<&str>, after: Option<&str>) {
        let (lock, work, texts) = match (key, after) {
            ("unlogged", Some(_)) => (Lock::AccessExclusive, Work::Rewrite, vec!["SET UNLOGGED".to_owned()]),
            ("unlogged", None) => (Lock::AccessExclusive, Work::Rewrite, vec!["SET LOGGED".to_owned()]),
            ("with", after) => (Lock::ShareUpdateExclusive, Work::Catalog, parameters(before, after)),
            ("row security", after) => (Lock::AccessExclusive, Work::Catalog, security(before, after)),
            ("replica identity", None) => {
                (Lock::AccessExclusive, Work::Catalog, vec!["REPLICA IDENTITY DEFAULT".to_owned()])
            }
            ("replica identity", Some(kind @ ("full" | "nothing"))) => {
                (Lock::AccessExclusive, Work::Catalog, vec![format!("REPLICA IDENTITY {}", kind.to_uppercase())])
            }
            _ => {
                let message = format!("`{key}` of a table that is there cannot be changed by a script");
                let hint = "write the migration by hand: make a new table, copy the rows, rename it";
                self.problems.push(Problem::new(format!("table {table}"), message, hint));
                return;
            }
        };
        for text in texts {
            self.push(Step::action(table, lock, work, text));
        }
    }

    /// Drops a constraint by its name; a foreign key's triggers on the parent go too, under its lock.
    pub(super) fn drop_constraint(&mut self, table: &ObjectName, name: Option<&str>, parent: Option<&ObjectName>) {
        let Some(name) = name else {
            let hint = "name it as the database does, which `\\d` in psql shows";
            self.problems.push(Problem::new(
                format!("table {table}"),
                "a constraint without a name cannot be dropped",
                hint,
            ));
            return;
        };
        let step =
            Step::action(table, Lock::AccessExclusive, Work::Catalog, format!("DROP CONSTRAINT {}", ident(name)));
        self.push(match parent {
            Some(parent) => step.locking(parent),
            None => step,
        });
    }
}

/// Storage parameters that change.
fn parameters(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let names = |text: Option<&str>| -> Vec<String> {
        let pairs = text.into_iter().flat_map(|text| text.split(", "));
        pairs.map(|pair| pair.split('=').next().unwrap_or(pair).trim().to_owned()).collect()
    };
    let kept = names(after);
    let gone: Vec<String> = names(before).into_iter().filter(|name| !kept.contains(name)).collect();
    let reset = (!gone.is_empty()).then(|| format!("RESET ({})", gone.join(", ")));
    reset.into_iter().chain(after.map(|after| format!("SET ({after})"))).collect()
}

fn security(before: Option<&str>, after: Option<&str>) -> Vec<String> {
    let mut texts = Vec::new();
    match (before, after) {
        (_, None) => texts.push("DISABLE ROW LEVEL SECURITY".to_owned()),
        (None, Some(_)) => texts.push("ENABLE ROW LEVEL SECURITY".to_owned()),
        _ => {}
    }
    match (before == Some("forced"), after == Some("forced")) {
        (false, true) => texts.push("FORCE ROW LEVEL SECURITY".to_owned()),
        (true, false) => texts.push("NO FORCE ROW LEVEL SECURITY".to_owned()),
        _ => {}
    }
    texts
}
