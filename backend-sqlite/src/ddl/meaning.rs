//! Where the same schema does not mean quite the same here: what `check` lists and the guide explains.

use whimbrel_schema::model::{Column, ObjectName};
use whimbrel_schema::{Forms, Schema, Storage, Type};

use super::lower::options::{Options, is_time};

/// One note for each kind of difference, with the columns that it is about.
pub(super) fn notes(portable: &Schema, storage: &Storage) -> Vec<String> {
    let columns: Vec<(&ObjectName, &Column)> = portable
        .tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| (&table.name, column)))
        .collect();
    let about = |is: &dyn Fn(&Column, &Options<'_>) -> bool, what: &str| {
        let named: Vec<String> = columns
            .iter()
            .filter(|(table, column)| is(column, &Options::of(storage, table, &column.name)))
            .map(|(table, column)| format!("{table}.{}", column.name))
            .collect();
        (!named.is_empty()).then(|| format!("{what}: {}", listed(&named)))
    };
    let notes = [
        about(
            &|column, options| matches!(column.ty, Type::Numeric(_)) && !options.numerics_as_text(),
            "numbers keep about 15 digits (`numerics = text` keeps all)",
        ),
        about(
            &|column, options| is_time(&column.ty) && !options.timestamps().is_integer(),
            "times are texts, and compare as texts: write all of them in one form, in UTC",
        ),
        about(
            &|column, options| is_time(&column.ty) && options.timestamps().is_integer(),
            "times are whole numbers since 1970",
        ),
        about(&|column, _| matches!(column.ty, Type::Array(_)), "arrays are JSON texts"),
        about(
            &|column, options| match &column.ty {
                Type::Enum(_) => !options.checks(),
                Type::Array(element) => matches!(**element, Type::Enum(_)),
                _ => false,
            },
            "a value of an enum type that gets another name keeps the old one in rows that are there",
        ),
        about(
            &|column, _| column.identity.as_ref().is_some_and(|identity| identity.always),
            "a number of one's own is taken, although the column is GENERATED ALWAYS",
        ),
        about(
            &|column, _| matches!(column.ty, Type::SmallInt | Type::Integer) && column.identity.is_none(),
            "whole numbers of 64 bits are taken where Postgres refuses them",
        ),
    ];
    notes.into_iter().flatten().collect()
}

/// The columns whose numbers are times, and of which unit.
pub(super) fn forms(portable: &Schema, storage: &Storage) -> Forms {
    let mut forms = Forms::new();
    for table in &portable.tables {
        for column in &table.columns {
            let options = Options::of(storage, &table.name, &column.name);
            if is_time(&column.ty)
                && options.timestamps().is_integer()
                && let Some(form) = options.form(&column.ty)
            {
                let columns = forms.entry(table.name.to_string()).or_default();
                columns.insert(column.name.clone(), form.to_owned());
            }
        }
    }
    forms
}

/// The first few, and how many more.
fn listed(names: &[String]) -> String {
    const MOST: usize = 4;
    match names.get(..MOST) {
        Some(first) if names.len() > MOST => format!("{} and {} more", first.join(", "), names.len() - MOST),
        _ => names.join(", "),
    }
}
