//! Statements.

use squawk_syntax::ast::{self, AstNode};
use whimbrel_core::split::{LexemeKind, Lexer, tokens};

use super::annotation::Annotations;
use super::node::{name, object_name, start, text};
use super::{Parsed, Piece, Reader, sequence};
use crate::dialect::{Rename, RenamedObject};
use crate::model::{EnumType, Native, ObjectName, Sequence, SequenceOptions, View};

const PORTABLE: &str = "portable are CREATE TABLE, INDEX, VIEW and TYPE … AS ENUM, ALTER TABLE … ADD, and COMMENT ON; put what one dialect has behind `-- @only NAME`";

impl Reader<'_> {
    pub(super) fn statement(&mut self, mut piece: Piece<'_>) {
        if piece.annotations.only.as_deref() == Some("sqlite") {
            return self.of_sqlite(&piece);
        }
        let only = piece.annotations.only.is_some();
        let words = piece.statement.words.clone();
        let is_known = ["table", "index", "view", "type", "on"].iter().any(|word| words.iter().any(|it| it == *word));
        let is_ddl = matches!(words.get(0), Some("create" | "alter" | "comment")) && is_known;
        if only && matches!((words.get(0), words.get(1)), (Some("create"), Some("sequence"))) {
            return self.sequence(&piece);
        }
        if only && !is_ddl {
            return self.carried(&piece);
        }
        let Parsed { tree, errors } = piece.parsed.take().unwrap_or_else(|| Parsed::of(piece.statement.text));
        let Some(statement) = tree.tree().stmts().next().filter(|_| errors.is_empty()) else {
            if only {
                return self.carried(&piece);
            }
            for error in errors.iter().take(1) {
                let at = piece.start + usize::from(error.range().start());
                self.problem(at, format!("syntax error: {}", error.message()), PORTABLE);
            }
            return;
        };
        self.parsed(&piece, statement, only);
    }

    fn parsed(&mut self, piece: &Piece<'_>, statement: ast::Stmt, only: bool) {
        match statement {
            ast::Stmt::CreateTable(create) if !only || self.is_plain_table(&create) => {
                self.create_table(piece, &create)
            }
            ast::Stmt::CreateIndex(create) => self.create_index(piece, &create),
            ast::Stmt::CreateType(create) if matches!(create.kind(), Some(ast::CreateTypeKind::EnumType(_))) => {
                self.create_enum(piece, &create);
            }
            ast::Stmt::CreateView(create) => self.create_view(piece, &create),
            ast::Stmt::CreateMaterializedView(create) if only => self.create_materialized_view(piece, &create),
            ast::Stmt::AlterTable(alter) => self.alter_table(piece, &alter),
            ast::Stmt::CommentOn(comment) => self.comment(piece, &comment),
            _ if only => self.carried(piece),
            _ => {
                let first: Vec<&str> = piece.statement.words.iter().take(2).collect();
                let first = first.join(" ").to_uppercase();
                self.problem(piece.start, format!("`{first}` is no portable statement"), PORTABLE);
            }
        }
    }

    /// SQLite's statements are not of Postgres' grammar, and are carried as they are.
    fn of_sqlite(&mut self, piece: &Piece<'_>) {
        self.carried(piece);
    }

    /// A statement that is carried as text. What it makes tells its kind and name.
    fn carried(&mut self, piece: &Piece<'_>) {
        let lexer = if piece.annotations.only.as_deref() == Some("sqlite") { Lexer::Sqlite } else { Lexer::Postgres };
        let Some(native) = native(lexer, piece.statement.text) else {
            let hint = "write a CREATE statement: a schema file says what is there, not how it comes about";
            return self.problem(piece.start, "this statement makes no object", hint);
        };
        self.native(&piece.annotations, native);
    }

    fn create_enum(&mut self, piece: &Piece<'_>, create: &ast::CreateType) {
        let Some(name) = create.type_name().and_then(|name| object_name(&text(&name))) else { return };
        let mut ty = EnumType { name: name.clone(), values: Vec::new(), comment: None };
        let body = create.syntax().clone();
        let mut end = 0;
        for variant in body.descendants().filter_map(ast::Variant::cast) {
            let at = start(&variant);
            let above = piece.statement.text.get(end..at).unwrap_or_default().to_owned();
            let above = above.trim_start_matches(|c| c != '\n' && c != '-').to_owned();
            let annotations = self.annotations(&above, piece.start + at - above.len());
            end = super::node::end(&variant);
            let value = literal(&text(&variant));
            if let Some(from) = annotations.renamed_from {
                self.document.renames.push(Rename {
                    object: RenamedObject::EnumValue(name.clone()),
                    from,
                    to: value.clone(),
                });
            }
            if ty.values.contains(&value) {
                self.problem(piece.start + at, format!("the value '{value}' stands twice"), "keep one of them");
            }
            ty.values.push(value);
        }
        if !self.is_first(piece, "type", &name.to_string(), "keep one of them") {
            return;
        }
        self.renamed(piece, RenamedObject::Enum, &name.to_string());
        self.schema(&piece.annotations).enums.push(ty);
    }

    fn create_view(&mut self, piece: &Piece<'_>, create: &ast::CreateView) {
        let (Some(view), Some(query)) = (create.view(), create.query()) else { return };
        let Some(name) = object_name(&text(&view)) else { return };
        let columns = create.column_list().map(|list| {
            list.syntax()
                .descendants()
                .filter_map(ast::ColumnName::cast)
                .map(|it| super::node::name(&text(&it)))
                .collect()
        });
        if create.recursive_token().is_some() || create.with_check_option().is_some() || create.persistence().is_some()
        {
            let hint = "take it out, or put the view behind `-- @only postgres`";
            self.problem(piece.start, "a view is portable without RECURSIVE, TEMPORARY and CHECK OPTION", hint);
        }
        let view = View {
            name,
            columns: columns.unwrap_or_default(),
            query: text(&query),
            materialized: false,
            options: create.with_params().map(|params| text(&params)),
            comment: None,
        };
        if !self.is_first(piece, "view", &view.name.to_string(), "keep one of them") {
            return;
        }
        self.places.push((view.name.clone(), piece.start..piece.start + piece.statement.text.len()));
        self.schema(&piece.annotations).views.push(view);
    }

    fn create_materialized_view(&mut self, piece: &Piece<'_>, create: &ast::CreateMaterializedView) {
        let (Some(view), Some(query)) = (create.view(), create.query()) else { return self.carried(piece) };
        let Some(name) = object_name(&text(&view)) else { return self.carried(piece) };
        let view = View {
            name,
            columns: Vec::new(),
            query: text(&query),
            materialized: true,
            options: create.with_params().map(|params| text(&params)),
            comment: None,
        };
        if self.is_first(piece, "view", &view.name.to_string(), "keep one of them") {
            self.schema(&piece.annotations).views.push(view);
        }
    }

    /// `CREATE SEQUENCE name AS integer START WITH 5 OWNED BY table.column`
    fn sequence(&mut self, piece: &Piece<'_>) {
        let lexemes = tokens(Lexer::Postgres, piece.statement.text).unwrap_or_default();
        let is = |at: usize, word: &str| lexemes.get(at).is_some_and(|it| it.text.eq_ignore_ascii_case(word));
        let mut at = if is(2, "if") { 5 } else { 2 };
        let named = |at: usize| -> Option<(ObjectName, usize)> {
            let parts = if is(at + 1, ".") { 3 } else { 1 };
            let (from, last) = (lexemes.get(at)?, lexemes.get(at + parts - 1)?);
            let text = piece.statement.text.get(from.start..last.start + last.text.len())?;
            Some((object_name(text)?, at + parts))
        };
        let Some((sequence_name, next)) = named(at) else { return self.carried(piece) };
        at = next;
        let mut sequence =
            Sequence { name: sequence_name, ty: None, options: SequenceOptions::default(), owned_by: None };
        while at < lexemes.len() {
            let Some(next) = sequence::option(&lexemes, at, &mut sequence) else {
                let place = piece.start + lexemes.get(at).map_or(0, |it| it.start);
                let message = format!("`{}` is no option of a sequence", lexemes.get(at).map_or("", |it| it.text));
                let hint = "they are AS, INCREMENT, MINVALUE, MAXVALUE, START, CACHE, CYCLE and OWNED BY";
                return self.problem(place, message, hint);
            };
            at = next;
        }
        if !self.is_first(piece, "sequence", &sequence.name.to_string(), "keep one of them") {
            return;
        }
        self.schema(&piece.annotations).sequences.push(sequence);
    }

    fn comment(&mut self, piece: &Piece<'_>, comment: &ast::CommentOn) {
        let value = comment.literal().map(|it| literal(&text(&it)));
        let lexemes = tokens(Lexer::Postgres, piece.statement.text).unwrap_or_default();
        let word = |at: usize| lexemes.get(at).map(|it| it.text.to_ascii_lowercase()).unwrap_or_default();
        let at = if word(2) == "materialized" { 3 } else { 2 };
        let kind = word(at);
        let from = lexemes.get(at + 1).map_or(0, |it| it.start);
        let to = lexemes.iter().rev().find(|it| it.text.eq_ignore_ascii_case("is")).map_or(from, |it| it.start);
        let named = piece.statement.text.get(from..to).unwrap_or_default().trim();
        let found = match kind.as_str() {
            "table" => self.comment_table(named, &value),
            "column" => self.comment_column(named, &value),
            "type" => self.comment_enum(named, &value),
            "view" => self.comment_view(named, &value),
            _ => {
                let hint = "comments are portable on tables, columns, types and views";
                return self.problem(piece.start, format!("a comment on a {kind} is not portable"), hint);
            }
        };
        if found.is_none() {
            self.problem(
                piece.start + from,
                format!("there is no {kind} {named} above"),
                "write it before its comment",
            );
        }
    }

    fn comment_table(&mut self, named: &str, value: &Option<String>) -> Option<()> {
        let name = object_name(named)?;
        self.find_table(&name)?.comment.clone_from(value);
        Some(())
    }

    fn comment_column(&mut self, named: &str, value: &Option<String>) -> Option<()> {
        let (table, column) = named.rsplit_once('.')?;
        let (table, column) = (object_name(table)?, name(column.trim()));
        self.find_table(&table)?.columns.iter_mut().find(|it| it.name == column)?.comment.clone_from(value);
        Some(())
    }

    fn comment_enum(&mut self, named: &str, value: &Option<String>) -> Option<()> {
        let name = object_name(named)?;
        let document = &mut self.document;
        let mut all = document.schema.enums.iter_mut().chain(document.only.values_mut().flat_map(|it| &mut it.enums));
        all.find(|it| it.name == name)?.comment.clone_from(value);
        Some(())
    }

    fn comment_view(&mut self, named: &str, value: &Option<String>) -> Option<()> {
        let name = object_name(named)?;
        let document = &mut self.document;
        let mut all = document.schema.views.iter_mut().chain(document.only.values_mut().flat_map(|it| &mut it.views));
        all.find(|it| it.name == name)?.comment.clone_from(value);
        Some(())
    }

    pub(super) fn find_table(&mut self, name: &ObjectName) -> Option<&mut crate::model::Table> {
        let document = &mut self.document;
        let mut all = document.schema.tables.iter_mut().chain(document.only.values_mut().flat_map(|it| &mut it.tables));
        all.find(|table| table.name == *name)
    }

    /// Notes the rename that an annotation tells.
    pub(super) fn renamed(&mut self, piece: &Piece<'_>, object: RenamedObject, to: &str) {
        if let Some(from) = piece.annotations.renamed_from.clone() {
            self.document.renames.push(Rename { object, from, to: to.to_owned() });
        }
    }

    /// Options above a table or a column.
    pub(super) fn options(&mut self, annotations: &Annotations, table: &ObjectName, column: Option<&str>) {
        for (dialect, options) in &annotations.options {
            let storage = self.document.storage.entry(dialect.clone()).or_default();
            let place = match column {
                Some(column) => storage.columns.entry((table.clone(), column.to_owned())).or_default(),
                None => storage.tables.entry(table.clone()).or_default(),
            };
            place.extend(options.clone());
        }
    }
}

/// The content of a string literal without escapes of its own.
pub(super) fn literal(text: &str) -> String {
    let inner = text.trim().strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    inner.map_or_else(|| text.to_owned(), |it| it.replace("''", "'"))
}

/// What a CREATE statement makes: its kind, name and table.
pub(super) fn native(lexer: Lexer, sql: &str) -> Option<Native> {
    let lexemes = tokens(lexer, sql).ok()?;
    let word =
        |at: usize| lexemes.get(at).filter(|it| it.kind == LexemeKind::Word).map(|it| it.text.to_ascii_lowercase());
    if word(0)? != "create" {
        return None;
    }
    const SKIPPED: [&str; 9] =
        ["or", "replace", "unique", "temp", "temporary", "trusted", "constraint", "unlogged", "recursive"];
    let mut at = 1;
    while word(at).is_some_and(|it| SKIPPED.contains(&it.as_str())) {
        at += 1;
    }
    let mut kind = word(at)?;
    at += 1;
    if matches!((kind.as_str(), word(at).as_deref()), ("virtual", Some("table")) | ("materialized", Some("view"))) {
        kind = format!("{kind} {}", word(at)?);
        at += 1;
    }
    while word(at).is_some_and(|it| matches!(it.as_str(), "if" | "not" | "exists" | "concurrently")) {
        at += 1;
    }
    let qualified = |at: usize| -> Option<(ObjectName, usize)> {
        let first = lexemes.get(at)?;
        match lexemes.get(at + 1).filter(|it| it.text == ".") {
            Some(_) => Some((ObjectName::in_schema(name(first.text), name(lexemes.get(at + 2)?.text)), at + 3)),
            None => Some((ObjectName::new(name(first.text)), at + 1)),
        }
    };
    let (named, next) = qualified(at)?;
    let on = lexemes.iter().skip(next).position(|it| it.text.eq_ignore_ascii_case("on")).map(|on| next + on + 1);
    let belongs = matches!(kind.as_str(), "trigger" | "policy" | "rule" | "index");
    let table = on.filter(|_| belongs).and_then(qualified).map(|(table, _)| table);
    // What belongs to a table has a name of its own there, which is no path.
    let name = if table.is_some() { named.name } else { named.to_string() };
    Some(Native { kind, name, table, sql: sql.trim_end_matches(';').trim_end().to_owned() })
}
