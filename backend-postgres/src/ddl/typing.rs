//! Expressions in the light of their columns' types, so that what people write and what the server prints are one text.

use std::collections::BTreeMap;

use whimbrel_schema::model::{IndexTarget, Table};
use whimbrel_schema::{Expr, Schema, Type};

/// Settles every expression of a schema whose types are Postgres' own.
pub(crate) fn settle(schema: &mut Schema) {
    for table in &mut schema.tables {
        settle_table(table);
    }
}

fn settle_table(table: &mut Table) {
    let types: BTreeMap<String, Type> =
        table.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
    let typed = |expr: &mut Expr, result: Option<&Type>| {
        *expr = expr.with_column_types(&|name| types.get(name).cloned(), result);
    };
    for column in &mut table.columns {
        let ty = column.ty.clone();
        if let Some(default) = &mut column.default {
            typed(default, Some(&ty));
        }
        if let Some(generated) = &mut column.generated {
            typed(&mut generated.expr, Some(&ty));
        }
    }
    table.checks.iter_mut().for_each(|check| typed(&mut check.expr, Some(&Type::Boolean)));
    for index in &mut table.indexes {
        index.predicate.iter_mut().for_each(|predicate| typed(predicate, Some(&Type::Boolean)));
        for key in &mut index.keys {
            if let IndexTarget::Expr(expr) = &mut key.on {
                typed(expr, None);
            }
        }
    }
}
