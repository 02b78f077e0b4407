//! `CREATE TABLE` as SQLite keeps it, taken apart.

use super::reader::{Reader, Reading, Unclear};
use whimbrel_core::quote_identifier;
use whimbrel_core::split::LexemeKind;
use whimbrel_schema::model::{Action, Deferrable};

/// A table as its statement has it; names as they are written, expressions as text.
#[derive(Debug, Default)]
pub(super) struct TableText<'a> {
    pub(super) name: String,
    pub(super) columns: Vec<ColumnText<'a>>,
    pub(super) constraints: Vec<Constraint<'a>>,
    pub(super) strict: bool,
    pub(super) without_rowid: bool,
    pub(super) random_rowid: bool,
    /// Names that SQLite takes and that mean nothing: of a default, of a collation.
    pub(super) idle_names: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct ColumnText<'a> {
    pub(super) name: String,
    pub(super) ty: String,
    pub(super) collation: Option<String>,
    pub(super) default: Option<&'a str>,
    pub(super) generated: Option<(&'a str, bool)>,
    pub(super) not_null: Option<NotNull>,
}

/// `CONSTRAINT name NOT NULL ON CONFLICT conflict`
#[derive(Debug, Default)]
pub(super) struct NotNull {
    pub(super) name: Option<String>,
    pub(super) conflict: Option<String>,
}

/// A constraint, wherever it stands.
#[derive(Debug)]
pub(super) struct Constraint<'a> {
    pub(super) name: Option<String>,
    /// The column that it stands at.
    pub(super) at_column: Option<String>,
    pub(super) kind: ConstraintKind<'a>,
}

#[derive(Debug)]
pub(super) enum ConstraintKind<'a> {
    Primary { key: Vec<KeyPart>, conflict: Option<String>, autoincrement: bool },
    Unique { key: Vec<KeyPart>, conflict: Option<String> },
    Check(&'a str),
    Foreign(Reference),
}

#[derive(Debug, Clone)]
pub(super) struct KeyPart {
    pub(super) name: String,
    pub(super) collation: Option<String>,
    pub(super) descending: bool,
}

#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) columns: Vec<String>,
    pub(super) parent: String,
    /// Empty: the primary key.
    pub(super) parent_columns: Vec<String>,
    pub(super) on_delete: Action,
    pub(super) on_update: Action,
    pub(super) matches: Option<String>,
    pub(super) deferrable: Deferrable,
}

const COLUMN_WORDS: [&str; 12] = [
    "constraint",
    "primary",
    "not",
    "null",
    "unique",
    "check",
    "default",
    "collate",
    "references",
    "as",
    "deferrable",
    "generated",
];

/// Takes a `CREATE TABLE` apart.
pub(super) fn table(sql: &str) -> Reading<TableText<'_>> {
    let mut reader = Reader::new(sql)?;
    reader.expect(&["create"])?;
    let _ = reader.eat(&["temp"]) || reader.eat(&["temporary"]);
    reader.expect(&["table"])?;
    reader.eat(&["if", "not", "exists"]);
    let mut table = TableText { name: reader.last_name()?, ..TableText::default() };
    reader.expect_mark("(")?;
    while !reader.eat_mark(")") {
        // SQLite takes table constraints without commas between them.
        reader.eat_mark(",");
        if is_table_constraint(&reader) {
            table_constraint(&mut reader, &mut table)?;
        } else {
            column(&mut reader, &mut table)?;
        }
    }
    options(&mut reader, &mut table)?;
    Ok(table)
}

fn is_table_constraint(reader: &Reader<'_>) -> bool {
    reader.is_one_of(0, &["constraint", "primary", "unique", "check", "foreign"])
}

fn options(reader: &mut Reader<'_>, table: &mut TableText<'_>) -> Reading<()> {
    while !reader.ended() {
        reader.eat_mark(",");
        if reader.eat(&["without", "rowid"]) {
            table.without_rowid = true;
        } else if reader.eat(&["random", "rowid"]) {
            table.random_rowid = true;
        } else if reader.eat(&["strict"]) {
            table.strict = true;
        } else if !reader.eat_mark(";") {
            return Err(Unclear);
        }
    }
    Ok(())
}

fn column<'a>(reader: &mut Reader<'a>, table: &mut TableText<'a>) -> Reading<()> {
    let mut column = ColumnText { name: reader.name()?, ..ColumnText::default() };
    column.ty = type_name(reader)?;
    while !reader.is_mark(0, ",") && !reader.is_mark(0, ")") {
        column_constraint(reader, &mut column, table)?;
    }
    table.columns.push(column);
    Ok(())
}

/// The words of a type in lower case, and its parameters: `numeric(12, 6)`.
fn type_name(reader: &mut Reader<'_>) -> Reading<String> {
    let mut words: Vec<String> = Vec::new();
    while let Some(token) = reader.peek(0) {
        let is_name = matches!(token.kind, LexemeKind::Word | LexemeKind::Quoted | LexemeKind::Text);
        let ends =
            reader.is_one_of(0, &COLUMN_WORDS) && (!reader.is_word(0, "generated") || reader.is_word(1, "always"));
        if !is_name || ends {
            break;
        }
        let word = reader.name()?.to_ascii_lowercase();
        let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80);
        words.push(if plain && !word.is_empty() { word } else { quote_identifier(&word) });
    }
    let name = words.join(" ");
    if words.is_empty() || !reader.is_mark(0, "(") {
        return Ok(name);
    }
    let parameters: Vec<String> =
        reader.parenthesised()?.split(',').map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    Ok(format!("{name}({})", parameters.join(", ").to_ascii_lowercase()))
}

fn constraint_name(reader: &mut Reader<'_>) -> Reading<Option<String>> {
    if reader.eat(&["constraint"]) { reader.name().map(Some) } else { Ok(None) }
}

fn column_constraint<'a>(
    reader: &mut Reader<'a>,
    column: &mut ColumnText<'a>,
    table: &mut TableText<'a>,
) -> Reading<()> {
    let name = constraint_name(reader)?;
    if reader.eat(&["not", "null"]) {
        column.not_null = Some(NotNull { name, conflict: conflict(reader)? });
        return Ok(());
    }
    let key = || vec![KeyPart { name: column.name.clone(), collation: None, descending: false }];
    let kind = if reader.eat(&["primary", "key"]) {
        let mut key = key();
        key.iter_mut().for_each(|part| part.descending = direction(reader));
        let conflict = conflict(reader)?;
        ConstraintKind::Primary { key, conflict, autoincrement: reader.eat(&["autoincrement"]) }
    } else if reader.eat(&["unique"]) {
        ConstraintKind::Unique { key: key(), conflict: conflict(reader)? }
    } else if reader.eat(&["check"]) {
        let expr = reader.parenthesised()?;
        conflict(reader)?;
        ConstraintKind::Check(expr)
    } else if reader.eat(&["references"]) {
        ConstraintKind::Foreign(reference(reader, vec![column.name.clone()])?)
    } else {
        table.idle_names.extend(name.map(|name| format!("{name} at column {}", column.name)));
        return column_clause(reader, column, table);
    };
    table.constraints.push(Constraint { name, at_column: Some(column.name.clone()), kind });
    Ok(())
}

fn column_clause<'a>(reader: &mut Reader<'a>, column: &mut ColumnText<'a>, table: &mut TableText<'a>) -> Reading<()> {
    if reader.eat(&["null"]) {
        conflict(reader)?;
    } else if reader.eat(&["default"]) {
        column.default = Some(default(reader)?);
    } else if reader.eat(&["collate"]) {
        column.collation = Some(reader.name()?);
    } else if reader.eat(&["generated", "always", "as"]) || reader.eat(&["as"]) {
        let expr = reader.parenthesised()?;
        let stored = reader.eat(&["stored"]);
        if !stored {
            reader.eat(&["virtual"]);
        }
        column.generated = Some((expr, stored));
    } else if reader.is_word(0, "deferrable") || reader.is_word(0, "not") {
        let deferrable = deferrable(reader)?;
        if let Some(Constraint { kind: ConstraintKind::Foreign(reference), .. }) = table.constraints.last_mut() {
            reference.deferrable = deferrable;
        }
    } else if !reader.is_word(0, "constraint") && !reader.is_mark(0, ",") && !reader.is_mark(0, ")") {
        return Err(Unclear);
    }
    Ok(())
}

/// A literal with its sign, a word, or an expression with its parentheses.
fn default<'a>(reader: &mut Reader<'a>) -> Reading<&'a str> {
    if reader.is_mark(0, "(") {
        return reader.parenthesised();
    }
    reader.literal()
}

fn table_constraint<'a>(reader: &mut Reader<'a>, table: &mut TableText<'a>) -> Reading<()> {
    let name = constraint_name(reader)?;
    let kind = if reader.eat(&["primary", "key"]) {
        let (key, autoincrement) = key(reader)?;
        ConstraintKind::Primary { key, conflict: conflict(reader)?, autoincrement }
    } else if reader.eat(&["unique"]) {
        let (key, _) = key(reader)?;
        ConstraintKind::Unique { key, conflict: conflict(reader)? }
    } else if reader.eat(&["check"]) {
        let expr = reader.parenthesised()?;
        conflict(reader)?;
        ConstraintKind::Check(expr)
    } else if reader.eat(&["foreign", "key"]) {
        let columns = names(reader)?;
        reader.expect(&["references"])?;
        let mut reference = reference(reader, columns)?;
        if reader.is_word(0, "deferrable") || reader.is_word(0, "not") {
            reference.deferrable = deferrable(reader)?;
        }
        ConstraintKind::Foreign(reference)
    } else if name.is_some() && (is_table_constraint(reader) || reader.is_mark(0, ",") || reader.is_mark(0, ")")) {
        table.idle_names.extend(name);
        return Ok(());
    } else {
        return Err(Unclear);
    };
    table.constraints.push(Constraint { name, at_column: None, kind });
    Ok(())
}

/// `(a COLLATE nocase DESC, b)`, and whether it says `AUTOINCREMENT`.
fn key(reader: &mut Reader<'_>) -> Reading<(Vec<KeyPart>, bool)> {
    reader.expect_mark("(")?;
    let mut parts = Vec::new();
    loop {
        let name = reader.name()?;
        let collation = if reader.eat(&["collate"]) { Some(reader.name()?) } else { None };
        parts.push(KeyPart { name, collation, descending: direction(reader) });
        let autoincrement = reader.eat(&["autoincrement"]);
        if reader.eat_mark(")") {
            return Ok((parts, autoincrement));
        }
        reader.expect_mark(",")?;
    }
}

fn direction(reader: &mut Reader<'_>) -> bool {
    let descending = reader.eat(&["desc"]);
    if !descending {
        reader.eat(&["asc"]);
    }
    descending
}

/// `(a, b)`
pub(super) fn names(reader: &mut Reader<'_>) -> Reading<Vec<String>> {
    reader.expect_mark("(")?;
    let mut names = vec![reader.name()?];
    while reader.eat_mark(",") {
        names.push(reader.name()?);
    }
    reader.expect_mark(")")?;
    Ok(names)
}

/// `ON CONFLICT REPLACE`; `ABORT` is what holds without it.
fn conflict(reader: &mut Reader<'_>) -> Reading<Option<String>> {
    if !reader.eat(&["on", "conflict"]) {
        return Ok(None);
    }
    let word = reader.next()?.text.to_ascii_uppercase();
    Ok(Some(word).filter(|word| word != "ABORT"))
}

fn reference(reader: &mut Reader<'_>, columns: Vec<String>) -> Reading<Reference> {
    let mut reference = Reference { columns, parent: reader.name()?, ..Reference::default() };
    if reader.is_mark(0, "(") {
        reference.parent_columns = names(reader)?;
    }
    loop {
        if reader.eat(&["on", "delete"]) {
            reference.on_delete = action(reader)?;
        } else if reader.eat(&["on", "update"]) {
            reference.on_update = action(reader)?;
        } else if reader.eat(&["on", "insert"]) {
            action(reader)?;
        } else if reader.eat(&["match"]) {
            reference.matches = Some(reader.name()?.to_ascii_lowercase());
        } else {
            return Ok(reference);
        }
    }
}

fn action(reader: &mut Reader<'_>) -> Reading<Action> {
    let actions: [(&[&str], Action); 5] = [
        (&["set", "null"], Action::SetNull),
        (&["set", "default"], Action::SetDefault),
        (&["cascade"], Action::Cascade),
        (&["restrict"], Action::Restrict),
        (&["no", "action"], Action::NoAction),
    ];
    actions.into_iter().find(|(words, _)| reader.eat(words)).map(|(_, action)| action).ok_or(Unclear)
}

fn deferrable(reader: &mut Reader<'_>) -> Reading<Deferrable> {
    let not = reader.eat(&["not"]);
    reader.expect(&["deferrable"])?;
    let deferred = reader.eat(&["initially", "deferred"]);
    if !deferred {
        reader.eat(&["initially", "immediate"]);
    }
    Ok(match (not, deferred) {
        (true, _) => Deferrable::No,
        (false, true) => Deferrable::Deferred,
        (false, false) => Deferrable::Immediate,
    })
}
