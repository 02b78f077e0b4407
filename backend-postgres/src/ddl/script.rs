//! Changes as SQL: which change is written where, and how statements become the parts of a script.

mod natives;
mod objects;
mod sequences;
mod tables;

use std::collections::BTreeSet;

use whimbrel_core::Problem;
use whimbrel_schema::model::{Index, ObjectName, Sequence, Table};
use whimbrel_schema::{Change, Loss, Part, Script, ScriptRequest};

use super::state::State;
use super::step::{Lock, Step, Work};
use super::words::{ident, list, object};
use super::{column, enums, online, render};

/// Tables are waited for no longer than this; a run tries again.
const LOCK_TIMEOUT: &str = "lock-timeout 5s";

/// Writes a script.
pub(super) fn script(request: &ScriptRequest<'_>) -> Result<Script, Vec<Problem>> {
    let mut writer = Writer::new(request);
    for (at, change) in request.changes.iter().enumerate() {
        writer.change(at, change);
        writer.state.apply(change);
        writer.own_sequences(false);
    }
    writer.own_sequences(true);
    writer.finish()
}

/// Where the script stands.
pub(super) struct Writer<'a> {
    pub(super) request: &'a ScriptRequest<'a>,
    pub(super) state: State,
    pub(super) problems: Vec<Problem>,
    parts: Vec<Part>,
    steps: Vec<Step>,
    /// What is checked in a transaction of its own, once all else is committed.
    pub(super) validations: Vec<Step>,
    /// What follows from that at no cost, in yet another one: under its lock nothing is read.
    pub(super) proved: Vec<Step>,
    losses: BTreeSet<Loss>,
    /// What stands at the end of the last transaction.
    pub(super) last: Vec<Step>,
    /// Sequences whose owner is not there yet.
    unowned: Vec<Sequence>,
    /// Sequences that another step dropped or renamed already.
    pub(super) settled: BTreeSet<ObjectName>,
    /// Computed columns that are away while what they read changes.
    pub(super) computed: BTreeSet<(ObjectName, String)>,
    /// Those of them that do not come back.
    pub(super) dropped: BTreeSet<(ObjectName, String)>,
    /// Enum values that were added in the transaction that is being written.
    added: Vec<(ObjectName, String)>,
}

impl<'a> Writer<'a> {
    fn new(request: &'a ScriptRequest<'a>) -> Self {
        Self {
            request,
            state: State::new(request.before),
            problems: Vec::new(),
            parts: Vec::new(),
            steps: Vec::new(),
            validations: Vec::new(),
            proved: Vec::new(),
            last: Vec::new(),
            losses: BTreeSet::new(),
            unowned: Vec::new(),
            settled: BTreeSet::new(),
            computed: BTreeSet::new(),
            dropped: BTreeSet::new(),
            added: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, step: Step) {
        if self.uses_added(&step) {
            self.cut();
        }
        let Some(last) = self.steps.last_mut() else { return self.steps.push(step) };
        if let Err(step) = last.join(step) {
            let step = *step;
            self.steps.push(step);
        }
    }

    /// A value of an enum cannot be used in the transaction that adds it.
    fn uses_added(&self, step: &Step) -> bool {
        if self.added.is_empty() {
            return false;
        }
        let sql = step.sql();
        let casts = |ty: &ObjectName| sql.contains("USING") && sql.contains(&object(ty));
        self.added.iter().any(|(ty, value)| sql.contains(&super::words::literal(value)) || casts(ty))
    }

    pub(super) fn added_value(&mut self, ty: &ObjectName, value: &str) {
        self.added.push((ty.clone(), value.to_owned()));
    }

    /// Ends the migration that is being written; what follows goes into another.
    pub(super) fn cut(&mut self) {
        let steps = std::mem::take(&mut self.steps);
        self.added.clear();
        if !steps.is_empty() {
            let statements = steps.iter().map(Step::sql).collect();
            self.parts.push(Part { directives: vec![LOCK_TIMEOUT.to_owned()], statements });
        }
    }

    /// Writes statements that run outside of a transaction, in a migration of their own.
    pub(super) fn outside(&mut self, statements: Vec<String>) {
        self.cut();
        let directives = vec!["no-transaction".to_owned()];
        match self.parts.last_mut().filter(|part| part.directives == directives) {
            Some(part) => part.statements.extend(statements),
            None => self.parts.push(Part { directives, statements }),
        }
    }

    pub(super) fn loss(&mut self, object: String, what: &str) {
        self.losses.insert(Loss { object, what: what.to_owned() });
    }

    fn finish(mut self) -> Result<Script, Vec<Problem>> {
        for step in std::mem::take(&mut self.last) {
            self.push(step);
        }
        self.cut();
        for step in std::mem::take(&mut self.validations) {
            self.push(step);
        }
        self.cut();
        for step in std::mem::take(&mut self.proved) {
            self.push(step);
        }
        self.cut();
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        Ok(Script { parts: self.parts, losses: self.losses.into_iter().collect() })
    }

    /// Whether the ways that keep an application at work are asked for, and make sense for this table.
    pub(super) fn is_online(&self, table: &ObjectName) -> bool {
        let partitioned = |table: &Table| table.options.native.contains_key("partition by");
        self.request.online && !self.state.is_fresh(table) && !self.state.schema.table(table).is_some_and(partitioned)
    }

    fn change(&mut self, at: usize, change: &Change) {
        match change {
            Change::DropView(view) => {
                let step = Step::statement(
                    Lock::AccessExclusive,
                    Work::Catalog,
                    format!("DROP {} {}", render::view_kind(view.materialized), object(&view.name)),
                );
                self.push(step.locking(&view.name).noted("Rights that were granted on it go with it."));
            }
            Change::CreateView(view) => {
                self.push(Step::free(render::view(view)));
                let on = format!("{} {}", render::view_kind(view.materialized), object(&view.name));
                self.comment_on(&on, view.comment.as_deref());
            }
            Change::DropNative(native) => self.drop_native(native),
            Change::CreateNative(native) => self.create_native(native),
            Change::ReplaceNative { after, .. } => self.push(Step::free(natives::replacing(&after.sql))),
            Change::CreateEnum(ty) => self.create_enum(ty),
            Change::DropEnum(ty) => self.push(Step::free(format!("DROP TYPE {}", object(&ty.name)))),
            Change::RenameEnum { from, to } => self.rename_object("TYPE", from, to),
            Change::RenameEnumValue { ty, from, to } => {
                let (from, to) = (super::words::literal(from), super::words::literal(to));
                self.push(Step::free(format!("ALTER TYPE {} RENAME VALUE {from} TO {to}", object(ty))));
            }
            Change::AlterEnum { before, after } => enums::alter(self, at, before, after),
            Change::CreateSequence(sequence) => self.create_sequence(sequence),
            Change::AlterSequence { before, after } => self.alter_sequence(before, after),
            Change::DropSequence(sequence) => self.drop_sequence(sequence),
            other => self.table_change(at, other),
        }
    }

    fn table_change(&mut self, at: usize, change: &Change) {
        match change {
            Change::RenameTable { from, to } => self.rename_table(from, to),
            Change::RenameColumn { table, from, to } => {
                let text = format!("RENAME COLUMN {} TO {}", ident(from), ident(to));
                self.push(Step::lone_action(table, Lock::AccessExclusive, text));
                column::rename_sequence(self, table, from, table, to);
            }
            Change::RenameIndex { table, from, to } => {
                let index = table.sibling(from.clone());
                let text = format!("ALTER INDEX {} RENAME TO {}", object(&index), ident(to));
                self.push(Step::statement(Lock::ShareUpdateExclusive, Work::Catalog, text).locking(&index));
            }
            Change::RenameConstraint { table, from, to } => {
                let text = format!("RENAME CONSTRAINT {} TO {}", ident(from), ident(to));
                self.push(Step::lone_action(table, Lock::AccessExclusive, text));
            }
            Change::CreateTable(table) => self.create_table(table),
            Change::DropTable(table) => {
                self.loss(format!("table {}", table.name), "all its rows");
                let step = Step::statement(
                    Lock::AccessExclusive,
                    Work::Catalog,
                    format!("DROP TABLE {}", object(&table.name)),
                );
                self.push(step.locking(&table.name));
            }
            Change::AddColumn { table, column } => column::add(self, table, column),
            Change::DropColumn { table, column } if self.dropped.contains(&(table.clone(), column.name.clone())) => {}
            Change::DropColumn { table, column } => {
                if column.generated.is_none() {
                    self.loss(format!("column {table}.{}", column.name), "all its values");
                }
                self.push(Step::action(
                    table,
                    Lock::AccessExclusive,
                    Work::Catalog,
                    format!("DROP COLUMN {}", ident(&column.name)),
                ));
            }
            Change::AlterColumn { table, before, after } => column::alter(self, at, table, before, after),
            Change::AlterTableOptions { before, after } => self.options(before, after),
            Change::SetComment { on, comment } => {
                self.comment(on, comment.as_deref());
            }
            other => self.constraint_change(other),
        }
    }

    fn constraint_change(&mut self, change: &Change) {
        let added = |text: String| format!("ADD {text}");
        match change {
            Change::AddPrimaryKey { table, key } => online::add_primary_key(self, table, key),
            Change::AddUnique { table, unique } => online::add_unique(self, table, unique),
            Change::AddCheck { table, check } => online::add_check(self, table, check),
            Change::AddForeignKey { table, key } => online::add_foreign_key(self, table, key),
            Change::AddRawConstraint { table, constraint } => {
                let work = if constraint.definition.ends_with("NOT VALID") { Work::Catalog } else { Work::Build };
                self.push(Step::action(table, Lock::AccessExclusive, work, added(render::raw_constraint(constraint))));
            }
            Change::DropPrimaryKey { table, key } => self.drop_constraint(table, key.name.as_deref(), None),
            Change::DropUnique { table, unique } => self.drop_constraint(table, unique.name.as_deref(), None),
            Change::DropCheck { table, check } => self.drop_constraint(table, check.name.as_deref(), None),
            Change::DropForeignKey { table, key } => {
                self.drop_constraint(table, key.name.as_deref(), Some(&key.parent))
            }
            Change::DropRawConstraint { table, constraint } => {
                self.drop_constraint(table, Some(&constraint.name), None)
            }
            Change::CreateIndex { table, index } => online::create_index(self, table, index),
            Change::DropIndex { table, index } => online::drop_index(self, table, index),
            _ => {}
        }
    }
}

/// The name and the columns of an index that a unique constraint or a primary key can be made of.
pub(super) fn index_of(name: &str, columns: &[String], table: &ObjectName, nulls_not_distinct: bool) -> String {
    let nulls = if nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    format!("CREATE UNIQUE INDEX CONCURRENTLY {} ON {} {}{nulls}", ident(name), object(table), list(columns))
}

/// Whether an index of a table is on this list.
pub(super) fn is_created(changes: &[Change], on: &ObjectName, index: &Index) -> bool {
    changes.iter().any(
        |change| matches!(change, Change::CreateIndex { table, index: made } if table == on && made.name == index.name),
    )
}
