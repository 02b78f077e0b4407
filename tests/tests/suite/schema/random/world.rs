//! Schemas that nobody would write, as data: everything has a number that stays when its name changes.

use super::offer::{Offer, Said, said};

/// Where chance comes from: the same seed gives the same schemas on every machine.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number below `count`, which is not 0.
    pub(super) fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    /// True so many times of a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { Some(list[self.below(list.len())]) }
    }
}

pub(super) type Id = usize;

/// A schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct World {
    /// What its dialect has.
    pub(super) offer: &'static Offer,
    /// How types are stored, of the whole file.
    pub(super) options: Said,
    pub(super) enums: Vec<Enum>,
    pub(super) tables: Vec<Table>,
    pub(super) views: Vec<View>,
    pub(super) routines: Vec<Routine>,
    /// The next number.
    pub(super) next: Id,
    /// With how each counts.
    pub(super) sequences: Vec<(Id, u8)>,
    /// In which order natives and views stand in the file.
    pub(super) shuffle: usize,
    /// How many columns a table of the dialect's own has in which texts are searched.
    pub(super) searched: Option<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Enum {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) values: Vec<(Id, String)>,
    pub(super) comment: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Vec<Id>,
    pub(super) uniques: Vec<Vec<Id>>,
    pub(super) keys: Vec<Key>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
    pub(super) comment: u8,
    /// The trigger function.
    pub(super) trigger: Option<Id>,
    /// A policy over this column.
    pub(super) policy: Option<Id>,
    /// A constraint that excludes a second row of the same value.
    pub(super) excluded: Option<Id>,
    /// A trigger of the dialect's own that reads this column, and what kind it is.
    pub(super) note: Option<(Id, u8)>,
    pub(super) options: Said,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) ty: Ty,
    pub(super) not_null: bool,
    pub(super) default: Default,
    /// Computed from this column.
    pub(super) generated: Option<Id>,
    /// `Some(true)`: always.
    pub(super) identity: Option<bool>,
    /// With the collation that the dialect offers.
    pub(super) collated: bool,
    pub(super) options: Said,
    pub(super) comment: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Default {
    None,
    Literal,
    Other,
    /// This function of a number.
    Call(Id),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ty {
    Int,
    Big,
    Text,
    Varchar,
    Bool,
    Numeric,
    Time,
    Json,
    Bytes,
    Uuid,
    Texts,
    Enum(Id),
    Enums(Id),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) columns: Vec<Id>,
    pub(super) parent: Id,
    pub(super) parent_columns: Vec<Id>,
    pub(super) on_delete: &'static str,
    pub(super) on_update: &'static str,
    pub(super) deferred: bool,
    /// It stands at its one column.
    pub(super) at_column: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Check {
    pub(super) id: Id,
    pub(super) column: Id,
    pub(super) kind: u8,
    pub(super) call: Option<Id>,
    pub(super) is_named: bool,
    /// It stands at its column.
    pub(super) at_column: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Index {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) columns: Vec<Id>,
    pub(super) unique: bool,
    pub(super) kind: u8,
    pub(super) descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) source: Source,
    /// Columns of the source with their aliases.
    pub(super) columns: Vec<(Id, Option<String>)>,
    pub(super) star: bool,
    pub(super) filter: Option<(Id, u8)>,
    pub(super) call: Option<Id>,
    pub(super) comment: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    Table(Id),
    View(Id),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Routine {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) body: Body,
    /// Another text of the same meaning.
    pub(super) version: u8,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Body {
    /// A function of a number.
    Number,
    /// A function of a number that calls another.
    Calls(Id),
    /// A trigger function.
    Trigger,
    /// Counts the rows of a table or a view.
    Counts(Source),
    /// Gives the rows of a table.
    Rows(Id),
    /// Takes a value of an enum.
    OfEnum(Id),
}

const TABLES: [&str; 10] = ["users", "Order", "a b", "log", "group", "items", "c1", "People", "users_new", "group by"];
const COLUMNS: [&str; 10] = ["a", "b", "Select", "c d", "users", "value", "c1", "Name", "order", "from"];
const VALUES: [&str; 7] = ["new", "it's", "a", "Old v", "users", "done", "x\"y"];
pub(super) const ACTIONS: [&str; 5] = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"];

impl World {
    /// A schema that holds nothing.
    pub(super) fn empty(offer: &'static Offer) -> Self {
        let (enums, tables, views, routines) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (options, sequences) = (Vec::new(), Vec::new());
        Self { offer, options, enums, tables, views, routines, sequences, next: 0, shuffle: 0, searched: None }
    }

    /// What is said of how a column is stored: at the column, at its table, at the top of the file.
    pub(super) fn stored(&self, table: &Table, column: &Column, option: &str) -> Option<&'static str> {
        // A type of its own says it all.
        if option == "numerics" && said(&column.options, "type").is_some() {
            return None;
        }
        let all = [&column.options, &table.options, &self.options];
        all.into_iter().find_map(|options| said(options, option))
    }

    pub(super) fn table(&self, id: Id) -> Option<&Table> {
        self.tables.iter().find(|it| it.id == id)
    }

    pub(super) fn enum_of(&self, id: Id) -> Option<&Enum> {
        self.enums.iter().find(|it| it.id == id)
    }

    pub(super) fn view(&self, id: Id) -> Option<&View> {
        self.views.iter().find(|it| it.id == id)
    }

    pub(super) fn routine(&self, id: Id) -> Option<&Routine> {
        self.routines.iter().find(|it| it.id == id)
    }

    fn id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    fn free_name(&self, chance: &mut Chance, pool: &[&str], taken: &dyn Fn(&str) -> bool) -> String {
        for _ in 0..4 {
            let name = pool[chance.below(pool.len())];
            if !taken(name) {
                return name.to_owned();
            }
        }
        format!("{} {}", pool[chance.below(pool.len())], self.next)
    }

    pub(super) fn relation_name(&self, chance: &mut Chance) -> String {
        let taken = |name: &str| {
            self.tables.iter().any(|it| it.name == name)
                || self.views.iter().any(|it| it.name == name)
                || self.enums.iter().any(|it| it.name == name)
                || self.tables.iter().flat_map(|it| &it.indexes).any(|it| it.name == name)
        };
        self.free_name(chance, &TABLES, &taken)
    }

    pub(super) fn column_name(&self, chance: &mut Chance, table: &Table) -> String {
        self.free_name(chance, &COLUMNS, &|name| table.columns.iter().any(|it| it.name == name))
    }

    pub(super) fn value_name(&self, chance: &mut Chance, ty: &Enum) -> String {
        self.free_name(chance, &VALUES, &|name| ty.values.iter().any(|(_, it)| it == name))
    }

    /// A schema of some size.
    pub(super) fn random(chance: &mut Chance, offer: &'static Offer) -> Self {
        let mut world = Self { shuffle: chance.below(5), ..Self::empty(offer) };
        if chance.percent(40) {
            world.options = world.some_options(chance, &[]);
        }
        world.searched = Some(chance.below(4) as u8).filter(|count| offer.searches && *count > 0);
        for _ in 0..chance.below(3) {
            world.add_enum(chance);
        }
        for _ in 0..chance.below(4) {
            world.add_routine(chance);
        }
        for _ in 0..1 + chance.below(4) {
            world.add_table(chance);
        }
        for _ in 0..chance.below(6) {
            world.add_to_a_table(chance);
        }
        for _ in 0..chance.below(4) {
            world.add_view(chance);
        }
        for _ in 0..chance.below(3) {
            world.add_routine(chance);
        }
        if chance.percent(20) {
            world.add_sequence(chance);
        }
        world
    }

    pub(super) fn add_enum(&mut self, chance: &mut Chance) {
        let id = self.id();
        let name = self.relation_name(chance);
        let mut made = Enum { id, name, values: Vec::new(), comment: chance.percent(30) };
        for _ in 0..2 + chance.below(3) {
            let value = (self.id(), self.value_name(chance, &made));
            made.values.push(value);
        }
        self.enums.push(made);
    }

    pub(super) fn ty(&self, chance: &mut Chance) -> Ty {
        let plain = [Ty::Int, Ty::Int, Ty::Big, Ty::Text, Ty::Text, Ty::Varchar, Ty::Bool, Ty::Numeric, Ty::Time];
        let all = [Ty::Json, Ty::Texts, Ty::Bytes, Ty::Uuid];
        let enums: Vec<Id> = self.enums.iter().map(|it| it.id).collect();
        match chance.pick(&enums) {
            Some(id) if chance.percent(35) => {
                if chance.percent(20) {
                    Ty::Enums(id)
                } else {
                    Ty::Enum(id)
                }
            }
            _ if chance.percent(20) => all[chance.below(4)],
            _ => plain[chance.below(plain.len())],
        }
    }

    pub(super) fn numbers(&self) -> Vec<Id> {
        let of = |it: &&Routine| matches!(it.body, Body::Number | Body::Calls(_));
        self.routines.iter().filter(of).map(|it| it.id).collect()
    }

    pub(super) fn some_default(&self, chance: &mut Chance) -> Default {
        match (chance.below(5), chance.pick(&self.numbers())) {
            (0, Some(id)) => Default::Call(id),
            (1, _) => Default::Literal,
            (2, _) => Default::Other,
            _ => Default::None,
        }
    }

    pub(super) fn column(&mut self, chance: &mut Chance, table: &Table) -> Column {
        let (id, name) = (self.id(), self.column_name(chance, table));
        let others: Vec<Id> = table.columns.iter().map(|it| it.id).collect();
        Column {
            id,
            name,
            ty: self.ty(chance),
            not_null: chance.percent(30),
            default: self.some_default(chance),
            generated: chance.pick(&others).filter(|_| chance.percent(12)),
            identity: if chance.percent(8) { Some(chance.percent(50)) } else { None },
            collated: self.offer.collation.is_some() && chance.percent(15),
            options: if chance.percent(15) { self.some_options(chance, self.offer.of_columns) } else { Vec::new() },
            comment: chance.percent(15),
        }
    }

    /// One or two options of those for everything, and of `own`.
    pub(super) fn some_options(&self, chance: &mut Chance, own: &[(&'static str, &'static [&'static str])]) -> Said {
        let all: Vec<_> = self.offer.stored.iter().chain(own).copied().collect();
        let mut options = Said::new();
        for _ in 0..1 + chance.below(2) {
            if let Some((name, values)) = chance.pick(&all)
                && said(&options, name).is_none()
            {
                options.push((name, values[chance.below(values.len())]));
            }
        }
        options
    }

    pub(super) fn add_table(&mut self, chance: &mut Chance) {
        let (id, name) = (self.id(), self.relation_name(chance));
        let mut table = Table {
            id,
            name,
            columns: Vec::new(),
            primary: Vec::new(),
            uniques: Vec::new(),
            keys: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            comment: if chance.percent(30) { 1 } else { 0 },
            trigger: None,
            policy: None,
            excluded: None,
            note: None,
            options: if chance.percent(40) { self.some_options(chance, self.offer.of_tables) } else { Vec::new() },
        };
        for _ in 0..1 + chance.below(5) {
            let column = self.column(chance, &table);
            table.columns.push(column);
        }
        if chance.percent(75) {
            table.primary = some_columns(chance, &table);
        }
        if !self.offer.free_identities && chance.percent(30) {
            let id = table.columns[0].id;
            (table.columns[0].ty, table.columns[0].identity, table.primary) = (Ty::Big, Some(false), vec![id]);
        }
        self.tables.push(table);
    }

    /// A constraint, an index, a trigger or a policy of any table.
    pub(super) fn add_to_a_table(&mut self, chance: &mut Chance) {
        if self.tables.is_empty() {
            return;
        }
        let at = chance.below(self.tables.len());
        let table = self.tables[at].clone();
        let id = self.id();
        let column = table.columns[chance.below(table.columns.len())].id;
        match chance.below(10) {
            0 => self.tables[at].uniques.push(some_columns(chance, &table)),
            1..=3 => {
                if let Some(key) = self.key(chance, &table) {
                    self.tables[at].keys.push(key);
                }
            }
            4 | 5 => {
                let call = chance.pick(&self.numbers()).filter(|_| chance.percent(30));
                self.tables[at].checks.push(Check {
                    id,
                    column,
                    kind: chance.below(4) as u8,
                    call,
                    is_named: chance.percent(25),
                    at_column: chance.percent(40),
                });
            }
            6 | 7 => {
                let name = format!("{} idx {}", ["i", "Index", "users"][chance.below(3)], id);
                let index = Index {
                    id,
                    name,
                    columns: some_columns(chance, &table),
                    unique: chance.percent(25),
                    kind: chance.below(7) as u8,
                    descending: chance.percent(30),
                };
                self.tables[at].indexes.push(index);
            }
            8 => {
                let triggers: Vec<Id> =
                    self.routines.iter().filter(|it| it.body == Body::Trigger).map(|it| it.id).collect();
                self.tables[at].trigger = chance.pick(&triggers);
            }
            _ => self.tables[at].policy = Some(column),
        }
        if self.offer.sequences && chance.percent(8) {
            self.tables[at].excluded = Some(column);
        }
        if self.offer.notes && chance.percent(20) {
            self.tables[at].note = Some((column, chance.below(4) as u8));
        }
    }

    pub(super) fn add_sequence(&mut self, chance: &mut Chance) {
        if self.offer.sequences {
            let id = self.id();
            self.sequences.push((id, chance.below(3) as u8));
        }
    }

    /// A foreign key of this table to a key of any.
    fn key(&mut self, chance: &mut Chance, table: &Table) -> Option<Key> {
        let parent = &self.tables[chance.below(self.tables.len())];
        let mut keys = parent.uniques.clone();
        if !parent.primary.is_empty() {
            keys.push(parent.primary.clone());
        }
        let parent_columns = if keys.is_empty() { return None } else { keys[chance.below(keys.len())].clone() };
        let mut columns: Vec<Id> = Vec::new();
        for id in &parent_columns {
            let theirs = parent.columns.iter().find(|it| it.id == *id)?;
            let fits = |it: &&Column| family(it.ty) == family(theirs.ty) && !columns.contains(&it.id);
            let fitting: Vec<Id> = table.columns.iter().filter(fits).map(|it| it.id).collect();
            columns.push(chance.pick(&fitting)?);
        }
        Some(Key {
            columns,
            parent: parent.id,
            parent_columns,
            on_delete: ACTIONS[chance.below(5)],
            on_update: ACTIONS[chance.below(5)],
            deferred: chance.percent(20),
            at_column: chance.percent(40),
        })
    }

    fn source(&self, chance: &mut Chance) -> Option<Source> {
        let tables = self.tables.iter().map(|it| Source::Table(it.id));
        let sources: Vec<Source> = tables.chain(self.views.iter().map(|it| Source::View(it.id))).collect();
        chance.pick(&sources)
    }

    /// The numbers of the columns that a view can read.
    pub(super) fn readable(&self, source: Source) -> Vec<Id> {
        match source {
            Source::Table(id) => self.table(id).map_or_else(Vec::new, |it| it.columns.iter().map(|it| it.id).collect()),
            Source::View(id) => match self.view(id) {
                Some(view) if view.star => self.readable(view.source),
                Some(view) => view.columns.iter().map(|(id, _)| *id).collect(),
                None => Vec::new(),
            },
        }
    }

    pub(super) fn add_view(&mut self, chance: &mut Chance) {
        let Some(source) = self.source(chance) else { return };
        let (id, name) = (self.id(), self.relation_name(chance));
        let readable = self.readable(source);
        let mut columns: Vec<(Id, Option<String>)> = Vec::new();
        for column in &readable {
            if columns.is_empty() || chance.percent(50) {
                let alias = if chance.percent(25) { Some(format!("v{column}")) } else { None };
                columns.push((*column, alias));
            }
        }
        let view = View {
            id,
            name,
            source,
            columns,
            star: chance.percent(15),
            filter: chance.pick(&readable).filter(|_| chance.percent(40)).map(|id| (id, chance.below(2) as u8)),
            call: chance.pick(&self.numbers()).filter(|_| chance.percent(15)),
            comment: chance.percent(20),
        };
        self.views.push(view);
    }

    pub(super) fn add_routine(&mut self, chance: &mut Chance) {
        if !self.offer.routines {
            return;
        }
        let id = self.id();
        let body = match (chance.below(7), self.source(chance)) {
            (0, _) => chance.pick(&self.numbers()).map(Body::Calls),
            (1 | 2, _) => Some(Body::Trigger),
            (3, Some(source)) => Some(Body::Counts(source)),
            (4, Some(Source::Table(id))) => Some(Body::Rows(id)),
            (5, _) => {
                let enums: Vec<Id> = self.enums.iter().map(|it| it.id).collect();
                chance.pick(&enums).map(Body::OfEnum)
            }
            _ => Some(Body::Number),
        };
        let name = if chance.percent(20) { format!("F {id}") } else { format!("f_{id}") };
        self.routines.push(Routine { id, name, body: body.unwrap_or(Body::Number), version: 0 });
    }
}

/// One to three columns.
pub(super) fn some_columns(chance: &mut Chance, table: &Table) -> Vec<Id> {
    let mut columns = Vec::new();
    for _ in 0..1 + chance.below(2) {
        let id = table.columns[chance.below(table.columns.len())].id;
        if !columns.contains(&id) {
            columns.push(id);
        }
    }
    columns
}

/// Types whose values are equal where they stand for the same row.
pub(super) fn family(ty: Ty) -> (u8, Id) {
    match ty {
        Ty::Int | Ty::Big => (0, 0),
        Ty::Text | Ty::Varchar => (1, 0),
        Ty::Bool => (2, 0),
        Ty::Numeric => (3, 0),
        Ty::Time => (4, 0),
        Ty::Json => (5, 0),
        Ty::Bytes => (9, 0),
        Ty::Uuid => (10, 0),
        Ty::Texts => (6, 0),
        Ty::Enum(id) => (7, id),
        Ty::Enums(id) => (8, id),
    }
}
