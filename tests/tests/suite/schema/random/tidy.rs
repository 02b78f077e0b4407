//! What a database would refuse is taken out, and what rows would not survive by their own fault.

use std::collections::BTreeSet;

use super::offer::{Offer, said};
use super::world::{Body, Column, Default, Id, Key, Source, Table, Ty, World, family};

/// Types whose values differ from row to row.
fn is_distinct(ty: Ty) -> bool {
    matches!(ty, Ty::Int | Ty::Big | Ty::Text | Ty::Varchar | Ty::Numeric | Ty::Time | Ty::Bytes | Ty::Uuid)
}

impl Table {
    pub(super) fn column(&self, id: Id) -> Option<&Column> {
        self.columns.iter().find(|it| it.id == id)
    }

    fn has_all(&self, ids: &[Id]) -> bool {
        ids.iter().all(|id| self.column(*id).is_some())
    }

    fn can_be_key(&self, ids: &[Id]) -> bool {
        let plain = |id: &Id| self.column(*id).is_some_and(|it| it.generated.is_none() && it.ty != Ty::Json);
        let distinct = |id: &Id| self.column(*id).is_some_and(|it| is_distinct(it.ty));
        !ids.is_empty() && ids.iter().all(plain) && ids.iter().any(distinct)
    }

    /// Whether a column is in the primary key, or is referred to.
    fn is_key(&self, id: Id, world: &World) -> bool {
        let mut keys = world.tables.iter().flat_map(|it| &it.keys);
        self.primary.contains(&id) || keys.any(|it| it.parent == self.id && it.parent_columns.contains(&id))
    }

    /// Whether a column is in something unique.
    pub(super) fn is_told_apart(&self, id: Id) -> bool {
        let indexes = self.indexes.iter().filter(|it| it.unique).map(|it| &it.columns);
        let alone = self.primary.contains(&id) || self.excluded == Some(id);
        alone || self.uniques.iter().chain(indexes).any(|ids| ids.contains(&id))
    }

    /// Whether a column is in what is unique, or refers: one default for all rows would be wrong.
    fn is_bound(&self, id: Id) -> bool {
        let indexes = self.indexes.iter().filter(|it| it.unique).map(|it| &it.columns);
        self.uniques.iter().chain(indexes).any(|ids| ids.contains(&id))
            || self.excluded == Some(id)
            || self.keys.iter().any(|it| it.columns.contains(&id))
    }
}

/// Makes a name unlike the others, in more than its case.
fn unique_name(name: &mut String, id: Id, taken: &mut BTreeSet<String>) {
    if !taken.insert(name.to_lowercase()) {
        name.push_str(&format!(" {id}"));
        taken.insert(name.to_lowercase());
    }
}

/// Whether a type of the dialect stores values of a portable one in the same way.
fn names_type(name: &str, ty: Ty) -> bool {
    match ty {
        Ty::Int | Ty::Big => name == "int",
        Ty::Text | Ty::Varchar => name == "char(60)" || name == "clob",
        Ty::Numeric => name == "decimal(9, 3)",
        _ => false,
    }
}

impl World {
    /// Takes out what names what is not there, and what no database takes.
    pub(super) fn tidy(&mut self) {
        let mut names = BTreeSet::new();
        for ty in &mut self.enums {
            unique_name(&mut ty.name, ty.id, &mut names);
            let mut values = BTreeSet::new();
            ty.values.iter_mut().for_each(|(id, value)| unique_name(value, *id, &mut values));
        }
        self.tables.iter_mut().for_each(|it| unique_name(&mut it.name, it.id, &mut names));
        self.views.iter_mut().for_each(|it| unique_name(&mut it.name, it.id, &mut names));
        let indexes = self.tables.iter_mut().flat_map(|it| &mut it.indexes);
        indexes.for_each(|it| unique_name(&mut it.name, it.id, &mut names));
        self.tidy_routines();
        let world = self.clone();
        for table in &mut self.tables {
            table.columns.iter_mut().for_each(|column| world.tidy_type(column));
            world.tidy_columns(table);
            world.tidy_table(table);
            world.tidy_options(table);
        }
        let world = self.clone();
        for table in &mut self.tables {
            let own = table.clone();
            let mut seen = BTreeSet::new();
            table.keys.retain(|key| world.is_sound(&own, key) && seen.insert((key.columns.clone(), key.parent)));
            // A table that is further down cannot be referred to in place.
            let above: BTreeSet<Id> =
                world.tables.iter().map(|it| it.id).take_while(|id| *id != own.id).chain([own.id]).collect();
            table.keys.iter_mut().for_each(|it| it.at_column &= it.columns.len() == 1 && above.contains(&it.parent));
        }
        self.tidy_views();
    }

    fn tidy_type(&self, column: &mut Column) {
        match column.ty {
            Ty::Enum(id) if self.enum_of(id).is_none() => column.ty = Ty::Text,
            Ty::Enums(id) if self.enum_of(id).is_none() => column.ty = Ty::Texts,
            _ => {}
        }
    }

    fn tidy_routines(&mut self) {
        let world = self.clone();
        for routine in &mut self.routines {
            let there = |source: Source| match source {
                Source::Table(id) => world.table(id).is_some(),
                Source::View(id) => world.view(id).is_some(),
            };
            let is_there = match routine.body {
                Body::Number | Body::Trigger => true,
                Body::Calls(id) => id < routine.id && world.numbers().contains(&id),
                Body::Counts(source) => there(source),
                Body::Rows(id) => there(Source::Table(id)),
                Body::OfEnum(id) => world.enum_of(id).is_some(),
            };
            if !is_there {
                routine.body = Body::Number;
            }
        }
    }

    /// Options that say nothing of their table or column, or that cannot be together.
    fn tidy_options(&self, table: &mut Table) {
        let is_on = |table: &Table, name: &str| said(&table.options, name) == Some("on");
        let plain_key =
            |table: &Table| !table.primary.is_empty() && table.columns.iter().all(|it| it.identity.is_none());
        if is_on(table, "without-rowid") && !plain_key(table) {
            table.options.retain(|(name, _)| *name != "without-rowid");
        }
        let strict = is_on(table, "strict");
        let own = table.clone();
        for column in &mut table.columns {
            let (ty, is_free) = (column.ty, column.identity.is_none() && column.generated.is_none());
            column.options.retain(|(name, value)| match *name {
                "type" => is_free && !strict && names_type(value, ty),
                "default" => {
                    let numbers = matches!(ty, Ty::Int | Ty::Big);
                    let texts = matches!(ty, Ty::Text | Ty::Varchar);
                    is_free && if *value == "40 + 2" { numbers } else { texts }
                }
                _ => true,
            });
            if ty == Ty::Numeric && strict && self.stored(&own, column, "numerics") != Some("text") {
                column.options.retain(|(name, _)| *name != "numerics");
                column.options.push(("numerics", "text"));
            }
            column.collated &= is_free && matches!(ty, Ty::Text | Ty::Varchar);
            let as_text = self.stored(&own, column, "timestamps").is_none_or(|it| it == "text");
            if ty == Ty::Time && !as_text && column.default == Default::Literal {
                column.default = Default::Other;
            }
        }
        table.note = table.note.filter(|(id, _)| self.offer.notes && own.column(*id).is_some());
    }

    fn tidy_columns(&self, table: &mut Table) {
        let mut names = BTreeSet::new();
        table.columns.iter_mut().for_each(|it| unique_name(&mut it.name, it.id, &mut names));
        let (bases, primary) = (table.columns.clone(), table.primary.clone());
        let mut numbered = false;
        for column in &mut table.columns {
            let base = bases.iter().find(|it| Some(it.id) == column.generated && it.generated.is_none());
            column.generated = base.map(|it| it.id);
            if let Some(base) = base {
                (column.not_null, column.default, column.identity) = (false, Default::None, None);
                column.ty = match base.ty {
                    Ty::Int | Ty::Big => Ty::Big,
                    Ty::Text | Ty::Varchar => Ty::Text,
                    _ => Ty::Bool,
                };
            }
            let is_key = primary == [column.id];
            if !matches!(column.ty, Ty::Int | Ty::Big) || numbered || !(is_key || self.offer.free_identities) {
                column.identity = None;
            }
            if column.identity.is_some() {
                (numbered, column.not_null, column.default) = (true, true, Default::None);
            }
            if let Default::Call(id) = column.default
                && (!self.numbers().contains(&id) || column.ty != Ty::Int)
            {
                column.default = Default::Other;
            }
        }
    }

    fn tidy_table(&self, table: &mut Table) {
        let own = table.clone();
        if !own.can_be_key(&own.primary) {
            table.primary.clear();
        }
        for column in table.columns.iter_mut().filter(|it| table.primary.contains(&it.id)) {
            column.not_null = true;
        }
        let sorted = |ids: &[Id]| ids.iter().copied().collect::<BTreeSet<Id>>();
        let mut seen = BTreeSet::from([sorted(&table.primary)]);
        table.uniques.retain(|ids| own.can_be_key(ids) && seen.insert(sorted(ids)));
        let mut seen = BTreeSet::new();
        table.checks.retain(|it| own.column(it.column).is_some() && seen.insert((it.column, it.kind)));
        for check in &mut table.checks {
            let is_int = own.column(check.column).is_some_and(|it| it.ty == Ty::Int);
            let taken = check.at_column && own.column(check.column).is_none_or(|it| it.generated.is_some());
            check.at_column &= !taken;
            check.call = check.call.filter(|id| is_int && self.numbers().contains(id));
        }
        table.indexes.retain(|it| !it.columns.is_empty() && own.has_all(&it.columns));
        for index in &mut table.indexes {
            index.unique &= (index.kind < 3 || index.kind == 6) && own.can_be_key(&index.columns);
        }
        table.excluded = table.excluded.filter(|id| self.offer.sequences && own.can_be_key(&[*id]));
        let is_trigger = |id: &Id| self.routine(*id).is_some_and(|it| it.body == Body::Trigger);
        table.trigger = table.trigger.filter(is_trigger);
        table.policy = table.policy.filter(|id| self.offer.routines && own.column(*id).is_some());
    }

    fn is_sound(&self, table: &Table, key: &Key) -> bool {
        let Some(parent) = self.table(key.parent) else { return false };
        let plain = |id: &Id| table.column(*id).is_some_and(|it| it.generated.is_none());
        let fits = |(own, other): (&Id, &Id)| match (table.column(*own), parent.column(*other)) {
            (Some(own), Some(other)) => {
                let alike = |option: &str, usual: &str| {
                    let said = |table, column| self.stored(table, column, option).unwrap_or(usual);
                    said(table, own) == said(parent, other)
                };
                family(own.ty) == family(other.ty)
                    && (own.ty != Ty::Time || alike("timestamps", "text"))
                    && (own.ty != Ty::Numeric || alike("numerics", "numeric"))
            }
            _ => false,
        };
        let is_key = parent.primary == key.parent_columns || parent.uniques.contains(&key.parent_columns);
        is_key && key.columns.iter().all(plain) && key.columns.iter().zip(&key.parent_columns).all(fits)
    }

    fn tidy_views(&mut self) {
        let mut done: Self = self.clone();
        done.views.clear();
        let mut views = self.views.clone();
        views.sort_by_key(|it| it.id);
        for mut view in views {
            let readable = done.readable(view.source);
            let mut names = BTreeSet::new();
            view.columns.retain(|(id, alias)| {
                readable.contains(id) && names.insert(alias.clone().unwrap_or_else(|| done.name_in(view.source, *id)))
            });
            view.filter = view.filter.filter(|(id, _)| readable.contains(id));
            view.call = view.call.filter(|id| done.numbers().contains(id) && !view.star);
            if !readable.is_empty() && (view.star || !view.columns.is_empty()) {
                done.views.push(view);
            }
        }
        self.views = done.views;
        self.tidy_routines();
        let world = self.clone();
        self.tables.iter_mut().for_each(|it| world.tidy_columns(it));
    }

    /// What a column is called in a table or a view.
    pub(super) fn name_in(&self, source: Source, id: Id) -> String {
        let name = match source {
            Source::Table(table) => self.table(table).and_then(|it| it.column(id)).map(|it| it.name.clone()),
            Source::View(view) => self.view(view).and_then(|view| {
                let alias = view.columns.iter().find(|(it, _)| *it == id).and_then(|(_, alias)| alias.clone());
                alias.filter(|_| !view.star).or_else(|| Some(self.name_in(view.source, id)))
            }),
        };
        name.unwrap_or_default()
    }

    /// Makes this one a schema to which the rows of `before` can be brought.
    /// Numbers that are times keep their unit: that of rows which are there is changed by hand alone.
    fn keep_units(&mut self, before: &Self) {
        let world = self.clone();
        for table in &mut self.tables {
            let Some(was) = before.table(table.id) else { continue };
            let own = table.clone();
            for column in table.columns.iter_mut().filter(|it| it.ty == Ty::Time) {
                let old = was.column(column.id).filter(|it| it.ty == Ty::Time);
                let unit = old.and_then(|old| before.stored(was, old, "timestamps")).filter(|unit| *unit != "text");
                let Some(unit) = unit.filter(|_| world.stored(&own, column, "timestamps") != Some("text")) else {
                    continue;
                };
                if world.stored(&own, column, "timestamps").is_some_and(|it| it != unit) {
                    column.options.retain(|(name, _)| *name != "timestamps");
                    column.options.push(("timestamps", unit));
                }
            }
        }
    }

    pub(super) fn tidy_after(&mut self, before: &Self) {
        self.tidy();
        self.keep_names_apart(before);
        if !self.offer.enums {
            self.break_circles(before);
        }
        for ty in &mut self.enums {
            let Some(was) = before.enum_of(ty.id) else { continue };
            if !ty.values.iter().any(|(id, _)| was.values.iter().any(|(was, _)| was == id)) {
                ty.values.insert(0, was.values[0].clone());
            }
        }
        for table in &mut self.tables {
            let Some(was) = before.table(table.id) else { continue };
            for column in &mut table.columns {
                if let Some(was) = was.column(column.id)
                    && !converts(was.ty, column.ty)
                    && column.generated.is_none()
                {
                    column.ty = was.ty;
                }
            }
        }
        self.keep_units(before);
        self.tidy();
        let after = self.clone();
        for table in &mut self.tables {
            if let Some(was) = before.table(table.id) {
                fit_rows(table, was, after.offer);
                let own = table.clone();
                table.keys.retain(|key| fits(before, &after, &own, key));
            }
        }
        self.tidy();
        // A key that went may have been what another key refers to; a type that came back needs its values.
        if *self != after {
            self.tidy_after(before);
        }
    }

    fn keep_names_apart(&mut self, before: &Self) {
        let gone: BTreeSet<String> = before
            .tables
            .iter()
            .filter(|it| self.table(it.id).is_none())
            .map(|it| it.name.clone())
            .chain(before.enums.iter().map(|it| it.name.clone()))
            .collect();
        let tables: BTreeSet<String> = before.tables.iter().map(|it| it.name.clone()).collect();
        let views: BTreeSet<String> = before.views.iter().map(|it| it.name.clone()).collect();
        for table in &mut self.tables {
            let was = before.table(table.id);
            if was.is_none_or(|was| was.name != table.name) && gone.contains(&table.name) {
                table.name.push_str(&format!(" {}", table.id));
            }
            let Some(was) = was else { continue };
            let left: Vec<&Column> = was.columns.iter().filter(|it| table.column(it.id).is_none()).collect();
            let left: BTreeSet<String> = left.into_iter().map(|it| it.name.clone()).collect();
            for column in table.columns.iter_mut().filter(|it| left.contains(&it.name)) {
                if was.column(column.id).is_none_or(|was| was.name != column.name) {
                    column.name.push_str(&format!(" {}", column.id));
                }
            }
        }
        for ty in &mut self.enums {
            let was = before.enum_of(ty.id);
            let taken = |name: &String| {
                tables.contains(name) || views.contains(name) || before.enums.iter().any(|it| it.name == *name)
            };
            if was.is_none_or(|was| was.name != ty.name) && taken(&ty.name) {
                ty.name.push_str(&format!(" {}", ty.id));
            }
            let Some(was) = was else { continue };
            let now: BTreeSet<Id> = ty.values.iter().map(|(id, _)| *id).collect();
            for (id, name) in &mut ty.values {
                let own = was.values.iter().any(|(was, it)| was == id && it == name);
                if !own && was.values.iter().any(|(was, it)| it == name && !now.contains(was)) {
                    name.push_str(&format!(" {id}"));
                }
            }
        }
    }

    /// Values of an enum that hand their names round get names of their own where a dialect could not tell it.
    fn break_circles(&mut self, before: &Self) {
        for ty in &mut self.enums {
            let Some(was) = before.enum_of(ty.id) else { continue };
            for at in 0..ty.values.len() {
                let of = |id: Id| ty.values.iter().find(|(it, _)| *it == id).map(|(_, name)| name);
                let (id, mut name) = (ty.values[at].0, Some(&ty.values[at].1));
                for _ in 0..ty.values.len() {
                    let holder = name.and_then(|name| was.values.iter().find(|(_, it)| it == name));
                    name = holder.filter(|(it, old)| of(*it) != Some(old)).and_then(|(it, _)| of(*it));
                    if holder.is_some_and(|(it, old)| *it == id && of(id) != Some(old)) {
                        ty.values[at].1.push_str(&format!(" {id}"));
                        break;
                    }
                }
            }
        }
    }

    /// Whether a row of `self`, which becomes `after`, may hold NULL there.
    pub(super) fn may_be_null(&self, after: &Self, table: &Table, column: &Column) -> bool {
        let later = after.table(table.id).and_then(|it| Some((it, it.column(column.id)?)));
        let free = |table: &Table, column: &Column, world: &Self| {
            column.identity.is_none() && column.generated.is_none() && !table.is_key(column.id, world)
        };
        let stays = |(now, later): (&Table, &Column)| {
            let is_bound = table.is_bound(column.id) || now.is_bound(column.id);
            free(now, later, after) && !(later.not_null && is_bound)
        };
        !column.not_null && free(table, column, self) && later.is_none_or(stays)
    }
}

fn converts(from: Ty, to: Ty) -> bool {
    from == to
        || match (from, to) {
            (Ty::Int | Ty::Big, Ty::Int | Ty::Big) | (Ty::Text | Ty::Varchar, Ty::Text | Ty::Varchar) => true,
            (Ty::Json | Ty::Bytes | Ty::Texts | Ty::Enums(_), _) => false,
            (_, to) => to == Ty::Text,
        }
}

/// Whether the rows of a table have no numbers beside their key.
fn is_keyed_by_itself(table: &Table) -> bool {
    said(&table.options, "without-rowid").is_some()
}

/// A table that has rows: what is new in it must have values, and what is unique must be so.
fn fit_rows(table: &mut Table, was: &Table, offer: &Offer) {
    for column in &mut table.columns {
        let old = was.column(column.id);
        if let Some(old) = old
            && old.generated.is_some() != column.generated.is_some()
        {
            column.not_null = false;
            column.identity = None;
        }
        let asks = column.not_null && old.is_none_or(|old| !old.not_null);
        if asks && column.default == Default::None && column.identity.is_none() {
            column.default = Default::Literal;
        }
    }
    let own = table.clone();
    let kept = |id: &Id| match (was.column(*id), own.column(*id)) {
        (Some(was), Some(is)) => was.generated.is_none() && is.generated.is_none() && is_distinct(was.ty),
        _ => false,
    };
    let settled = |ids: &[Id]| ids.iter().all(|id| was.column(*id).is_none_or(|it| it.generated.is_none()));
    // Where rows have numbers already, a column that numbers them takes these.
    let takes_numbers = |id: &Id| !offer.free_identities && own.column(*id).is_some_and(|it| it.identity.is_some());
    let is_new = |id: &Id| was.column(*id).is_none();
    let numbered = table.primary.iter().all(|id| takes_numbers(id) && is_new(id)) && !is_keyed_by_itself(was);
    let fits = numbered || (table.primary.iter().any(kept) && settled(&table.primary));
    if !fits {
        table.primary.clear();
    }
    table.excluded = table.excluded.filter(|id| kept(id));
    table.uniques.retain(|ids| ids.iter().any(kept) && settled(ids));
    table.indexes.iter_mut().for_each(|it| it.unique &= it.columns.iter().any(kept) && settled(&it.columns));
}

/// Whether the rows that are there satisfy a foreign key.
fn fits(before: &World, after: &World, table: &Table, key: &Key) -> bool {
    let kept = |table: Id, column: Id| {
        let was = before.table(table).and_then(|it| it.column(column));
        let is = after.table(table).and_then(|it| it.column(column));
        match (was, is) {
            (Some(was), Some(is)) => {
                was.generated.is_none() && is.generated.is_none() && family(was.ty) == family(is.ty)
            }
            _ => false,
        }
    };
    let was = before.table(table.id);
    let empty = |id: &Id| {
        was.is_some_and(|it| it.column(*id).is_none())
            && table.column(*id).is_some_and(|it| {
                it.default == Default::None
                    && it.options.is_empty()
                    && it.identity.is_none()
                    && !it.not_null
                    && it.generated.is_none()
            })
    };
    let all_kept =
        key.columns.iter().all(|id| kept(table.id, *id)) && key.parent_columns.iter().all(|id| kept(key.parent, *id));
    all_kept || key.columns.iter().all(empty)
}
