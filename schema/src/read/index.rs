//! Indexes.

use std::collections::BTreeMap;

use squawk_syntax::ast::{self, AstNode};
use whimbrel_core::split::Lexer;

use super::node::{name, object_name, text};
use super::{Piece, Reader};
use crate::dialect::RenamedObject;
use crate::expr::{Expr, Node};
use crate::model::{Index, IndexKey, IndexTarget, NullsOrder, ObjectName, Table};

impl Reader<'_> {
    pub(super) fn create_index(&mut self, piece: &Piece<'_>, create: &ast::CreateIndex) {
        let Some(table) =
            create.table_relation_name().and_then(|it| it.table_name_ref()).and_then(|it| object_name(&text(&it)))
        else {
            return;
        };
        let Some(index_name) = create.index().and_then(|it| object_name(&text(&it))) else {
            return self.problem(piece.start, "the index has no name", "write one: each dialect would make up another");
        };
        let method = create.using_method().and_then(|it| it.access_method_ref()).map(|it| name(&text(&it)));
        let method = method.filter(|method| method != "btree");
        if method.is_some() && piece.annotations.only.is_none() {
            let hint = "put the index behind `-- @only postgres`";
            return self.problem(piece.start, "an index that is no B-tree is not portable", hint);
        }
        let items = create.partition_item_list();
        let only = piece.annotations.only.is_some();
        let with = create.with_params().filter(|_| only).map(|params| parameters(&text(&params)));
        let index = Index {
            name: index_name.name.clone(),
            unique: create.unique_token().is_some(),
            method,
            keys: items.iter().flat_map(|list| list.partition_items()).map(|item| key(&item)).collect(),
            include: create
                .index_include_clause()
                .and_then(|it| it.partition_item_list())
                .map(|list| list.partition_items().map(|item| name(&text(&item))).collect())
                .unwrap_or_default(),
            predicate: create
                .where_clause()
                .and_then(|it| it.expr())
                .map(|expr| Expr::parse(&text(&expr), Lexer::Postgres)),
            nulls_not_distinct: matches!(
                create.nulls_distinct_option(),
                Some(ast::NullsDistinctOption::NullsNotDistinct(_))
            ),
            with: with.unwrap_or_default(),
        };
        if (create.with_params().is_some() && !only) || create.tablespace_clause().is_some() {
            let hint = "take it out, or put the index behind `-- @only postgres`";
            self.problem(piece.start, "storage parameters and tablespaces are not portable", hint);
        }
        if piece.annotations.only.is_none() && !index.include.is_empty() {
            let hint = "put the index behind `-- @only postgres`";
            self.problem(piece.start, "INCLUDE is not portable", hint);
        }
        if !self.is_first(piece, "index", &index.name, "give one another name") {
            return;
        }
        self.renamed(piece, RenamedObject::Index(table.clone()), &index.name);
        if self.add_index(piece, &table, index).is_none() {
            self.problem(piece.start, format!("there is no table {table} above"), "write it before its index");
        }
    }

    /// An index of one dialect on a table of all is an addition to that table; one on a view is carried as text.
    fn add_index(&mut self, piece: &Piece<'_>, table: &ObjectName, index: Index) -> Option<()> {
        let shared = self.document.schema.table(table).is_some();
        match &piece.annotations.only {
            Some(dialect) if shared => {
                let added = Table { indexes: vec![index], ..Table::new(table.clone()) };
                self.document.additions.entry(dialect.clone()).or_default().push(added);
            }
            Some(_) if self.find_table(table).is_none() => {
                let native = super::statement::native(Lexer::Postgres, piece.statement.text)?;
                self.native(&piece.annotations, native);
            }
            _ => self.find_table(table)?.indexes.push(index),
        }
        Some(())
    }
}

/// `(fillfactor = 70, deduplicate_items = off)`
fn parameters(list: &str) -> BTreeMap<String, String> {
    let inner = list.find('(').and_then(|at| list.get(at + 1..)).and_then(|it| it.rsplit_once(')')).map(|(it, _)| it);
    let pairs = inner.unwrap_or_default().split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_lowercase(), value.trim().trim_matches('\'').to_owned())).collect()
}

fn key(item: &ast::PartitionItem) -> IndexKey {
    let expr = item.expr().map(|expr| text(&expr)).unwrap_or_default();
    let parsed = Expr::parse(&expr, Lexer::Postgres);
    // The grammar takes a collation for a part of the expression.
    let (parsed, collated) = match parsed.node() {
        Some(Node::Collate(inner, name)) => (Expr::from_node(*inner), Some(name)),
        _ => (parsed, None),
    };
    let on = match parsed.node() {
        Some(Node::Column { qualifier, name }) if qualifier.is_empty() => IndexTarget::Column(name),
        _ => IndexTarget::Expr(parsed),
    };
    let descending = matches!(item.sort_order(), Some(ast::SortOrder::SortDesc(_)));
    // The order that the direction brings by itself need not be written.
    let nulls = match (item.nulls_order(), descending) {
        (Some(ast::NullsOrder::NullsFirst(_)), false) => Some(NullsOrder::First),
        (Some(ast::NullsOrder::NullsLast(_)), true) => Some(NullsOrder::Last),
        _ => None,
    };
    IndexKey {
        on,
        descending,
        nulls,
        collation: item
            .collate()
            .and_then(|it| it.collation_ref())
            .and_then(|it| object_name(&text(&it)))
            .map(|it| it.name)
            .or(collated),
        opclass: item
            .op_class_ref()
            .map(|it| text(&it))
            .filter(|it| !it.is_empty() && item.syntax().text_range().len() > 0.into()),
    }
}
