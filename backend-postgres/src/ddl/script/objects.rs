//! What objects of every kind have: a name, a schema, a comment.

use whimbrel_schema::change::Commented;
use whimbrel_schema::model::{EnumType, ObjectName};

use super::super::render;
use super::super::step::{Lock, Step, Work};
use super::super::words::{ident, object};
use super::Writer;

impl Writer<'_> {
    pub(super) fn create_enum(&mut self, ty: &EnumType) {
        self.push(Step::free(render::enum_type(ty)));
        self.comment_on(&format!("TYPE {}", object(&ty.name)), ty.comment.as_deref());
    }

    pub(in super::super) fn comment_on(&mut self, what: &str, comment: Option<&str>) {
        if comment.is_some() {
            self.push(Step::free(render::comment(what, comment)));
        }
    }

    pub(super) fn comment(&mut self, on: &Commented, comment: Option<&str>) {
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
    pub(super) fn rename_object(&mut self, kind: &str, from: &ObjectName, to: &ObjectName) {
        for (of, text) in moves(from, to) {
            let step =
                Step::statement(Lock::AccessExclusive, Work::Catalog, format!("ALTER {kind} {} {text}", object(&of)));
            self.push(if kind == "TABLE" { step.locking(&of) } else { step });
        }
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
