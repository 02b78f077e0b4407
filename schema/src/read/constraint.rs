//! Constraints of tables.

use squawk_syntax::ast::{self, AstChildren, AstNode};
use whimbrel_core::split::Lexer;

use super::node::{name, object_name, start, text};
use super::{Piece, Reader};
use crate::expr::Expr;
use crate::model::{Action, Check, Deferrable, ForeignKey, PrimaryKey, RawConstraint, Table, Unique};

impl Reader<'_> {
    pub(super) fn table_constraint(&mut self, piece: &Piece<'_>, table: &mut Table, constraint: &ast::TableConstraint) {
        let at = piece.start + start(constraint);
        match constraint {
            ast::TableConstraint::PrimaryKeyConstraint(it) => {
                let key = PrimaryKey {
                    name: constraint_name(it.constraint_name_clause()),
                    columns: columns(it.index_parameters()),
                };
                for column in table.columns.iter_mut().filter(|column| key.columns.contains(&column.name)) {
                    column.not_null = true;
                }
                if table.primary_key.replace(key).is_some() {
                    self.problem(at, format!("{} has two primary keys", table.name), "keep one of them");
                }
            }
            ast::TableConstraint::UniqueConstraint(it) => {
                let nulls = it.index_parameters().and_then(|it| it.nulls_distinct_option());
                table.uniques.push(Unique {
                    name: constraint_name(it.constraint_name_clause()),
                    columns: columns(it.index_parameters()),
                    nulls_not_distinct: matches!(nulls, Some(ast::NullsDistinctOption::NullsNotDistinct(_))),
                    deferrable: deferrable(it.constraint_options()),
                });
            }
            ast::TableConstraint::CheckConstraint(it) => {
                let Some(expr) = it.expr() else { return };
                let name = constraint_name(it.constraint_name_clause());
                table.checks.push(Check { name, expr: Expr::parse(&text(&expr), Lexer::Postgres), at_column: None });
            }
            ast::TableConstraint::ForeignKeyConstraint(it) => self.foreign_key(table, it),
            ast::TableConstraint::ExcludeConstraint(it) if piece.annotations.only.is_some() => {
                let whole = text(it);
                let name = constraint_name(it.constraint_name_clause()).unwrap_or_default();
                let definition = whole.find("exclude").or_else(|| whole.find("EXCLUDE")).and_then(|at| whole.get(at..));
                table.raw_constraints.push(RawConstraint { name, definition: definition.unwrap_or(&whole).to_owned() });
            }
            ast::TableConstraint::ExcludeConstraint(_) => {
                self.problem(at, "an exclusion constraint is not portable", "put the table behind `-- @only postgres`");
            }
            ast::TableConstraint::NotNullConstraint(_) => {
                self.problem(at, "NOT NULL of a table is not portable", "write it at its column");
            }
        }
    }

    fn foreign_key(&mut self, table: &mut Table, node: &ast::ForeignKeyConstraint) {
        let mut lists = node.syntax().children().filter_map(ast::ForeignKeyColumnList::cast);
        let mut list = || -> Vec<String> {
            lists.next().map(|it| it.column_name_refs().map(|it| name(&text(&it))).collect()).unwrap_or_default()
        };
        let (columns, parent_columns) = (list(), list());
        let Some(parent) = node.table_name_ref().and_then(|it| object_name(&text(&it))) else { return };
        let (on_delete, on_update) = actions(node.referential_actions());
        table.foreign_keys.push(ForeignKey {
            name: constraint_name(node.constraint_name_clause()),
            columns,
            parent,
            parent_columns,
            on_delete,
            on_update,
            match_full: matches!(node.match_type(), Some(ast::MatchType::MatchFull(_))),
            deferrable: deferrable(node.constraint_options()),
            at_column: false,
        });
    }
}

pub(super) fn constraint_name(clause: Option<ast::ConstraintNameClause>) -> Option<String> {
    clause.and_then(|it| it.constraint_name()).map(|it| name(&text(&it)))
}

fn columns(parameters: Option<ast::IndexParameters>) -> Vec<String> {
    let list = parameters.and_then(|it| it.column_list());
    list.map(|it| it.column_name_refs().map(|it| name(&text(&it))).collect()).unwrap_or_default()
}

/// ON DELETE and ON UPDATE.
pub(super) fn actions(nodes: AstChildren<ast::ReferentialAction>) -> (Action, Action) {
    let (mut on_delete, mut on_update) = (Action::NoAction, Action::NoAction);
    for node in nodes {
        let words = text(&node).to_lowercase();
        let action = match words.split_whitespace().skip(2).collect::<Vec<_>>().as_slice() {
            ["cascade"] => Action::Cascade,
            ["restrict"] => Action::Restrict,
            ["set", "null", ..] => Action::SetNull,
            ["set", "default", ..] => Action::SetDefault,
            _ => Action::NoAction,
        };
        match node {
            ast::ReferentialAction::OnDeleteAction(_) => on_delete = action,
            ast::ReferentialAction::OnUpdateAction(_) => on_update = action,
        }
    }
    (on_delete, on_update)
}

pub(super) fn deferrable(options: AstChildren<ast::ConstraintOption>) -> Deferrable {
    let mut found = Deferrable::No;
    for option in options {
        match option {
            ast::ConstraintOption::InitiallyDeferredConstraintOption(_) => return Deferrable::Deferred,
            ast::ConstraintOption::DeferrableConstraintOption(_) => found = Deferrable::Immediate,
            _ => {}
        }
    }
    found
}
