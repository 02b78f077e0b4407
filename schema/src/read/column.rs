//! Columns.

use squawk_syntax::ast::{self, AstNode};
use whimbrel_core::split::Lexer;

use super::annotation::Annotations;
use super::constraint::{actions, constraint_name, deferrable};
use super::node::{name, object_name, start, text};
use super::types::portable;
use super::{Piece, Reader, sequence};
use crate::dialect::{Rename, RenamedObject};
use crate::expr::Expr;
use crate::model::{Check, Column, ForeignKey, Generated, Identity, PrimaryKey, SequenceOptions, Table, Type, Unique};

impl Reader<'_> {
    pub(super) fn column(
        &mut self,
        piece: &Piece<'_>,
        table: &mut Table,
        node: &ast::Column,
        annotations: &Annotations,
    ) {
        let Some(column_name) = node.name().map(|it| name(&text(&it))) else { return };
        let at = piece.start + start(node);
        let Some(ty) = node.ty() else {
            return self.problem(at, format!("the column {column_name} has no type"), "write one, such as text");
        };
        let only = piece.annotations.only.is_some();
        let written = match portable(&text(&ty)) {
            Ok(written) => written,
            Err(_) if only => super::types::Written { ty: Type::Native(text(&ty).to_lowercase()), serial: false },
            Err((message, hint)) => return self.problem(piece.start + start(&ty), message, hint),
        };
        if table.column(&column_name).is_some() {
            self.problem(at, format!("the column {column_name} stands twice"), "keep one of them");
        }
        let mut column = Column::new(column_name.clone(), written.ty);
        if written.serial {
            column.not_null = true;
            let options = SequenceOptions::default();
            column.identity = Some(Identity { always: false, never_reuse: true, options });
        }
        for clause in node.clauses() {
            match clause {
                ast::ColumnClause::ColumnConstraint(constraint) => {
                    self.column_constraint(piece, table, &mut column, &constraint);
                }
                ast::ColumnClause::Collate(collate) => {
                    let collation = collate.collation_ref().and_then(|it| object_name(&text(&it)));
                    column.collation = collation.map(|it| it.name);
                }
                other => {
                    let at = piece.start + usize::from(other.syntax().text_range().start());
                    self.problem(
                        at,
                        "this is not portable",
                        "take it out, or put the table behind `-- @only postgres`",
                    );
                }
            }
        }
        if let Some(from) = annotations.renamed_from.clone() {
            let object = RenamedObject::Column(table.name.clone());
            self.document.renames.push(Rename { object, from, to: column_name.clone() });
        }
        self.options(annotations, &table.name, Some(&column_name));
        table.columns.push(column);
    }

    fn column_constraint(
        &mut self,
        piece: &Piece<'_>,
        table: &mut Table,
        column: &mut Column,
        constraint: &ast::ColumnConstraint,
    ) {
        let at = piece.start + start(constraint);
        let own = || vec![column.name.clone()];
        match constraint {
            ast::ColumnConstraint::NotNullConstraint(_) => column.not_null = true,
            ast::ColumnConstraint::NullConstraint(_) => {}
            ast::ColumnConstraint::DefaultConstraint(it) => {
                let Some(expr) = it.expr() else { return };
                let expr = Expr::parse(&text(&expr), Lexer::Postgres);
                column.default = (expr.as_str() != "NULL").then_some(expr);
            }
            ast::ColumnConstraint::CheckConstraint(it) => {
                let Some(expr) = it.expr() else { return };
                let expr = Expr::parse(&text(&expr), Lexer::Postgres);
                let name = constraint_name(it.constraint_name_clause());
                table.checks.push(Check { name, expr, at_column: Some(column.name.clone()) });
            }
            ast::ColumnConstraint::PrimaryKeyConstraint(it) => {
                column.not_null = true;
                let key = PrimaryKey { name: constraint_name(it.constraint_name_clause()), columns: own() };
                if table.primary_key.replace(key).is_some() {
                    self.problem(
                        at,
                        format!("{} has two primary keys", table.name),
                        "keep one, or write one over both columns",
                    );
                }
            }
            ast::ColumnConstraint::UniqueConstraint(it) => {
                let name = constraint_name(it.constraint_name_clause());
                let nulls = it.index_parameters().and_then(|it| it.nulls_distinct_option());
                let nulls_not_distinct = matches!(nulls, Some(ast::NullsDistinctOption::NullsNotDistinct(_)));
                let deferrable = deferrable(it.constraint_options());
                table.uniques.push(Unique { name, columns: own(), nulls_not_distinct, deferrable });
            }
            ast::ColumnConstraint::ReferencesConstraint(it) => {
                let parent = it.table().and_then(|it| object_name(&text(&it)));
                let Some(parent) = parent else { return };
                let (on_delete, on_update) = actions(it.referential_actions());
                table.foreign_keys.push(ForeignKey {
                    name: constraint_name(it.constraint_name_clause()),
                    columns: own(),
                    parent,
                    parent_columns: it.column().map(|it| name(&text(&it))).into_iter().collect(),
                    on_delete,
                    on_update,
                    match_full: matches!(it.match_type(), Some(ast::MatchType::MatchFull(_))),
                    deferrable: deferrable(it.constraint_options()),
                    at_column: true,
                });
            }
            ast::ColumnConstraint::GeneratedConstraint(it) => self.generated(piece, column, it),
            ast::ColumnConstraint::ExcludeConstraint(_) => {
                self.problem(at, "an exclusion constraint is not portable", "put the table behind `-- @only postgres`");
            }
        }
    }

    fn generated(&mut self, piece: &Piece<'_>, column: &mut Column, node: &ast::GeneratedConstraint) {
        let at = piece.start + start(node);
        if let Some(stored) = super::node::first::<ast::GeneratedStored>(node.syntax()) {
            let Some(expr) = stored.expr() else { return };
            let is_virtual = matches!(stored.generated_kind(), Some(ast::GeneratedKind::Virtual(_)));
            column.generated =
                Some(Generated { expr: Expr::parse(&text(&expr), Lexer::Postgres), stored: !is_virtual });
            if is_virtual && piece.annotations.only.is_none() {
                let hint = "write STORED: Postgres has no other before 18";
                self.problem(at, "a virtual generated column is not portable", hint);
            }
            return;
        }
        let Some(identity) = super::node::first::<ast::GeneratedIdentity>(node.syntax()) else { return };
        let always = matches!(identity.generated_when(), Some(ast::GeneratedWhen::GeneratedAlways(_)));
        let options = identity.sequence_option_list().map(|list| sequence::options(&text(&list))).unwrap_or_default();
        column.not_null = true;
        column.identity = Some(Identity { always, never_reuse: true, options });
    }
}
