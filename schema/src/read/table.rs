//! Tables.

use squawk_syntax::ast::{self, AstNode};

use super::node::{end, object_name, start, text};
use super::{Piece, Reader};
use crate::dialect::RenamedObject;
use crate::model::{ObjectName, Table};

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
        if self.document.tables().any(|it| it.name == table.name) {
            let message = format!("the table {} stands twice", table.name);
            return self.problem(piece.start, message, "keep one of them");
        }
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
        let Some(mut table) = self.find_table(&name).map(|table| table.clone()) else {
            return self.problem(
                piece.start,
                format!("there is no table {name} above"),
                "write it before what adds to it",
            );
        };
        for action in alter.actions() {
            let at = piece.start + usize::from(action.syntax().text_range().start());
            match action {
                ast::AlterTableAction::AddConstraint(add) => {
                    let constraint = add.constraint().and_then(|it| ast::TableConstraint::cast(it.syntax().clone()));
                    match constraint {
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
        self.replace(&name, table);
    }

    fn replace(&mut self, name: &ObjectName, table: Table) {
        if let Some(place) = self.find_table(name) {
            *place = table;
        }
    }
}
