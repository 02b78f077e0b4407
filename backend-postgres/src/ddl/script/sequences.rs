//! Sequences, and the columns that own them.

use whimbrel_schema::Change;
use whimbrel_schema::model::{ObjectName, Sequence};

use super::super::step::Step;
use super::super::words::{ident, object};
use super::super::{column, render};
use super::Writer;

impl Writer<'_> {
    pub(super) fn create_sequence(&mut self, sequence: &Sequence) {
        if let Some(old) = self.predecessor(sequence) {
            self.rename_object("SEQUENCE", &old, &sequence.name);
            self.settled.insert(old);
            return;
        }
        self.push(Step::free(render::sequence(sequence)));
        self.unowned.extend(sequence.owned_by.is_some().then(|| sequence.clone()));
    }

    /// The sequence of the same column that goes in this script: it is renamed instead, so it counts on.
    fn predecessor(&self, sequence: &Sequence) -> Option<ObjectName> {
        let owner = sequence.owned_by.as_ref()?;
        let goes = |name: &ObjectName| {
            self.request.changes.iter().any(|change| matches!(change, Change::DropSequence(gone) if gone.name == *name))
        };
        let same = |old: &&Sequence| {
            old.owned_by.as_ref() == Some(owner) && old.ty == sequence.ty && old.options == sequence.options
        };
        let mut olds = self.state.schema.sequences.iter().filter(same);
        olds.find(|old| goes(&old.name) && !self.settled.contains(&old.name)).map(|old| old.name.clone())
    }

    /// Gives sequences to their columns as soon as these are there.
    pub(super) fn own_sequences(&mut self, all: bool) {
        let (ready, waiting) = std::mem::take(&mut self.unowned).into_iter().partition::<Vec<_>, _>(|sequence| {
            all || sequence.owned_by.as_ref().is_some_and(|(table, column)| self.state.has_column(table, column))
        });
        self.unowned = waiting;
        for sequence in ready {
            self.own(&sequence);
        }
    }

    fn own(&mut self, sequence: &Sequence) {
        let owner = sequence
            .owned_by
            .as_ref()
            .map_or_else(|| "NONE".to_owned(), |(table, column)| format!("{}.{}", object(table), ident(column)));
        self.push(Step::free(format!("ALTER SEQUENCE {} OWNED BY {owner}", object(&sequence.name))));
    }

    pub(super) fn alter_sequence(&mut self, before: &Sequence, after: &Sequence) {
        let mut said: Vec<String> = Vec::new();
        if before.ty != after.ty {
            said.push(format!("AS {}", after.ty.as_deref().unwrap_or("bigint")));
        }
        if before.options != after.options {
            said.extend(column::counting_again(&after.options));
        }
        if !said.is_empty() {
            self.push(Step::free(format!("ALTER SEQUENCE {} {}", object(&after.name), said.join(" "))));
        }
        if before.owned_by != after.owned_by {
            self.own(after);
        }
    }

    pub(super) fn drop_sequence(&mut self, sequence: &Sequence) {
        // It went with its column, or was renamed or dropped on the way.
        let current = self.state.schema.sequences.iter().find(|kept| kept.name == sequence.name);
        let owner = current.unwrap_or(sequence).owned_by.as_ref();
        let orphan = owner.is_some_and(|(table, column)| !self.state.has_column(table, column));
        if orphan || self.settled.contains(&sequence.name) {
            return;
        }
        self.push(Step::free(format!("DROP SEQUENCE {}", object(&sequence.name))));
    }
}
