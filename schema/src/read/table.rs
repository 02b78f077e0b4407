//! Tables.

use squawk_syntax::ast::{self, AstNode};

use super::node::{end, object_name, start, text};
use super::{Piece, Reader};
use crate::dialect::RenamedObject;
use crate::model::{ObjectName, RawConstraint, Table};

impl<'a> Reader<'a> {
    /// Whether the model holds everything that is said of the table.
    pub(super) fn is_plain_table(&self, create: &ast::CreateTable) -> bool {
        create.partition_by().is_none()
            && create.partition_of().is_none()
            && create.inherits().is_none()
            && create.of_type().is_none()
            && create.persistence().is_none()
            && create.table_params().is_none()
            && create.using_method().is_none()
            && create.tablespace_clause().is_none()
    }

    pub(super) fn create_table(&mut self, piece: &Piece<'_>, create: &ast::CreateTable) {
        let Some(name) = create.table_name().and_then(|name| object_name(&text(&name))) else { return };
        if !self.is_plain_table(create) {
            let hint = "take it out, or put the table behind `-- @only postgres`";
            self.problem(piece.start, format!("the table {name} says more than columns and constraints"), hint);
        }
        if name.schema.is_some() && piece.annotations.only.is_none() {
            let hint = "take the schema out, or put the table behind `-- @only postgres`";
            self.problem(piece.start, format!("{name} is in a schema, which not every dialect has"), hint);
        }
        let mut table = Table::new(name.name.as_str());
        table.name = name.clone();
        let Some(list) = create.table_arg_list() else { return };
        let mut behind = start(&list) + 1;
        for arg in list.args() {
            let at = start(&arg);
            let annotations = self.within(piece, behind, at);
            behind = end(&arg);
            match arg {
                ast::TableArg::Column(column) => self.column(piece, &mut table, &column, &annotations),
                ast::TableArg::TableConstraint(constraint) => self.table_constraint(piece, &mut table, &constraint),
                ast::TableArg::LikeClause(_) => {
                    self.problem(piece.start + at, "LIKE is not portable", "write the columns out");
                }
            }
        }
        self.renamed(piece, RenamedObject::Table, &name.to_string());
        let annotations = piece.annotations.clone();
        self.options(&annotations, &name, None);
        self.take_table(piece, table);
    }

    fn take_table(&mut self, piece: &Piece<'_>, table: Table) {
        if !self.is_first(piece, "table", &table.name.to_string(), "keep one of them") {
            return;
        }
        self.places.push((table.name.clone(), piece.start..piece.start + piece.statement.text.len()));
        self.schema(&piece.annotations).tables.push(table);
    }

    /// The annotations between two places of a statement; those on the line of what stands before belong to that.
    pub(super) fn within(&mut self, piece: &Piece<'_>, from: usize, to: usize) -> super::Annotations {
        let above = piece.statement.text.get(from..to).unwrap_or_default();
        let line_end = above.find('\n').unwrap_or(0);
        let (skipped, above) = above.split_at(line_end);
        self.annotations(above, piece.start + from + skipped.len())
    }

    pub(super) fn alter_table(&mut self, piece: &Piece<'_>, alter: &ast::AlterTable) {
        let name =
            alter.table_relation_name().and_then(|it| it.table_name_ref()).and_then(|it| object_name(&text(&it)));
        let Some(name) = name else { return };
        let shared = self.document.schema.table(&name).is_some();
        let only = piece.annotations.only.clone().filter(|_| shared);
        let Some(mut table) = self.find_table(&name).map(|table| table.clone()) else {
            return self.problem(
                piece.start,
                format!("there is no table {name} above"),
                "write it before what adds to it",
            );
        };
        if only.is_some() {
            table = Table { columns: table.columns, ..Table::new(name.clone()) };
        }
        for action in alter.actions() {
            let at = piece.start + usize::from(action.syntax().text_range().start());
            match action {
                ast::AlterTableAction::AddConstraint(add) => {
                    let constraint = add.constraint().and_then(|it| ast::TableConstraint::cast(it.syntax().clone()));
                    match constraint {
                        Some(constraint) if piece.annotations.only.is_some() && is_special(&constraint) => {
                            self.raw_constraint(&mut table, &constraint);
                        }
                        Some(constraint) => self.table_constraint(piece, &mut table, &constraint),
                        None => self.problem(at, "this constraint cannot be added", "write it into the table"),
                    }
                }
                _ => {
                    let hint = "a schema file says what is there: write it into the table";
                    self.problem(at, "ALTER TABLE is portable with ADD CONSTRAINT alone", hint);
                }
            }
        }
        match only {
            Some(dialect) => self.document.additions.entry(dialect).or_default().push(table),
            None => self.replace(&name, table),
        }
    }

    /// A constraint of one dialect that is carried as text.
    fn raw_constraint(&mut self, table: &mut Table, constraint: &ast::TableConstraint) {
        let whole = text(constraint);
        let clause = constraint.syntax().children().find_map(ast::ConstraintNameClause::cast);
        let from = clause.as_ref().map_or(0, |clause| text(clause).len());
        let name = super::constraint::constraint_name(clause);
        let definition = whole.get(from..).unwrap_or(&whole).trim().to_owned();
        table.raw_constraints.push(RawConstraint { name: name.unwrap_or_default(), definition });
    }

    fn replace(&mut self, name: &ObjectName, table: Table) {
        if let Some(place) = self.find_table(name) {
            *place = table;
        }
    }
}

/// Whether the model has no words for a constraint: exclusion, and what is not checked for the rows that are there.
fn is_special(constraint: &ast::TableConstraint) -> bool {
    let words = text(constraint).to_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let says = |pair: [&str; 2]| words.windows(2).any(|two| two == pair);
    matches!(constraint, ast::TableConstraint::ExcludeConstraint(_))
        || [["not", "valid"], ["no", "inherit"], ["not", "enforced"], ["without", "overlaps"]].into_iter().any(says)
        || (matches!(constraint, ast::TableConstraint::PrimaryKeyConstraint(_)) && words.contains(&"deferrable"))
}
