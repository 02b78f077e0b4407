//! Snapshots of Drizzle 1.0: a flat list of entities, each with the kind, the schema, the table and the name that it has.

use std::collections::{BTreeMap, HashMap};

use super::fields::{Fields, Reading, Wrong};
use super::json::Json;
use super::said::{self, Check, Column, Index, Key, Said, Table};
use crate::model::{Deferrable, EnumType, ForeignKey, NullsOrder, ObjectName, PrimaryKey, Unique};

/// Entities in their order, found by what they are called.
#[derive(Debug, Clone, Default)]
pub(super) struct Entities {
    /// One that was dropped leaves its place.
    list: Vec<Option<Json>>,
    places: HashMap<Identity, usize>,
}

/// Kind, and as far as it has them, schema, table and name.
type Identity = (String, Vec<String>);

fn identity(entity: &Json) -> Reading<Identity> {
    let part = |key: &str| entity.get(key).and_then(Json::text).map(str::to_owned);
    let (Some(kind), Some(name)) = (part("entityType"), part("name")) else {
        return Err(Wrong::new("`ddl`", format!("an entity has no `entityType` or no `name`: {entity}")));
    };
    // Names of indexes are those of a whole schema.
    let table = part("table").filter(|_| kind != "indexes");
    let parts = part("schema").into_iter().chain(table).chain([name]).collect();
    Ok((kind, parts))
}

/// `columns\0["public","users","id"]`
fn identity_of_key(key: &str) -> Reading<Identity> {
    let parsed = key.split_once('\0').and_then(|(kind, parts)| {
        let parts: Vec<String> = serde_json::from_str(parts).ok()?;
        Some((kind.to_owned(), parts))
    });
    parsed.ok_or_else(|| Wrong::new("`deltas`", format!("`{}` names no entity", key.replace('\0', " "))))
}

/// What is not read anyway need not be found.
fn is_read(kind: &str) -> bool {
    !matches!(kind, "roles" | "privileges")
}

impl Entities {
    pub(super) fn of(snapshot: &Json) -> Reading<Self> {
        let list = snapshot.get("ddl").and_then(Json::list);
        let list = list.ok_or_else(|| Wrong::new("the snapshot", "has no list `ddl`"))?;
        let mut entities = Self::default();
        list.iter().try_for_each(|entity| entities.set(entity.clone()))?;
        Ok(entities)
    }

    fn iter(&self) -> impl Iterator<Item = &Json> {
        self.list.iter().flatten()
    }

    fn get(&self, identity: &Identity) -> Option<&Json> {
        self.places.get(identity).and_then(|at| self.list.get(*at)?.as_ref())
    }

    /// Adds an entity, in the place of one that is called the same.
    fn set(&mut self, entity: Json) -> Reading<()> {
        let identity = identity(&entity)?;
        match self.places.get(&identity).and_then(|at| self.list.get_mut(*at)) {
            Some(place) => *place = Some(entity),
            None => {
                self.places.insert(identity, self.list.len());
                self.list.push(Some(entity));
            }
        }
        Ok(())
    }

    fn remove(&mut self, identity: &Identity) -> Option<Json> {
        self.places.remove(identity).and_then(|at| self.list.get_mut(at)?.take())
    }

    /// Carries out the `deltas` of a snapshot that holds what changes.
    pub(super) fn apply(&mut self, snapshot: &Json) -> Reading<()> {
        let deltas = snapshot.get("deltas").and_then(Json::list);
        let deltas = deltas.ok_or_else(|| Wrong::new("the snapshot", "is a diff, and has no list `deltas`"))?;
        deltas.iter().enumerate().try_for_each(|(at, delta)| self.delta(at, delta))
    }

    fn delta(&mut self, at: usize, delta: &Json) -> Reading<()> {
        let place = format!("delta {}", at + 1);
        let mut fields = Fields::of(delta, place.clone())?;
        let op = fields.text("op")?;
        if op == "create" {
            let row = fields.take("row").ok_or_else(|| fields.wrong("creates nothing: it has no `row`"))?;
            return self.set(row.clone());
        }
        let identity = identity_of_key(fields.text("key")?)?;
        let (kind, called) = (&identity.0, identity.1.join("."));
        let Some(entity) = self.get(&identity) else {
            let missing = format!("the {op} is of {kind} {called}, which is not there");
            return if is_read(kind) { Err(Wrong::new(place, missing)) } else { Ok(()) };
        };
        match op {
            "drop" => {
                self.remove(&identity);
                Ok(())
            }
            "alter" => {
                let altered = altered(entity, fields.object("set")?);
                // It keeps its place, unless it is called otherwise now.
                if self::identity(&altered)? != identity {
                    self.remove(&identity);
                }
                self.set(altered)
            }
            other => Err(Wrong::new(place, format!("`op` is `{other}`: known are create, drop and alter"))),
        }
    }

    /// Takes over what `after` has changed since `before`.
    pub(super) fn take_over(&mut self, before: &Self, after: &Self) {
        for identity in before.places.keys().filter(|identity| after.get(identity).is_none()) {
            self.remove(identity);
        }
        for entity in after.iter() {
            let Ok(identity) = identity(entity) else { continue };
            if before.get(&identity) != Some(entity) {
                // Its identity was just found.
                let _ = self.set(entity.clone());
            }
        }
    }
}

fn altered(entity: &Json, set: &[(String, Json)]) -> Json {
    let Json::Object(pairs) = entity else { return entity.clone() };
    let mut pairs = pairs.clone();
    for (key, value) in set {
        match pairs.iter_mut().find(|(name, _)| name == key) {
            Some((_, place)) => place.clone_from(value),
            None => pairs.push((key.clone(), value.clone())),
        }
    }
    Json::Object(pairs)
}

/// What the entities say.
pub(super) fn said(entities: &Entities) -> Reading<Said> {
    let mut said = Said::default();
    let (tables, others): (Vec<&Json>, Vec<&Json>) = entities.iter().partition(|it| kind(it) == "tables");
    for json in tables {
        table(json, &mut said)?;
    }
    for json in others {
        let mut fields = Fields::of(json, place(json))?;
        let kind = fields.text("entityType")?;
        match kind {
            "schemas" => {
                let name = fields.text("name")?;
                said.schemas.extend(said::is_made(name).then(|| name.to_owned()));
            }
            "enums" => {
                let name = named(&mut fields)?;
                said.enums.push(EnumType { name, values: fields.texts("values")?, comment: None });
            }
            "sequences" => {
                let name = named(&mut fields)?;
                said.sequences.push((name, said::counting(&mut fields, "incrementBy", "cacheSize")?));
            }
            "views" => {
                let name = named(&mut fields)?;
                said.views.extend(said::view(&mut fields, name, &mut said.unread)?);
            }
            "columns" | "pks" | "uniques" | "fks" | "checks" | "indexes" | "policies" => {
                of_table(kind, &mut fields, &mut said)?;
            }
            "roles" => {
                said.unread.push(format!("role {}: roles are the server's", fields.text("name")?));
                continue;
            }
            _ => {
                said.unread.push(format!("{}: such entities are not read", place(json)));
                continue;
            }
        }
        fields.finish(&mut said.unread);
    }
    Ok(said)
}

fn kind(json: &Json) -> &str {
    json.get("entityType").and_then(Json::text).unwrap_or_default()
}

/// What an entity is called among people: `table users, column id`.
fn place(json: &Json) -> String {
    let text = |key: &str| json.get(key).and_then(Json::text).unwrap_or_default();
    let word = match kind(json) {
        "schemas" => "schema",
        "tables" => "table",
        "enums" => "enum",
        "columns" => "column",
        "indexes" => "index",
        "fks" => "foreign key",
        "pks" => "primary key",
        "uniques" => "unique constraint",
        "checks" => "check",
        "sequences" => "sequence",
        "policies" => "policy",
        "views" => "view",
        other => other,
    };
    match text("table") {
        "" => format!("{word} {}", said::name(Some(text("schema")), text("name"))),
        table => format!("table {}, {word} {}", said::name(Some(text("schema")), table), text("name")),
    }
}

fn named(fields: &mut Fields<'_>) -> Reading<ObjectName> {
    Ok(said::name(fields.text_or_none("schema")?, fields.text("name")?))
}

fn table(json: &Json, said: &mut Said) -> Reading<()> {
    let mut fields = Fields::of(json, place(json))?;
    fields.pass_over(&["entityType"]);
    let mut table = Table::new(named(&mut fields)?);
    table.row_security = fields.flag("isRlsEnabled")?;
    said.tables.push(table);
    fields.finish(&mut said.unread);
    Ok(())
}

/// Takes what belongs to a table.
fn of_table(kind: &str, fields: &mut Fields<'_>, said: &mut Said) -> Reading<()> {
    let of = said::name(fields.text_or_none("schema")?, fields.text("table")?);
    let Some(table) = said.tables.iter_mut().find(|table| table.name == of) else {
        return Err(fields.wrong(format!("there is no table {of}")));
    };
    let unread = &mut said.unread;
    match kind {
        "columns" => table.columns.push(column(fields, &of, unread)?),
        "pks" => {
            let name = Some(fields.text("name")?.to_owned());
            table.primary_key = Some(PrimaryKey { name, columns: fields.texts("columns")? });
        }
        "uniques" => table.uniques.push(Unique {
            name: Some(fields.text("name")?.to_owned()),
            columns: fields.texts("columns")?,
            nulls_not_distinct: fields.flag("nullsNotDistinct")?,
            deferrable: Deferrable::No,
        }),
        "fks" => table.foreign_keys.push(foreign_key(fields)?),
        "checks" => {
            table.checks.push(Check { name: fields.text("name")?.to_owned(), expr: fields.text("value")?.to_owned() });
        }
        "indexes" => table.indexes.push(index(fields, &of, unread)?),
        _ => {
            table.policies.push(said::policy(fields, "roles")?);
            table.row_security = true;
        }
    }
    // Whether a person chose the name.
    fields.pass_over(&["nameExplicit"]);
    Ok(())
}

fn column(fields: &mut Fields<'_>, of: &ObjectName, unread: &mut Vec<String>) -> Reading<Column> {
    let name = fields.text("name")?.to_owned();
    let place = format!("table {of}, column {name}");
    let ty = fields.text("type")?;
    let (ty, is_array) = ty.split_once('[').map_or((ty, false), |(item, _)| (item, true));
    Ok(Column {
        name,
        ty: ty.trim().to_owned(),
        ty_schema: fields.text_or_none("typeSchema")?.map(str::to_owned),
        is_array: fields.number("dimensions")?.unwrap_or(0) > 0 || is_array,
        not_null: fields.flag("notNull")?,
        autoincrement: fields.flag("autoincrement")?,
        default: said::default(fields)?,
        generated: said::generated(fields, &place, unread)?,
        identity: said::identity(fields, &place, unread)?,
    })
}

fn foreign_key(fields: &mut Fields<'_>) -> Reading<ForeignKey> {
    Ok(ForeignKey {
        name: Some(fields.text("name")?.to_owned()),
        columns: fields.texts("columns")?,
        parent: said::name(fields.text_or_none("schemaTo")?, fields.text("tableTo")?),
        parent_columns: fields.texts("columnsTo")?,
        on_delete: said::action(fields, "onDelete")?,
        on_update: said::action(fields, "onUpdate")?,
        match_full: false,
        deferrable: Deferrable::No,
        at_column: false,
    })
}

fn index(fields: &mut Fields<'_>, of: &ObjectName, unread: &mut Vec<String>) -> Reading<Index> {
    let name = fields.text("name")?.to_owned();
    let place = format!("table {of}, index {name}");
    let keys: Reading<Vec<Key>> = fields.list("columns")?.iter().map(|json| key(&place, json, unread)).collect();
    let index = Index {
        name,
        unique: fields.flag("isUnique")?,
        keys: keys?,
        predicate: fields.text_or_none("where")?.map(str::to_owned),
        method: fields.text_or_none("method")?.map(str::to_owned),
        with: parameters(fields.text_or_none("with")?.unwrap_or_default()),
    };
    fields.pass_over(&["concurrently", "origin"]);
    Ok(index)
}

/// `{value, isExpression, asc, nullsFirst, opclass: {name, default}}`
fn key(place: &str, json: &Json, unread: &mut Vec<String>) -> Reading<Key> {
    let mut fields = Fields::of(json, format!("{place}, a key"))?;
    fields.pass_over(&["isExpression"]);
    let text = fields.text("value")?.to_owned();
    let descending = matches!(fields.take("asc"), Some(Json::Bool(false)));
    let nulls = fields.take("nullsFirst").map(|first| match first {
        Json::Bool(true) => NullsOrder::First,
        _ => NullsOrder::Last,
    });
    let opclass = fields.take("opclass").filter(|it| it.get("default") != Some(&Json::Bool(true)));
    let opclass = opclass.and_then(|it| it.text().or_else(|| it.get("name")?.text())).map(str::to_owned);
    fields.finish(unread);
    Ok(Key { text, descending, nulls, opclass })
}

/// `fillfactor=70, fastupdate=off`
fn parameters(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}
