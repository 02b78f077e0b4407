//! Changes as SQL.

use std::collections::BTreeSet;

use whimbrel_core::Problem;
use whimbrel_core::split::{Lexer, tokens};
use whimbrel_schema::change::Commented;
use whimbrel_schema::model::{EnumType, ForeignKey, Index, Native, ObjectName, Sequence, Table};
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
            Change::ReplaceNative { after, .. } => self.push(Step::free(replacing(&after.sql))),
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

    /// Drops a constraint by its name; a foreign key's triggers on the parent go too, under its lock.
    fn drop_constraint(&mut self, table: &ObjectName, name: Option<&str>, parent: Option<&ObjectName>) {
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

    fn create_enum(&mut self, ty: &EnumType) {
        self.push(Step::free(render::enum_type(ty)));
        self.comment_on(&format!("TYPE {}", object(&ty.name)), ty.comment.as_deref());
    }

    pub(super) fn create_table(&mut self, table: &Table) {
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

    pub(super) fn comment_on(&mut self, what: &str, comment: Option<&str>) {
        if comment.is_some() {
            self.push(Step::free(render::comment(what, comment)));
        }
    }

    fn comment(&mut self, on: &Commented, comment: Option<&str>) {
        let (what, table) = match on {
            Commented::Table(table) => (format!("TABLE {}", object(table)), Some(table)),
            Commented::Column(table, column) => (format!("COLUMN {}.{}", object(table), ident(column)), Some(table)),
            Commented::Enum(ty) => (format!("TYPE {}", object(ty)), None),
            Commented::View(view, materialized) => {
                (format!("{} {}", render::view_kind(*materialized), object(view)), None)
            }
        };
        let step = Step::statement(Lock::ShareUpdateExclusive, Work::Catalog, render::comment(&what, comment));
        self.push(match table {
            Some(table) => step.locking(table),
            None => Step::free(render::comment(&what, comment)),
        });
    }

    /// Renames, or moves to another schema, or both.
    fn rename_object(&mut self, kind: &str, from: &ObjectName, to: &ObjectName) {
        for (of, text) in moves(from, to) {
            let step =
                Step::statement(Lock::AccessExclusive, Work::Catalog, format!("ALTER {kind} {} {text}", object(&of)));
            self.push(if kind == "TABLE" { step.locking(&of) } else { step });
        }
    }

    fn rename_table(&mut self, from: &ObjectName, to: &ObjectName) {
        self.rename_object("TABLE", from, to);
        let columns: Vec<String> = self.state.schema.table(from).map_or_else(Vec::new, |table| {
            table.columns.iter().filter(|column| column.identity.is_some()).map(|column| column.name.clone()).collect()
        });
        for name in columns {
            column::rename_sequence(self, from, &name, to, &name);
        }
    }

    fn options(&mut self, before: &Table, after: &Table) {
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

    fn create_native(&mut self, native: &Native) {
        let is_trigger = native.kind == "trigger";
        match native.table.as_ref().filter(|table| !self.state.is_fresh(table)) {
            Some(table) if is_trigger => {
                self.push(Step::statement(Lock::ShareRowExclusive, Work::Catalog, native.sql.clone()).locking(table));
            }
            Some(table) if native.kind == "policy" || native.kind == "rule" => {
                self.push(Step::statement(Lock::AccessExclusive, Work::Catalog, native.sql.clone()).locking(table));
            }
            _ => self.push(Step::free(native.sql.clone())),
        }
    }

    fn drop_native(&mut self, native: &Native) {
        let Some(text) = drop_native(native) else {
            let message = format!("how a {} is dropped is not known", native.kind);
            let hint = "write the migration by hand: `whimbrel new`";
            self.problems.push(Problem::new(format!("{} {}", native.kind, native.name), message, hint));
            return;
        };
        match &native.table {
            Some(table) => self.push(Step::statement(Lock::AccessExclusive, Work::Catalog, text).locking(table)),
            None => self.push(Step::free(text)),
        }
    }

    fn create_sequence(&mut self, sequence: &Sequence) {
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
    fn own_sequences(&mut self, all: bool) {
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

    fn alter_sequence(&mut self, before: &Sequence, after: &Sequence) {
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

    fn drop_sequence(&mut self, sequence: &Sequence) {
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

/// What leads from one name to another: a new schema, a new name.
fn moves(from: &ObjectName, to: &ObjectName) -> Vec<(ObjectName, String)> {
    let mut moves = Vec::new();
    let mut at = from.clone();
    if from.schema != to.schema {
        let schema = to.schema.as_deref().unwrap_or("public");
        moves.push((at.clone(), format!("SET SCHEMA {}", ident(schema))));
        at.schema.clone_from(&to.schema);
    }
    if at.name != to.name {
        moves.push((at, format!("RENAME TO {}", ident(&to.name))));
    }
    moves
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

/// `CREATE FUNCTION …` as `CREATE OR REPLACE FUNCTION …`, also where it says so already.
fn replacing(sql: &str) -> String {
    let rest = sql.get("create".len()..).unwrap_or_default().trim_start();
    let says_so = rest.get(.."or ".len()).is_some_and(|word| word.eq_ignore_ascii_case("or "));
    if says_so { sql.to_owned() } else { format!("CREATE OR REPLACE {rest}") }
}

/// The statement that drops an object that is carried as text.
fn drop_native(native: &Native) -> Option<String> {
    let kind = native.kind.to_uppercase();
    // A name with arguments or a schema is SQL already.
    let name = if native.name.contains(['(', '"', '.']) { native.name.clone() } else { ident(&native.name) };
    match (kind.as_str(), &native.table) {
        // Another one of this name may be there, or come with the server.
        ("FUNCTION" | "PROCEDURE", _) if !native.name.contains('(') => {
            Some(format!("DROP {kind} {name}{}", arguments(&native.sql)))
        }
        ("TRIGGER" | "POLICY" | "RULE", Some(table)) => {
            Some(format!("DROP {kind} {} ON {}", ident(&native.name), object(table)))
        }
        ("INDEX" | "STATISTICS", Some(table)) => {
            Some(format!("DROP {kind} {}", object(&table.sibling(native.name.clone()))))
        }
        (
            "FUNCTION" | "PROCEDURE" | "AGGREGATE" | "EXTENSION" | "SCHEMA" | "DOMAIN" | "TYPE" | "COLLATION"
            | "SEQUENCE" | "FOREIGN TABLE" | "SERVER" | "PUBLICATION" | "OPERATOR" | "EVENT TRIGGER" | "STATISTICS"
            | "TABLE" | "VIEW" | "INDEX" | "MATERIALIZED VIEW",
            _,
        ) => Some(format!("DROP {kind} {name}")),
        _ => None,
    }
}

/// The arguments of a routine as its statement declares them, without their defaults: `(x integer, OUT y text)`.
fn arguments(sql: &str) -> String {
    let (mut depth, mut in_default, mut declared) = (0_usize, false, Vec::new());
    for token in tokens(Lexer::Postgres, sql).unwrap_or_default().into_iter().skip_while(|token| token.text != "(") {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        let begins = token.text.eq_ignore_ascii_case("default") || token.text == "=" || token.text == ":=";
        in_default = depth > 0 && ((in_default && !(depth == 1 && token.text == ",")) || (depth == 1 && begins));
        if !in_default {
            declared.push(token.text);
        }
        if depth == 0 {
            break;
        }
    }
    declared.join(" ")
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
