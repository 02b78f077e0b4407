//! One statement, or one action of an `ALTER TABLE`, with the lock that it takes.

use whimbrel_schema::model::ObjectName;

use super::words::object;

/// A table's locks, from the weakest of those that DDL takes to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lock {
    /// Of no table that anybody else uses.
    None,
    /// Others read and write.
    RowExclusive,
    /// Others read and write; no other DDL, no VACUUM.
    ShareUpdateExclusive,
    /// Others read.
    Share,
    /// Others read.
    ShareRowExclusive,
    /// Nobody else.
    AccessExclusive,
}

impl Lock {
    fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }
}

/// What is done while the lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// The catalog changes; no row is read.
    Catalog,
    /// Every row is read.
    Scan,
    /// Every row is read, and an index is built.
    Build,
    /// Rows are written.
    Write,
    /// The table and all its indexes are written anew.
    Rewrite,
}

impl Work {
    fn words(self) -> &'static str {
        match self {
            Self::Catalog => "no row is read",
            Self::Scan => "every row is read",
            Self::Build => "every row is read, and an index is built",
            Self::Write => "rows are written",
            Self::Rewrite => "the table is written anew",
        }
    }
}

/// A statement, or an action that can share an `ALTER TABLE` with its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// The table of the action; none for a whole statement.
    action_of: Option<ObjectName>,
    texts: Vec<String>,
    lock: Lock,
    locked: Vec<ObjectName>,
    work: Work,
    notes: Vec<String>,
    alone: bool,
}

impl Step {
    pub(super) fn action(table: &ObjectName, lock: Lock, work: Work, text: impl Into<String>) -> Self {
        let (action_of, locked) = (Some(table.clone()), vec![table.clone()]);
        Self { action_of, texts: vec![text.into()], lock, locked, work, notes: Vec::new(), alone: false }
    }

    /// An action that stands in no `ALTER TABLE` with others: a rename.
    pub(super) fn lone_action(table: &ObjectName, lock: Lock, text: impl Into<String>) -> Self {
        Self::action(table, lock, Work::Catalog, text).alone()
    }

    pub(super) fn statement(lock: Lock, work: Work, text: impl Into<String>) -> Self {
        Self {
            action_of: None,
            texts: vec![text.into()],
            lock,
            locked: Vec::new(),
            work,
            notes: Vec::new(),
            alone: true,
        }
    }

    /// A statement that locks no table of others.
    pub(super) fn free(text: impl Into<String>) -> Self {
        Self::statement(Lock::None, Work::Catalog, text)
    }

    /// The same, locking this relation too.
    pub(super) fn locking(mut self, relation: &ObjectName) -> Self {
        if !self.locked.contains(relation) {
            self.locked.push(relation.clone());
        }
        self
    }

    /// The same, in no `ALTER TABLE` with others.
    pub(super) fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// The same, reading every row.
    pub(super) fn reading(mut self) -> Self {
        self.work = Work::Scan;
        self
    }

    /// The same with a comment above it.
    pub(super) fn noted(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Where the statement that it is in begins, in the words of the lock's comment.
    fn comment(&self) -> Option<String> {
        let tables = self.locked.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        (self.lock != Lock::None && !tables.is_empty())
            .then(|| format!("-- Lock: {} on {tables}; {}.", self.lock.words(), self.work.words()))
    }

    /// Joins the step that follows, where one `ALTER TABLE` can do both under no stronger lock than one of them needs
    /// anyway. What would wait with the weaker lock keeps it: its statement is its own.
    pub(super) fn join(&mut self, next: Self) -> Result<(), Box<Self>> {
        let same = self.action_of.is_some() && self.action_of == next.action_of;
        let held = self.lock >= next.lock;
        if !same || self.alone || next.alone || !held {
            return Err(Box::new(next));
        }
        self.texts.extend(next.texts);
        for relation in next.locked {
            if !self.locked.contains(&relation) {
                self.locked.push(relation);
            }
        }
        self.work = self.work.max(next.work);
        self.notes.extend(next.notes);
        Ok(())
    }

    /// The statement with its comments.
    pub(super) fn sql(&self) -> String {
        let notes = self.notes.iter().map(|note| format!("-- {note}"));
        let mut lines: Vec<String> = notes.chain(self.comment()).collect();
        lines.push(match (&self.action_of, &self.texts[..]) {
            (Some(table), [only]) => format!("ALTER TABLE {} {only}", object(table)),
            (Some(table), many) => format!("ALTER TABLE {}\n    {}", object(table), many.join(",\n    ")),
            (None, texts) => texts.concat(),
        });
        lines.join("\n")
    }
}
