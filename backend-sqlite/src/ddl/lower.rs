//! From portable SQL to SQLite's.

pub(super) mod options;
mod query;
mod translate;
mod values;

use whimbrel_core::Problem;
use whimbrel_core::quote_literal;
use whimbrel_core::split::Lexer;
use whimbrel_schema::model::{
    Check, Column, Deferrable, ForeignKey, Identity, Index, IndexKey, IndexTarget, Native, ObjectName, SequenceOptions,
    Table, View,
};
use whimbrel_schema::{Expr, Schema, Storage, Type};

use super::problem;
use super::render::name_sql;
use crate::introspect::{read_index, read_table, trigger, view, virtual_table};
use options::Options;
use translate::Translation;

/// Lowers a schema, or tells all that SQLite cannot be given the same meaning of.
pub(super) fn lower(portable: &Schema, storage: &Storage) -> Result<Schema, Vec<Problem>> {
    let mut lowering = Lowering { portable, storage, problems: options::check(storage) };
    let mut schema = Schema::default();
    for sequence in &portable.sequences {
        let message = "SQLite has no sequences";
        let hint =
            "number the rows of a table with an identity column, or keep the statement behind `-- @only postgres`";
        lowering.problems.push(Problem::new(format!("sequence {}", sequence.name), message, hint));
    }
    for table in &portable.tables {
        schema.tables.push(lowering.table(table));
    }
    schema.views = portable.views.iter().map(|view| lowering.view(view)).collect();
    for native in &portable.natives {
        lowering.of_sqlite(native, &mut schema);
    }
    crate::introspect::resolve(&mut schema);
    if lowering.problems.is_empty() { Ok(schema) } else { Err(lowering.problems) }
}

struct Lowering<'a> {
    portable: &'a Schema,
    storage: &'a Storage,
    problems: Vec<Problem>,
}

impl Lowering<'_> {
    fn refuse(&mut self, table: &ObjectName, column: Option<&str>, message: &str, hint: &str) {
        self.problems.push(problem(table, column, message, hint));
    }

    fn table(&mut self, table: &Table) -> Table {
        // One that SQLite made stays as it is.
        if !table.columns.is_empty() && table.columns.iter().all(|column| matches!(column.ty, Type::Native(_))) {
            return Table { comment: None, ..table.clone() };
        }
        self.check_name(&table.name);
        let mut lowered = Table::new(table.name.clone());
        lowered.options = table.options.clone();
        lowered.primary_key = table.primary_key.clone();
        lowered.uniques = table.uniques.clone();
        lowered.checks = table.checks.iter().map(|check| self.check(table, check)).collect();
        for column in &table.columns {
            let options = Options::of(self.storage, &table.name, &column.name);
            let column = self.column(table, column, &options, &mut lowered);
            lowered.columns.push(column);
        }
        lowered.foreign_keys = table.foreign_keys.iter().map(|key| self.foreign_key(table, key)).collect();
        lowered.indexes = table.indexes.iter().map(|index| self.index(table, index)).collect();
        self.check_constraints(table);
        let options = Options::of(self.storage, &table.name, "");
        lowered.options.strict |= options.strict();
        lowered.options.without_rowid |= options.without_rowid();
        self.check_strict(&lowered);
        self.keys(table, &mut lowered);
        lowered
    }

    fn check_strict(&mut self, lowered: &Table) {
        const KNOWN: [&str; 6] = ["int", "integer", "real", "text", "blob", "any"];
        let is_unknown = |ty: &Type| matches!(ty, Type::Native(name) if !KNOWN.contains(&name.as_str()));
        for column in lowered.columns.iter().filter(|it| lowered.options.strict && is_unknown(&it.ty)) {
            let message = format!("a STRICT table has no type {}", super::render::type_sql(&column.ty));
            let hint =
                "store numbers as texts, `-- @sqlite numerics = text`, or say another type, `-- @sqlite type = real`";
            self.refuse(&lowered.name, Some(&column.name), &message, hint);
        }
    }

    fn check_name(&mut self, name: &ObjectName) {
        if name.schema.as_deref().is_some_and(|schema| schema != "main") {
            let hint = format!("name it without one, as `{}`, or keep it behind `-- @only postgres`", name.name);
            self.refuse(name, None, "SQLite has no schemas", &hint);
        }
        if name.name.to_ascii_lowercase().starts_with("sqlite_") {
            self.refuse(name, None, "SQLite keeps names that begin with `sqlite_` for itself", "choose another name");
        }
    }

    fn check_constraints(&mut self, table: &Table) {
        let portable = "leave it out, or keep it behind `-- @only postgres`";
        if table.uniques.iter().any(|unique| unique.nulls_not_distinct) {
            let hint = "add a unique index over `coalesce(…)`, or keep it behind `-- @only postgres`";
            self.refuse(&table.name, None, "two NULLs are never equal to a unique constraint of SQLite", hint);
        }
        if table.uniques.iter().any(|unique| unique.deferrable != Deferrable::No) {
            self.refuse(&table.name, None, "SQLite checks unique constraints at once", portable);
        }
        for constraint in &table.raw_constraints {
            let message = format!("SQLite has nothing like the constraint `{}`", constraint.name);
            self.refuse(&table.name, None, &message, portable);
        }
        for option in table.options.native.keys() {
            let message = format!("SQLite does not know the option `{option}` of a table");
            self.refuse(&table.name, None, &message, portable);
        }
    }

    fn column(&mut self, table: &Table, column: &Column, options: &Options<'_>, lowered: &mut Table) -> Column {
        let mut made = Column::new(column.name.clone(), Type::Native(self.type_of(table, column, options)));
        let in_key = table.primary_key.as_ref().is_some_and(|key| key.columns.contains(&column.name));
        made.not_null = if in_key { options.keys_not_null() } else { column.not_null };
        made.collation = column.collation.as_deref().and_then(|collation| self.collation(table, column, collation));
        made.default = match (options.default(), &column.default) {
            (Some(text), _) => Some(Expr::parse(text, Lexer::Sqlite)),
            (None, Some(default)) => self.default(table, column, default, options),
            (None, None) => None,
        };
        if let Some(generated) = &column.generated {
            let mut generated = generated.clone();
            generated.expr = self.expression(table, Some(&column.name), &generated.expr);
            generated.stored &= !options.computes_when_read();
            made.generated = Some(generated);
        }
        made.identity = column.identity.as_ref().map(|identity| self.identity(table, column, identity, options));
        if options.checks()
            && let Some(expr) = self.stands_for(column, made.not_null)
        {
            let expr = Expr::parse(&expr, Lexer::Sqlite);
            lowered.checks.push(Check { name: None, expr, at_column: Some(column.name.clone()) });
        }
        made
    }

    fn type_of(&mut self, table: &Table, column: &Column, options: &Options<'_>) -> String {
        if let Some(ty) = options.type_name() {
            return ty.to_ascii_lowercase();
        }
        match &column.ty {
            Type::Boolean | Type::SmallInt | Type::Integer | Type::BigInt => "integer".to_owned(),
            Type::Real | Type::Double => "real".to_owned(),
            Type::Numeric(_) if options.numerics_as_text() => "text".to_owned(),
            Type::Numeric(None) => "numeric".to_owned(),
            Type::Numeric(Some((precision, scale))) => format!("numeric({precision}, {scale})"),
            Type::Text | Type::Varchar(_) | Type::Json | Type::Jsonb | Type::Uuid => "text".to_owned(),
            Type::Enum(_) | Type::Array(_) => "text".to_owned(),
            Type::Bytea => "blob".to_owned(),
            Type::Date | Type::Time(_) | Type::Timestamp(_) | Type::Timestamptz(_) => {
                if options.timestamps().is_integer() { "integer".to_owned() } else { "text".to_owned() }
            }
            Type::Native(name) => {
                let message = format!("SQLite has nothing like the type {name}");
                let hint = "use a portable type, or say how it is stored: `-- @sqlite type = text`";
                self.refuse(&table.name, Some(&column.name), &message, hint);
                name.clone()
            }
        }
    }

    /// The check that stands for what a type says and SQLite's does not.
    fn stands_for(&self, column: &Column, not_null: bool) -> Option<String> {
        let name = name_sql(&column.name);
        match &column.ty {
            Type::Boolean => Some(format!("{name} IN (0, 1)")),
            Type::Varchar(length) => Some(format!("length({name}) <= {length}")),
            // json_valid(NULL) is NULL in new releases and 0 in older ones.
            Type::Json | Type::Jsonb if not_null => Some(format!("json_valid({name})")),
            Type::Json | Type::Jsonb => Some(format!("{name} IS NULL OR json_valid({name})")),
            Type::Array(_) => Some(format!("json_type({name}) = 'array'")),
            Type::Enum(ty) => {
                let values = &self.portable.enum_type(ty)?.values;
                let values: Vec<String> = values.iter().map(|value| quote_literal(value)).collect();
                (!values.is_empty()).then(|| format!("{name} IN ({})", values.join(", ")))
            }
            _ => None,
        }
    }

    fn collation(&mut self, table: &Table, column: &Column, collation: &str) -> Option<String> {
        let bare = collation.trim_matches('"').to_ascii_lowercase();
        match bare.as_str() {
            "c" | "posix" | "binary" | "ucs_basic" | "default" => None,
            "nocase" | "rtrim" => Some(bare),
            _ => {
                let message = format!("SQLite does not know the collation {collation}");
                self.refuse(&table.name, Some(&column.name), &message, "use `\"C\"`, or leave it out");
                None
            }
        }
    }

    fn default(&mut self, table: &Table, column: &Column, default: &Expr, options: &Options<'_>) -> Option<Expr> {
        if matches!(column.ty, Type::Native(_)) {
            return Some(default.clone());
        }
        match values::default(default, &column.ty, options) {
            Ok(value) => value,
            Err(refused) => {
                self.refuse(&table.name, Some(&column.name), &refused.message, &refused.hint);
                None
            }
        }
    }

    fn identity(&mut self, table: &Table, column: &Column, identity: &Identity, options: &Options<'_>) -> Identity {
        let alone = table.primary_key.as_ref().is_some_and(|key| key.columns == [column.name.as_str()]);
        if !alone {
            let message = "SQLite numbers rows only in a column that is the whole primary key";
            self.refuse(
                &table.name,
                Some(&column.name),
                message,
                "make it the primary key, or give the numbers yourself",
            );
        }
        let SequenceOptions { start, increment, min, max, cycle, cache: _ } = &identity.options;
        let usual = |value: &Option<i64>| value.is_none_or(|value| value == 1);
        if !(usual(start) && usual(increment) && usual(min) && max.is_none() && !cycle) {
            let message = "SQLite counts from 1 in steps of 1";
            self.refuse(&table.name, Some(&column.name), message, "leave the options of the identity out");
        }
        Identity { always: false, never_reuse: options.never_reuse(), options: SequenceOptions::default() }
    }

    fn check(&mut self, table: &Table, check: &Check) -> Check {
        Check { expr: self.expression(table, check.at_column.as_deref(), &check.expr), ..check.clone() }
    }

    fn expression(&mut self, table: &Table, column: Option<&str>, expr: &Expr) -> Expr {
        let mut translation = Translation::default();
        let translated = translation.expr(expr);
        for refused in translation.refused {
            self.refuse(&table.name, column, &refused.message, &refused.hint);
        }
        translated
    }

    fn foreign_key(&mut self, table: &Table, key: &ForeignKey) -> ForeignKey {
        if key.match_full {
            let hint = "leave `MATCH FULL` out, and add a check that all columns are NULL or none is";
            self.refuse(&table.name, None, "SQLite does not carry `MATCH FULL` out", hint);
        }
        if key.parent.schema.as_deref().is_some_and(|schema| schema != "main") {
            let message = format!("the reference to {}: SQLite has no schemas", key.parent);
            self.refuse(&table.name, None, &message, "name the table without one");
        }
        self.stored_alike(table, key);
        key.clone()
    }

    /// Equal values that are stored otherwise are not equal to a foreign key.
    fn stored_alike(&mut self, table: &Table, key: &ForeignKey) {
        let Some(parent) = self.portable.table(&key.parent) else { return };
        let mut others = Vec::new();
        for (own, other) in key.columns.iter().zip(&key.parent_columns) {
            let form = |table: &Table, column: &str| {
                let column = table.column(column)?;
                Options::of(self.storage, &table.name, &column.name).form(&column.ty).map(str::to_owned)
            };
            let (one, another) = (form(table, own), form(parent, other));
            if one.is_some() && another.is_some() && one != another {
                others.push((own, format!("{}.{other} is stored in another form", parent.name)));
            }
        }
        for (column, message) in others {
            let hint = "give both columns the same options";
            self.refuse(&table.name, Some(column), &message, hint);
        }
    }

    fn index(&mut self, table: &Table, index: &Index) -> Index {
        let portable = "leave it out, or keep the index behind `-- @only postgres`";
        let unknown = [
            (index.method.as_deref().is_some_and(|method| !method.eq_ignore_ascii_case("btree")), "access methods"),
            (!index.include.is_empty(), "INCLUDE"),
            (index.nulls_not_distinct, "NULLS NOT DISTINCT"),
            (!index.with.is_empty(), "storage parameters"),
            (index.keys.iter().any(|key| key.opclass.is_some()), "operator classes"),
            (index.keys.iter().any(|key| key.nulls.is_some()), "NULLS FIRST and NULLS LAST"),
        ];
        for (_, what) in unknown.into_iter().filter(|(found, _)| *found) {
            let message = format!("index {}: SQLite's indexes have no {what}", index.name);
            self.refuse(&table.name, None, &message, portable);
        }
        let keys = index.keys.iter().map(|key| self.index_key(table, key)).collect();
        let predicate = index.predicate.as_ref().map(|predicate| self.expression(table, None, predicate));
        Index { keys, predicate, method: None, ..index.clone() }
    }

    fn index_key(&mut self, table: &Table, key: &IndexKey) -> IndexKey {
        let on = match &key.on {
            IndexTarget::Expr(expr) => IndexTarget::Expr(self.expression(table, None, expr)),
            column @ IndexTarget::Column(_) => column.clone(),
        };
        let collation = key.collation.as_deref().and_then(|collation| {
            let bare = collation.trim_matches('"').to_ascii_lowercase();
            (!["c", "posix", "default"].contains(&bare.as_str())).then_some(bare)
        });
        IndexKey { on, collation, ..key.clone() }
    }

    /// What SQLite makes of a primary key: columns that refuse NULL, and another name of the rowid.
    fn keys(&mut self, portable: &Table, table: &mut Table) {
        let Some(key) = &table.primary_key else {
            return;
        };
        if table.options.without_rowid || table.options.strict {
            table.columns.iter_mut().filter(|it| key.columns.contains(&it.name)).for_each(|it| it.not_null = true);
        }
        let [only] = key.columns.as_slice() else {
            return;
        };
        let is_integer = |ty: &Type| matches!(ty, Type::Native(name) if name == "integer");
        let alias = table.columns.iter_mut().find(|column| column.name == *only && is_integer(&column.ty));
        match alias {
            Some(column) if !table.options.without_rowid => {
                column.not_null = true;
                column.identity.get_or_insert(Identity {
                    always: false,
                    never_reuse: false,
                    options: SequenceOptions::default(),
                });
            }
            _ => {
                let numbered: Vec<String> =
                    table.columns.iter().filter(|it| it.identity.is_some()).map(|it| it.name.clone()).collect();
                for column in numbered {
                    let message = "SQLite numbers rows only where the key is an integer that names the rowid";
                    self.refuse(&portable.name, Some(&column), message, "leave `without-rowid` or `type` out");
                }
            }
        }
    }

    fn view(&mut self, view: &View) -> View {
        let place = format!("view {}", view.name);
        let mut refuse = |message: &str, hint: &str| self.problems.push(Problem::new(place.clone(), message, hint));
        if view.materialized {
            refuse("SQLite has no materialized views", "make it a view, or keep it behind `-- @only postgres`");
        }
        if view.options.is_some() {
            refuse("SQLite's views have no options", "leave them out, or keep the view behind `-- @only postgres`");
        }
        if view.name.schema.as_deref().is_some_and(|schema| schema != "main") {
            refuse("SQLite has no schemas", "name it without one");
        }
        let query = match query::translate(&view.query) {
            Ok(query) => query,
            Err(refused) => {
                refused.iter().for_each(|it| refuse(&it.message, &it.hint));
                view.query.clone()
            }
        };
        View { query, comment: None, options: None, ..view.clone() }
    }

    /// Tables, indexes and views in SQLite's own SQL become what they are when they are read from a database.
    fn of_sqlite(&mut self, native: &Native, schema: &mut Schema) {
        let read = match native.kind.as_str() {
            "table" => read_table(&native.sql).map(|table| schema.tables.push(table)),
            "view" => view(&native.sql).map(|view| schema.views.push(view)),
            "index" => {
                let of = native.table.as_ref().map(|table| table.name.clone()).unwrap_or_default();
                let table = schema.tables.iter_mut().find(|table| table.name.name.eq_ignore_ascii_case(&of));
                let Some(table) = table else {
                    let message = format!("there is no table {of}");
                    let place = format!("index {}", native.name);
                    return self.problems.push(Problem::new(place, message, "write the table, or correct the name"));
                };
                read_index(&native.sql, table).map(|index| table.indexes.push(index))
            }
            _ => return schema.natives.push(self.native(native)),
        };
        if read.is_err() {
            let place = format!("{} {}", native.kind, native.name);
            self.problems.push(Problem::new(place, "it is not understood", "write it as SQLite takes it"));
        }
    }

    /// Begins the text of what SQLite keeps as text in the way in which it does.
    fn native(&mut self, native: &Native) -> Native {
        let read = match native.kind.as_str() {
            "trigger" => trigger(&native.sql),
            "virtual table" => virtual_table(&native.sql),
            _ => return native.clone(),
        };
        read.unwrap_or_else(|_| {
            let message = format!("the {} is not understood", native.kind);
            let hint = "write it as SQLite takes it";
            self.problems.push(Problem::new(format!("{} {}", native.kind, native.name), message, hint));
            native.clone()
        })
    }
}
