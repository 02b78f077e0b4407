//! A schema as a file.

use super::offer::Said;
use super::world::{Body, Check, Column, Default, Enum, Id, Index, Key, Routine, Source, Table, Ty, View, World};

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn renamed(was: Option<&String>, is: &str, indent: &str) -> String {
    match was {
        Some(was) if was != is => format!("{indent}-- @renamed from {}\n", quoted(was)),
        _ => String::new(),
    }
}

/// Storage options, as annotations.
fn annotations(options: &Said, dialect: &str, indent: &str) -> String {
    options.iter().map(|(name, value)| format!("{indent}-- @{dialect} {name} = {value}\n")).collect()
}

impl World {
    /// The file; what has another name in `before` says so.
    pub(super) fn sql(&self, before: &Self) -> String {
        let mut sql = annotations(&self.options, self.offer.dialect, "");
        sql.push('\n');
        if self.offer.notes {
            sql.push_str(&format!("-- @only {}\nCREATE TABLE trace (what);\n", self.offer.dialect));
        }
        if let Some(count) = self.searched {
            let columns = &["body", "title", "note"][..usize::from(count)];
            sql.push_str(&format!(
                "-- @only {}\nCREATE VIRTUAL TABLE searched USING fts5({});\n",
                self.offer.dialect,
                columns.join(", ")
            ));
        }
        for (id, kind) in &self.sequences {
            let counts = ["", " AS integer START WITH 5", " INCREMENT BY 3 CYCLE"][usize::from(*kind)];
            sql.push_str(&format!("-- @only {}\nCREATE SEQUENCE \"seq {id}\"{counts};\n", self.offer.dialect));
        }
        for ty in &self.enums {
            sql.push_str(&enum_sql(ty, before.enum_of(ty.id)));
        }
        for table in &self.tables {
            sql.push_str(&self.table_sql(table, before));
        }
        let mut later: Vec<String> = self.views.iter().map(|it| self.view_sql(it)).collect();
        later.extend(self.routines.iter().map(|it| self.routine_sql(it)));
        for table in &self.tables {
            later.extend(self.attached(table));
        }
        // In any order: what needs what is for the program to find out.
        if !later.is_empty() {
            let middle = self.shuffle % later.len();
            later.rotate_left(middle);
        }
        if self.shuffle % 2 == 1 {
            later.reverse();
        }
        sql + &later.concat() + &self.comments()
    }

    fn type_sql(&self, ty: Ty) -> String {
        let name = |id: Id| self.enum_of(id).map_or_else(String::new, |it| quoted(&it.name));
        match ty {
            Ty::Int => "integer".to_owned(),
            Ty::Big => "bigint".to_owned(),
            Ty::Text => "text".to_owned(),
            Ty::Varchar => "varchar(40)".to_owned(),
            Ty::Bool => "boolean".to_owned(),
            Ty::Numeric => "numeric(12, 2)".to_owned(),
            Ty::Time => "timestamptz".to_owned(),
            Ty::Json => "jsonb".to_owned(),
            Ty::Bytes => "bytea".to_owned(),
            Ty::Uuid => "uuid".to_owned(),
            Ty::Texts => "text[]".to_owned(),
            Ty::Enum(id) => name(id),
            Ty::Enums(id) => format!("{}[]", name(id)),
        }
    }

    /// A default as SQL, and the text of its value where that is known.
    pub(super) fn default_sql(&self, column: &Column) -> Option<(String, Option<String>)> {
        let value = |id: Id| self.enum_of(id).map_or("", |it| it.values[0].1.as_str());
        let known = |sql: &str, text: &str| Some((sql.to_owned(), Some(text.to_owned())));
        match (column.default, column.ty) {
            (Default::None, _) => None,
            (Default::Call(id), _) => {
                let routine = self.routine(id)?;
                Some((format!("{}(3)", quoted(&routine.name)), Some((3 + self.depth(id)).to_string())))
            }
            (Default::Literal, Ty::Int | Ty::Big) => known("7", "7"),
            (_, Ty::Int | Ty::Big) => known("(1 + 2)", "3"),
            (Default::Literal, Ty::Text | Ty::Varchar) => known("'it''s; d'", "it's; d"),
            (_, Ty::Text | Ty::Varchar) => known("lower('D')", "d"),
            (_, Ty::Bool) => known("true", "true"),
            (_, Ty::Numeric) => known("1.50", "1.50"),
            (Default::Literal, Ty::Time) => known("'2020-02-02 00:00:00+00'", "2020-02-02 00:00:00+00"),
            (_, Ty::Time) => Some(("now()".to_owned(), None)),
            (_, Ty::Json) => known("'{\"d\": 1}'", "{\"d\": 1}"),
            (_, Ty::Bytes) => known("'\\xc0ffee'", "\\xc0ffee"),
            (_, Ty::Uuid) => Some(("gen_random_uuid()".to_owned(), None)),
            (_, Ty::Texts) => known("'{}'", "{}"),
            (_, Ty::Enum(id)) => known(&literal(value(id)), value(id)),
            (_, Ty::Enums(_)) => known("'{}'", "{}"),
        }
    }

    /// How much a function of a number adds.
    fn depth(&self, id: Id) -> i64 {
        match self.routine(id).map(|it| it.body) {
            Some(Body::Calls(other)) => 1 + self.depth(other),
            _ => 1,
        }
    }

    fn column_sql(&self, table: &Table, column: &Column) -> String {
        let mut sql = format!("{} {}", quoted(&column.name), self.type_sql(column.ty));
        if let Some(collation) = self.offer.collation.filter(|_| column.collated) {
            sql.push_str(&format!(" COLLATE {}", quoted(collation)));
        }
        if let Some(base) = column.generated.and_then(|id| table.column(id)) {
            sql.push_str(&format!(" GENERATED ALWAYS AS ({}) STORED", of_column(&quoted(&base.name), base.ty)));
        }
        if let Some(always) = column.identity {
            sql.push_str(&format!(" GENERATED {} AS IDENTITY", if always { "ALWAYS" } else { "BY DEFAULT" }));
        }
        if column.not_null && !table.primary.contains(&column.id) {
            sql.push_str(" NOT NULL");
        }
        if let Some((default, _)) = self.default_sql(column) {
            sql.push_str(&format!(" DEFAULT {default}"));
        }
        for check in table.checks.iter().filter(|it| it.at_column && it.column == column.id) {
            sql.push_str(&format!(" {}", self.check_sql(table, check)));
        }
        for key in table.keys.iter().filter(|it| it.at_column && it.columns == [column.id]) {
            sql.push_str(&self.references_sql(key));
        }
        sql
    }

    fn table_sql(&self, table: &Table, before: &Self) -> String {
        let was = before.table(table.id);
        let mut parts: Vec<String> = Vec::new();
        for column in &table.columns {
            let old = was.and_then(|it| it.column(column.id)).map(|it| &it.name);
            let above = annotations(&column.options, self.offer.dialect, "  ") + &renamed(old, &column.name, "  ");
            parts.push(format!("{above}  {}", self.column_sql(table, column)));
        }
        if !table.primary.is_empty() {
            parts.push(format!("  PRIMARY KEY ({})", names(table, &table.primary)));
        }
        parts.extend(table.uniques.iter().map(|ids| format!("  UNIQUE ({})", names(table, ids))));
        let behind = table.checks.iter().filter(|it| !it.at_column);
        parts.extend(behind.map(|check| format!("  {}", self.check_sql(table, check))));
        let mut sql = annotations(&table.options, self.offer.dialect, "");
        sql.push_str(&renamed(was.map(|it| &it.name), &table.name, ""));
        sql.push_str(&format!("CREATE TABLE {} (\n{}\n);\n", quoted(&table.name), parts.join(",\n")));
        for key in table.keys.iter().filter(|it| !it.at_column) {
            sql.push_str(&self.key_sql(table, key));
        }
        if let Some(column) = table.excluded.and_then(|id| table.column(id)) {
            sql.push_str(&format!(
                "-- @only {}\nALTER TABLE {} ADD CONSTRAINT \"no two {}\" EXCLUDE USING btree ({} WITH =);\n",
                self.offer.dialect,
                quoted(&table.name),
                table.id,
                quoted(&column.name)
            ));
        }
        for index in &table.indexes {
            let old = was.and_then(|it| it.indexes.iter().find(|it| it.id == index.id)).map(|it| &it.name);
            sql.push_str(&renamed(old, &index.name, ""));
            sql.push_str(&self.index_sql(table, index));
        }
        sql
    }

    fn key_sql(&self, table: &Table, key: &Key) -> String {
        let (name, columns) = (quoted(&table.name), names(table, &key.columns));
        format!("ALTER TABLE {name} ADD FOREIGN KEY ({columns}){};\n", self.references_sql(key))
    }

    fn references_sql(&self, key: &Key) -> String {
        let Some(parent) = self.table(key.parent) else { return String::new() };
        format!(
            " REFERENCES {} ({}) ON DELETE {} ON UPDATE {}{}",
            quoted(&parent.name),
            names(parent, &key.parent_columns),
            key.on_delete,
            key.on_update,
            if key.deferred { " DEFERRABLE INITIALLY DEFERRED" } else { "" }
        )
    }

    fn check_sql(&self, table: &Table, check: &Check) -> String {
        let name = if check.is_named { format!("CONSTRAINT \"it's {}\" ", check.id) } else { String::new() };
        format!("{name}CHECK ({})", self.condition(table, check))
    }

    fn condition(&self, table: &Table, check: &Check) -> String {
        let Some(column) = table.column(check.column) else { return "true".to_owned() };
        let name = quoted(&column.name);
        if let Some(routine) = check.call.and_then(|id| self.routine(id)) {
            return format!("{}({name}) > -99", quoted(&routine.name));
        }
        match (check.kind, column.ty) {
            (0, Ty::Int | Ty::Big | Ty::Numeric) => format!("{name} > -5"),
            (0, Ty::Text | Ty::Varchar) => format!("{name} <> 'never'"),
            (0 | 1, Ty::Enum(id)) => match self.enum_of(id) {
                Some(ty) => {
                    let all: Vec<String> = ty.values.iter().map(|(_, value)| literal(value)).collect();
                    if check.kind == 0 || !self.offer.enums {
                        format!("{name} IN ({})", all.join(", "))
                    } else {
                        format!("{name} = {0}::{1} OR {name} <> {0}", all[0], quoted(&ty.name))
                    }
                }
                None => "true".to_owned(),
            },
            (2, _) => format!("{name} IS NOT NULL OR {name} IS NULL"),
            _ => format!("length(CAST({name} AS text)) < 900"),
        }
    }

    fn index_sql(&self, table: &Table, index: &Index) -> String {
        let first = table.column(index.columns[0]);
        let (name, ty) = first.map_or((String::new(), Ty::Int), |it| (quoted(&it.name), it.ty));
        let down = if index.descending { " DESC" } else { "" };
        let plain = format!("{}{down}", names(table, &index.columns));
        let (keys, predicate) = match (index.kind, ty) {
            (2, _) => (plain, format!(" WHERE {name} IS NOT NULL")),
            (3, ty) => (format!("({}){down}", of_column(&name, ty)), String::new()),
            (5, ty) => (format!("({}){down}, {name}", of_column(&name, ty)), String::new()),
            (6, Ty::Text | Ty::Varchar) if self.offer.collation.is_some() => {
                let collation = quoted(self.offer.collation.unwrap_or_default());
                (format!("{name} COLLATE {collation}{down}"), String::new())
            }
            (4, Ty::Enum(id)) => {
                let value = self.enum_of(id).map_or("", |it| it.values[0].1.as_str());
                (plain, format!(" WHERE {name} = {}", literal(value)))
            }
            (4, Ty::Int | Ty::Big) => (plain, format!(" WHERE {name} > 2")),
            _ => (plain, String::new()),
        };
        let unique = if index.unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX {} ON {} ({keys}){predicate};\n", quoted(&index.name), quoted(&table.name))
    }

    fn source_name(&self, source: Source) -> String {
        match source {
            Source::Table(id) => self.table(id).map_or_else(String::new, |it| quoted(&it.name)),
            Source::View(id) => self.view(id).map_or_else(String::new, |it| quoted(&it.name)),
        }
    }

    fn view_sql(&self, view: &View) -> String {
        let column = |(id, alias): &(Id, Option<String>)| {
            let name = quoted(&self.name_in(view.source, *id));
            alias.as_ref().map_or_else(|| name.clone(), |alias| format!("{name} AS {}", quoted(alias)))
        };
        let mut items: Vec<String> =
            if view.star { vec!["*".to_owned()] } else { view.columns.iter().map(column).collect() };
        if let Some(routine) = view.call.and_then(|id| self.routine(id)) {
            items.push(format!("{}(4) AS called", quoted(&routine.name)));
        }
        let filter = view.filter.map_or_else(String::new, |(id, kind)| {
            let name = quoted(&self.name_in(view.source, id));
            if kind == 0 {
                format!(" WHERE {name} IS NOT NULL")
            } else {
                format!(" WHERE CAST({name} AS text) <> 'users'")
            }
        });
        format!(
            "{}CREATE VIEW {} AS SELECT {} FROM {}{filter};\n",
            if view.call.is_some() { "-- @only postgres\n" } else { "" },
            quoted(&view.name),
            items.join(", "),
            self.source_name(view.source)
        )
    }

    fn routine_sql(&self, routine: &Routine) -> String {
        let name = quoted(&routine.name);
        let space = if routine.version == 0 { "" } else { " 0 +" };
        let body = match routine.body {
            Body::Number => {
                format!("(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT{space} x + 1 $$")
            }
            Body::Calls(id) => {
                let other = self.routine(id).map_or_else(String::new, |it| quoted(&it.name));
                format!("(x integer) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT{space} {other}(x) + 1 $$")
            }
            Body::Trigger => {
                let note = if routine.version == 0 { "" } else { " -- changed\n" };
                format!("() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN{note} RETURN NEW; END $$")
            }
            Body::Counts(source) => format!(
                "() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT{space} count(*) FROM {} $$",
                self.source_name(source)
            ),
            Body::Rows(id) => {
                let table = self.source_name(Source::Table(id));
                format!("() RETURNS SETOF {table} LANGUAGE sql STABLE AS $$ SELECT * FROM {table} $$")
            }
            Body::OfEnum(id) => {
                let ty = self.enum_of(id).map_or_else(String::new, |it| quoted(&it.name));
                format!("(x {ty}) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT x::text $$")
            }
        };
        format!("-- @only postgres\nCREATE FUNCTION {name}{body};\n")
    }

    fn attached(&self, table: &Table) -> Vec<String> {
        let name = quoted(&table.name);
        let mut made = Vec::new();
        if let Some(routine) = table.trigger.and_then(|id| self.routine(id)) {
            made.push(format!(
                "-- @only postgres\nCREATE TRIGGER \"trg {}\" BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION {}();\n",
                table.id,
                quoted(&routine.name)
            ));
        }
        if let Some(column) = table.policy.and_then(|id| table.column(id)) {
            made.push(format!(
                "-- @only postgres\nCREATE POLICY \"policy {}\" ON {name} USING ({} IS NOT NULL);\n",
                table.id,
                quoted(&column.name)
            ));
        }
        made.extend(table.note.and_then(|(id, kind)| Some(self.note_sql(table, table.column(id)?, kind))));
        made
    }

    /// A trigger that notes what happens to a table.
    fn note_sql(&self, table: &Table, column: &Column, kind: u8) -> String {
        let (name, column) = (quoted(&table.name), quoted(&column.name));
        let rest = match kind {
            0 => format!("AFTER DELETE ON {name} BEGIN INSERT INTO trace SELECT count({column}) FROM {name}; END"),
            1 => format!(
                "AFTER UPDATE OF {column} ON {name} WHEN NEW.{column} IS NOT NULL \
                 BEGIN INSERT INTO trace VALUES (OLD.{column}); END"
            ),
            2 => format!("BEFORE INSERT ON {name} BEGIN INSERT INTO trace VALUES ('it''s; new'); END"),
            _ => format!(
                "AFTER INSERT ON {name} BEGIN INSERT INTO trace SELECT {column} FROM {name} \
                 WHERE {column} IS NEW.{column}; DELETE FROM trace WHERE what IS NULL; END"
            ),
        };
        format!("-- @only {}\nCREATE TRIGGER \"note {}\" {rest};\n", self.offer.dialect, table.id)
    }

    fn comments(&self) -> String {
        let mut sql = String::new();
        for table in &self.tables {
            let name = quoted(&table.name);
            if table.comment > 0 {
                sql.push_str(&format!("COMMENT ON TABLE {name} IS 'it''s {}';\n", table.comment));
            }
            for column in table.columns.iter().filter(|it| it.comment) {
                sql.push_str(&format!("COMMENT ON COLUMN {name}.{} IS 'a column';\n", quoted(&column.name)));
            }
        }
        for ty in self.enums.iter().filter(|it| it.comment) {
            sql.push_str(&format!("COMMENT ON TYPE {} IS 'a type';\n", quoted(&ty.name)));
        }
        for view in self.views.iter().filter(|it| it.comment) {
            sql.push_str(&format!("COMMENT ON VIEW {} IS 'a view';\n", quoted(&view.name)));
        }
        sql
    }
}

fn names(table: &Table, ids: &[Id]) -> String {
    let name = |id: &Id| table.column(*id).map_or_else(String::new, |it| quoted(&it.name));
    ids.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// An expression over one column.
fn of_column(name: &str, ty: Ty) -> String {
    match ty {
        Ty::Int | Ty::Big => format!("{name} + 1"),
        Ty::Text | Ty::Varchar => format!("lower({name})"),
        _ => format!("{name} IS NULL"),
    }
}

fn enum_sql(ty: &Enum, was: Option<&Enum>) -> String {
    let value = |(id, name): &(Id, String)| {
        let old = was.and_then(|it| it.values.iter().find(|(was, _)| was == id)).map(|(_, name)| name);
        format!("{}  {}", renamed(old, name, "  "), literal(name))
    };
    let values: Vec<String> = ty.values.iter().map(value).collect();
    format!(
        "{}CREATE TYPE {} AS ENUM (\n{}\n);\n",
        renamed(was.map(|it| &it.name), &ty.name, ""),
        quoted(&ty.name),
        values.join(",\n")
    )
}
