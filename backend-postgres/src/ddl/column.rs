//! Columns of tables that have rows.

use whimbrel_core::Problem;
use whimbrel_core::split::Lexer;
use whimbrel_schema::expr::Node;
use whimbrel_schema::model::{Column, Deferrable, Identity, Index, IndexTarget, ObjectName, SequenceOptions, Table};
use whimbrel_schema::{Change, Expr, fill_flag};

use super::conversion::{Conversion, conversion};
use super::names::object_name;
use super::script::{Writer, is_created};
use super::step::{Lock, Step, Work};
use super::words::{ident, literal, object};
use super::{online, render, types};

/// Whether an index has to do with a column.
pub(super) fn index_mentions(index: &Index, column: &str) -> bool {
    let in_key = index.keys.iter().any(|key| match &key.on {
        IndexTarget::Column(name) => name == column,
        IndexTarget::Expr(expr) => expr.columns().contains(column),
    });
    in_key || index.include.iter().any(|name| name == column) || depends(index, column)
}

/// Whether an index's text names a column beyond its plain keys, so that it does not survive a change of its type.
pub(super) fn depends(index: &Index, column: &str) -> bool {
    let in_predicate = index.predicate.as_ref().is_some_and(|expr| expr.columns().contains(column));
    in_predicate
        || index.keys.iter().any(|key| matches!(&key.on, IndexTarget::Expr(expr) if expr.columns().contains(column)))
}

fn problem(writer: &mut Writer<'_>, table: &ObjectName, column: &str, message: String, hint: &str) {
    writer.problems.push(Problem::new(format!("table {table}, column {column}"), message, hint));
}

/// The expression that gives values to a column, with the renames that come before it in the script.
pub(super) fn fill(writer: &Writer<'_>, table: &ObjectName, column: &str) -> Option<String> {
    let text = writer.request.fills.get(&(table.clone(), column.to_owned()))?;
    let renames = writer.request.changes.iter().filter_map(|change| match change {
        Change::RenameColumn { table: of, from, to } if of == table => Some((from, to)),
        _ => None,
    });
    let read = Expr::parse(text, Lexer::Postgres);
    // One after the other: a name may be given by one rename and taken by the next.
    let now =
        renames.fold(
            read.clone(),
            |expr, (from, to)| {
                if expr.columns().contains(from) { expr.rename_column(from, to) } else { expr }
            },
        );
    Some(if now == read { text.trim().to_owned() } else { now.as_str().to_owned() })
}

/// Whether a default must be computed for every row, so that adding a column with it writes the table anew.
fn is_volatile(default: &Expr) -> bool {
    const STABLE: [&str; 10] = [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_setting",
        "lower",
        "upper",
        "md5",
        "jsonb_build_object",
        "jsonb_build_array",
        "to_timestamp",
    ];
    let Some(node) = default.node() else { return true };
    let mut volatile = false;
    node.visit(&mut |node| {
        if let Node::Call { name, .. } = node {
            volatile |= name.schema.is_some() || !STABLE.contains(&name.name.as_str());
        }
    });
    volatile
}

pub(super) fn add(writer: &mut Writer<'_>, table: &ObjectName, column: &Column) {
    let fresh = writer.state.is_fresh(table);
    let computed = column.generated.is_some() || column.identity.is_some();
    let volatile = column.default.as_ref().is_some_and(is_volatile);
    match fill(writer, table, &column.name).filter(|_| !fresh && !computed) {
        Some(value) => add_filled(writer, table, column, &value),
        None if !column.fills_itself() && !fresh => {
            let message = format!("it refuses NULL and has no default, and {table} may have rows");
            problem(
                writer,
                table,
                &column.name,
                message,
                &format!("give it a default, or say what the rows get: {}", fill_flag(table, &column.name)),
            );
        }
        None if volatile && writer.is_online(table) => {
            let value = column.default.as_ref().map(Expr::as_str).unwrap_or_default().to_owned();
            add_filled(writer, table, column, &value);
        }
        None => {
            let stored = column.generated.as_ref().is_some_and(|generated| generated.stored);
            let work = if volatile || stored || column.identity.is_some() { Work::Rewrite } else { Work::Catalog };
            let lock = if fresh { Lock::None } else { Lock::AccessExclusive };
            writer.push(Step::action(table, lock, work, format!("ADD COLUMN {}", render::column(column))));
        }
    }
    let on = format!("COLUMN {}.{}", object(table), ident(&column.name));
    writer.comment_on(&on, column.comment.as_deref());
}

/// Adds a column empty, gives its rows their values, and only then asks for what is asked of them.
fn add_filled(writer: &mut Writer<'_>, table: &ObjectName, column: &Column, value: &str) {
    let name = ident(&column.name);
    let bare = Column { not_null: false, default: None, ..column.clone() };
    writer.push(Step::action(
        table,
        Lock::AccessExclusive,
        Work::Catalog,
        format!("ADD COLUMN {}", render::column(&bare)),
    ));
    if let Some(default) = &column.default {
        let text = format!("ALTER COLUMN {name} SET DEFAULT {}", render::default(default));
        writer.push(Step::action(table, Lock::AccessExclusive, Work::Catalog, text));
    }
    if writer.is_online(table) {
        writer.cut();
    }
    let only_empty = if writer.request.online { format!(" WHERE {name} IS NULL") } else { String::new() };
    update(writer, table, &format!("UPDATE {} SET {name} = {value}{only_empty}", object(table)));
    if column.not_null {
        online::set_not_null(writer, table, &column.name);
    }
}

/// Changes rows. What is checked at the commit is checked at once, or the table could not be altered afterwards.
fn update(writer: &mut Writer<'_>, table: &ObjectName, sql: &str) {
    writer.push(Step::statement(Lock::RowExclusive, Work::Write, sql).locking(table));
    let deferred = |table: &Table| {
        table.foreign_keys.iter().any(|key| key.deferrable == Deferrable::Deferred)
            || table.uniques.iter().any(|unique| unique.deferrable == Deferrable::Deferred)
    };
    let triggers =
        writer.request.before.natives.iter().any(|native| native.kind == "trigger" && native.sql.contains("DEFERRED"));
    if triggers || writer.state.schema.tables.iter().any(deferred) {
        writer.push(Step::free("SET CONSTRAINTS ALL IMMEDIATE"));
        writer.push(Step::free("SET CONSTRAINTS ALL DEFERRED"));
    }
}

pub(super) fn alter(writer: &mut Writer<'_>, at: usize, table: &ObjectName, before: &Column, after: &Column) {
    alter_one(writer, table, before, after);
    let more = |change: &Change| matches!(change, Change::AlterColumn { table: of, .. } if of == table);
    if !writer.request.changes.iter().skip(at + 1).any(more) {
        give_back_computed(writer, table);
    }
}

/// Takes away the computed columns that read a column which changes: the server would refuse the change.
fn take_away_computed(writer: &mut Writer<'_>, table: &ObjectName, base: &str) {
    let reads = |column: &&Column| column.generated.as_ref().is_some_and(|it| it.expr.columns().contains(base));
    let columns = writer.state.schema.table(table).map(|it| it.columns.as_slice()).unwrap_or_default();
    let names: Vec<String> = columns.iter().filter(reads).map(|column| column.name.clone()).collect();
    for name in names {
        if writer.computed.insert((table.clone(), name.clone())) {
            push(writer, table, Work::Catalog, format!("DROP COLUMN {}", ident(&name)));
        }
    }
}

/// Makes those again that stay.
fn give_back_computed(writer: &mut Writer<'_>, table: &ObjectName) {
    let Some(target) = writer.request.after.table(table) else { return };
    let (own, others) = std::mem::take(&mut writer.computed).into_iter().partition(|(of, _)| of == table);
    writer.computed = others;
    let own: std::collections::BTreeSet<(ObjectName, String)> = own;
    for (_, name) in own {
        match target.column(&name) {
            Some(column) => add_computed(writer, table, column),
            None => drop(writer.dropped.insert((table.clone(), name))),
        }
    }
}

fn alter_one(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column) {
    match (&before.generated, &after.generated) {
        (None, None) => {}
        (Some(was), None) if was.stored && before.ty == after.ty => {
            push(writer, table, Work::Catalog, format!("ALTER COLUMN {} DROP EXPRESSION", ident(&after.name)));
        }
        (Some(was), Some(is)) if was == is && before.ty == after.ty && before.collation == after.collation => {}
        (was, is) => {
            if was.is_none() || is.is_none() {
                writer.loss(format!("column {table}.{}", after.name), "all its values");
            }
            return replace(writer, table, after);
        }
    }
    let retyped = before.ty != after.ty || before.collation != after.collation;
    let left = before.identity.is_some() && after.identity.is_none();
    if left {
        // Only integers can be numbered, and in one statement the type would change first.
        let text = format!("ALTER COLUMN {} DROP IDENTITY", ident(&after.name));
        let lock = if writer.state.is_fresh(table) { Lock::None } else { Lock::AccessExclusive };
        writer.push(Step::lone_action(table, lock, text));
    }
    if retyped && !retype(writer, table, before, after) {
        return;
    }
    if before.identity != after.identity && !left {
        identity(writer, table, before, after);
    }
    if before.default != after.default || (retyped && after.default.is_some()) {
        set_default(writer, table, before, after, retyped);
    }
    nullability(writer, table, before, after, retyped);
    if before.comment != after.comment {
        let on = format!("COLUMN {}.{}", object(table), ident(&after.name));
        writer.push(
            Step::statement(Lock::ShareUpdateExclusive, Work::Catalog, render::comment(&on, after.comment.as_deref()))
                .locking(table),
        );
    }
}

fn push(writer: &mut Writer<'_>, table: &ObjectName, work: Work, text: String) {
    let lock = if writer.state.is_fresh(table) { Lock::None } else { Lock::AccessExclusive };
    writer.push(Step::action(table, lock, work, text));
}

/// Drops a computed column and makes it anew, with everything that was on it.
fn replace(writer: &mut Writer<'_>, table: &ObjectName, after: &Column) {
    take_away_computed(writer, table, &after.name);
    // It may have gone with what it reads.
    if !writer.computed.remove(&(table.clone(), after.name.clone())) {
        push(writer, table, Work::Catalog, format!("DROP COLUMN {}", ident(&after.name)));
    }
    add_computed(writer, table, after);
}

fn add_computed(writer: &mut Writer<'_>, table: &ObjectName, after: &Column) {
    let work =
        if after.generated.as_ref().is_some_and(|generated| generated.stored) { Work::Rewrite } else { Work::Catalog };
    push(writer, table, work, format!("ADD COLUMN {}", render::column(after)));
    let on = format!("COLUMN {}.{}", object(table), ident(&after.name));
    writer.comment_on(&on, after.comment.as_deref());
    if let Some(target) = writer.request.after.table(table).cloned() {
        restore(writer, &target, &after.name);
    }
}

/// Makes again what went with a column, but for what the script makes by itself later.
pub(super) fn restore(writer: &mut Writer<'_>, target: &Table, column: &str) {
    let table = &target.name;
    let has = |columns: &[String]| columns.iter().any(|name| name == column);
    let later = |named: Option<&str>| {
        writer.request.changes.iter().any(|change| match change {
            Change::AddUnique { table: of, unique } => of == table && unique.name.as_deref() == named,
            Change::AddCheck { table: of, check } => of == table && check.name.as_deref() == named,
            Change::AddForeignKey { table: of, key } => of == table && key.name.as_deref() == named,
            Change::AddPrimaryKey { table: of, key } => of == table && key.name.as_deref() == named,
            _ => false,
        })
    };
    let keys = target
        .primary_key
        .iter()
        .filter(|key| has(&key.columns) && !later(key.name.as_deref()))
        .map(render::primary_key);
    let uniques = target.uniques.iter().filter(|of| has(&of.columns) && !later(of.name.as_deref())).map(render::unique);
    let checks = target
        .checks
        .iter()
        .filter(|of| of.expr.columns().contains(column) && !later(of.name.as_deref()))
        .map(render::check);
    let foreign =
        target.foreign_keys.iter().filter(|of| has(&of.columns) && !later(of.name.as_deref())).map(render::foreign_key);
    let texts: Vec<String> = keys.chain(uniques).chain(checks).chain(foreign).collect();
    for text in texts {
        push(writer, table, Work::Scan, format!("ADD {text}"));
    }
    for index in &target.indexes {
        if index_mentions(index, column) && !is_created(writer.request.changes, table, index) {
            writer.push(Step::statement(Lock::Share, Work::Build, render::index(table, index, false)).locking(table));
        }
    }
}

/// Gives a column another type; false where that is refused.
fn retype(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column) -> bool {
    let name = ident(&after.name);
    let told =
        fill(writer, table, &after.name).map(|value| Conversion::Lossless { cast: Some(value), work: Work::Rewrite });
    let is_told = told.is_some();
    let (cast, work) = match told.unwrap_or_else(|| conversion(&before.ty, &after.ty)) {
        Conversion::Lossless { cast, work } => (cast, work),
        Conversion::Doubtful { .. } if writer.state.is_fresh(table) => {
            (Some(format!("::{}", types::sql(&after.ty))), Work::Catalog)
        }
        Conversion::Doubtful { why } => {
            let message =
                format!("{} cannot become {} for every value: {why}", types::sql(&before.ty), types::sql(&after.ty));
            problem(
                writer,
                table,
                &after.name,
                message,
                &format!("say how they are converted: {}", fill_flag(table, &after.name)),
            );
            return false;
        }
    };
    take_away_computed(writer, table, &after.name);
    if before.default.is_some() {
        push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    let using = match cast {
        Some(value) if is_told => format!(" USING ({value})"),
        Some(cast) => format!(" USING {name}{cast}"),
        None => String::new(),
    };
    let collation = after.collation.as_ref().map(|collation| format!(" COLLATE {collation}")).unwrap_or_default();
    push(writer, table, work, format!("ALTER COLUMN {name} TYPE {}{collation}{using}", types::sql(&after.ty)));
    true
}

fn set_default(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column, retyped: bool) {
    let name = ident(&after.name);
    match &after.default {
        Some(default) => {
            push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} SET DEFAULT {}", render::default(default)));
            if let Some(sequence) = new_sequence(writer, table, &after.name) {
                behind(writer, table, &after.name, &literal(&object(&sequence)), &SequenceOptions::default());
            }
        }
        // With a new type or an identity it went before that.
        None if !retyped && after.identity.is_none() && before.default.is_some() => {
            push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} DROP DEFAULT"));
        }
        None => {}
    }
}

/// A sequence that this script makes for a column that has rows.
fn new_sequence(writer: &Writer<'_>, table: &ObjectName, column: &str) -> Option<ObjectName> {
    let had = writer.request.before.sequences.iter();
    let made = writer.request.changes.iter().find_map(|change| match change {
        Change::CreateSequence(sequence) if sequence.owned_by == Some((table.clone(), column.to_owned())) => {
            Some(&sequence.name)
        }
        _ => None,
    })?;
    let renamed = had.filter(|old| writer.settled.contains(&old.name)).count() > 0;
    (!renamed).then(|| made.clone())
}

/// Sets a sequence behind the numbers that are there.
fn behind(writer: &mut Writer<'_>, table: &ObjectName, column: &str, sequence: &str, options: &SequenceOptions) {
    let (name, of) = (ident(column), object(table));
    let (last, beyond) = if options.increment.is_some_and(|step| step < 0) {
        (format!("min({name})"), format!("<= {}", options.start.or(options.max).unwrap_or(-1)))
    } else {
        (format!("max({name})"), format!(">= {}", options.start.or(options.min).unwrap_or(1)))
    };
    let sql = format!("SELECT pg_catalog.setval({sequence}, {last}) FROM {of} HAVING {last} {beyond}");
    writer.push(Step::free(sql).noted("The numbers that are there are not given again."));
}

fn identity(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column) {
    let name = ident(&after.name);
    match (&before.identity, &after.identity) {
        (_, None) => {}
        (None, Some(numbered)) => add_identity(writer, table, before, after, numbered),
        (Some(was), Some(is)) => {
            let mut said = vec![format!("SET GENERATED {}", render::always(is))];
            if was.options != is.options {
                said.extend(counting_again(&is.options).into_iter().map(|option| format!("SET {option}")));
            }
            push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} {}", said.join(" ")));
        }
    }
}

fn add_identity(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column, numbered: &Identity) {
    let name = ident(&after.name);
    if before.default.is_some() && before.ty == after.ty {
        push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    // The sequence of a serial column makes room for the identity's, whose name is the same.
    let owner = Some((table.clone(), after.name.clone()));
    let old =
        writer.state.schema.sequences.iter().find(|sequence| sequence.owned_by == owner).map(|old| old.name.clone());
    let goes = |old: &ObjectName| {
        writer.request.changes.iter().any(|change| matches!(change, Change::DropSequence(gone) if gone.name == *old))
    };
    if let Some(old) = old.filter(|old| goes(old)) {
        writer.push(Step::free(format!("DROP SEQUENCE {}", object(&old))));
        writer.settled.insert(old);
    }
    if !before.not_null {
        push(writer, table, Work::Scan, format!("ALTER COLUMN {name} SET NOT NULL"));
    }
    push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} ADD {}", render::identity(numbered)));
    if !writer.state.is_fresh(table) {
        let sequence =
            format!("pg_catalog.pg_get_serial_sequence({}, {})", literal(&object(table)), literal(&after.name));
        behind(writer, table, &after.name, &sequence, &numbered.options);
    }
}

/// Everything that can be said of a sequence, so that nothing of what was said before stays.
pub(super) fn counting_again(options: &SequenceOptions) -> Vec<String> {
    let down = options.increment.is_some_and(|step| step < 0);
    let start = options.start.unwrap_or(if down { options.max.unwrap_or(-1) } else { options.min.unwrap_or(1) });
    let limit =
        |word: &str, value: Option<i64>| value.map_or_else(|| format!("NO {word}"), |value| format!("{word} {value}"));
    vec![
        format!("INCREMENT BY {}", options.increment.unwrap_or(1)),
        limit("MINVALUE", options.min),
        limit("MAXVALUE", options.max),
        format!("START WITH {start}"),
        format!("CACHE {}", options.cache.unwrap_or(1)),
        if options.cycle { "CYCLE" } else { "NO CYCLE" }.to_owned(),
    ]
}

fn nullability(writer: &mut Writer<'_>, table: &ObjectName, before: &Column, after: &Column, retyped: bool) {
    let name = ident(&after.name);
    if before.not_null && !after.not_null {
        push(writer, table, Work::Catalog, format!("ALTER COLUMN {name} DROP NOT NULL"));
    }
    // Adding an identity asked for it already.
    let asked = after.identity.is_some() && before.identity.is_none();
    if before.not_null || !after.not_null || asked {
        return;
    }
    let given =
        fill(writer, table, &after.name).or_else(|| after.default.as_ref().map(|value| value.as_str().to_owned()));
    match given {
        _ if writer.state.is_fresh(table) => {}
        // The conversion gave every row its value.
        Some(_) if retyped && fill(writer, table, &after.name).is_some() => {}
        Some(value) => {
            if writer.is_online(table) {
                writer.cut();
            }
            update(writer, table, &format!("UPDATE {} SET {name} = {value} WHERE {name} IS NULL", object(table)));
        }
        None => {
            let message = "it refuses NULL from now on, and rows may hold it".to_owned();
            problem(
                writer,
                table,
                &after.name,
                message,
                &format!("give it a default, or say what such rows get: {}", fill_flag(table, &after.name)),
            );
            return;
        }
    }
    online::set_not_null(writer, table, &after.name);
}

/// Renames the sequence of an identity column or of nothing, where it still has the name that the server gave it.
pub(super) fn rename_sequence(
    writer: &mut Writer<'_>,
    table: &ObjectName,
    column: &str,
    to_table: &ObjectName,
    to_column: &str,
) {
    let numbered =
        writer.state.schema.table(table).and_then(|of| of.column(column)).is_some_and(|of| of.identity.is_some());
    let (old, new) = (object_name(&table.name, column, "seq"), object_name(&to_table.name, to_column, "seq"));
    if numbered && old != new {
        let sequence = to_table.sibling(old);
        writer.push(Step::free(format!("ALTER SEQUENCE IF EXISTS {} RENAME TO {}", object(&sequence), ident(&new))));
    }
}
