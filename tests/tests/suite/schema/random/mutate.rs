//! From one schema to one near it.

use super::world::{ACTIONS, Body, Chance, Column, Default, Id, Table, Ty, World, some_columns};

impl World {
    /// Changes one thing.
    pub(super) fn mutate(&mut self, chance: &mut Chance) {
        match chance.below(if self.offer.stored.is_empty() { 13 } else { 15 }) {
            13 | 14 => self.store_otherwise(chance),
            0 => match chance.below(4) {
                0 => self.add_table(chance),
                1 => self.add_view(chance),
                2 => self.change_a_sequence(chance),
                _ => self.add_routine(chance),
            },
            1 => self.remove_something(chance),
            2 => self.rename_something(chance),
            3 => self.swap_names(chance),
            4..=7 => self.change_a_column(chance),
            8 | 9 => self.change_an_enum(chance),
            10 => self.change_a_view_or_routine(chance),
            11 => self.change_a_table(chance),
            _ => self.add_to_a_table(chance),
        }
    }

    fn change_a_sequence(&mut self, chance: &mut Chance) {
        let kind = chance.below(3) as u8;
        match self.sequences.pop() {
            Some((id, _)) if chance.percent(50) => self.sequences.push((id, kind)),
            Some(_) => {}
            None => self.add_sequence(chance),
        }
    }

    /// Other options of the file, a table or a column, another collation, another trigger.
    fn store_otherwise(&mut self, chance: &mut Chance) {
        let of_tables = self.some_options(chance, self.offer.of_tables);
        let of_columns = self.some_options(chance, self.offer.of_columns);
        let place = chance.below(9);
        if place == 8 {
            self.searched = Some(chance.below(4) as u8).filter(|count| self.offer.searches && *count > 0);
            return;
        }
        if place == 0 || self.tables.is_empty() {
            self.options = if chance.percent(50) { self.some_options(chance, &[]) } else { Vec::new() };
            return;
        }
        let at = chance.below(self.tables.len());
        let table = &mut self.tables[at];
        let column = chance.below(table.columns.len());
        match place {
            1 | 2 => table.options = if table.options.is_empty() { of_tables } else { Vec::new() },
            3 => table.options = of_tables,
            4 => table.note = Some((table.columns[column].id, chance.below(4) as u8)),
            5 => table.columns[column].collated ^= true,
            6 => table.columns[column].options = Vec::new(),
            _ => table.columns[column].options = of_columns,
        }
    }

    fn remove_something(&mut self, chance: &mut Chance) {
        fn any<T>(chance: &mut Chance, list: &mut Vec<T>) {
            if !list.is_empty() {
                list.remove(chance.below(list.len()));
            }
        }
        match chance.below(4) {
            0 => any(chance, &mut self.tables),
            1 => any(chance, &mut self.views),
            2 => any(chance, &mut self.routines),
            _ => any(chance, &mut self.enums),
        }
    }

    fn rename_something(&mut self, chance: &mut Chance) {
        let name = self.relation_name(chance);
        if chance.percent(12) && !self.tables.is_empty() {
            // The same in other letters.
            let at = chance.below(self.tables.len());
            let column = chance.below(self.tables[at].columns.len());
            let table = &mut self.tables[at];
            let name = if chance.percent(50) { &mut table.name } else { &mut table.columns[column].name };
            *name = if name.chars().any(char::is_uppercase) { name.to_lowercase() } else { name.to_uppercase() };
            return;
        }
        match chance.below(6) {
            0 | 1 if !self.tables.is_empty() => {
                let at = chance.below(self.tables.len());
                self.tables[at].name = name;
            }
            2 if !self.enums.is_empty() => {
                let at = chance.below(self.enums.len());
                self.enums[at].name = name;
            }
            3 if !self.tables.is_empty() => {
                let at = chance.below(self.tables.len());
                let count = self.tables[at].indexes.len();
                if count > 0 {
                    let index = chance.below(count);
                    self.tables[at].indexes[index].name.push_str(" r");
                }
            }
            _ if !self.tables.is_empty() => {
                let at = chance.below(self.tables.len());
                let name = self.column_name(chance, &self.tables[at]);
                let column = chance.below(self.tables[at].columns.len());
                self.tables[at].columns[column].name = name;
            }
            _ => {}
        }
    }

    fn swap_names(&mut self, chance: &mut Chance) {
        fn swap<T>(chance: &mut Chance, list: &mut [T], name: impl Fn(&mut T) -> &mut String) {
            if list.len() > 1 {
                let (one, other) = (chance.below(list.len()), chance.below(list.len()));
                let first = name(&mut list[one]).clone();
                let second = std::mem::replace(name(&mut list[other]), first);
                *name(&mut list[one]) = second;
            }
        }
        match chance.below(4) {
            0 => swap(chance, &mut self.tables, |it| &mut it.name),
            1 if !self.enums.is_empty() && self.offer.enums => {
                let at = chance.below(self.enums.len());
                swap(chance, &mut self.enums[at].values, |(_, name)| name);
            }
            _ if !self.tables.is_empty() => {
                let at = chance.below(self.tables.len());
                swap(chance, &mut self.tables[at].columns, |it| &mut it.name);
            }
            _ => {}
        }
    }

    fn change_a_column(&mut self, chance: &mut Chance) {
        if self.tables.is_empty() {
            return;
        }
        let at = chance.below(self.tables.len());
        let kind = chance.below(9);
        if kind == 0 {
            let table = self.tables[at].clone();
            let column = self.column(chance, &table);
            let place = chance.below(table.columns.len() + 1);
            return self.tables[at].columns.insert(place, column);
        }
        let (default, enums) = (self.some_default(chance), self.enums.iter().map(|it| it.id).collect::<Vec<_>>());
        let table = &mut self.tables[at];
        let place = chance.below(table.columns.len());
        if kind == 1 {
            if table.columns.len() > 1 {
                table.columns.remove(place);
            }
            return;
        }
        let others: Vec<Id> = table.columns.iter().map(|it| it.id).collect();
        let column = &mut table.columns[place];
        match kind {
            2 | 3 => column.ty = another(chance, column, &enums),
            4 => column.not_null ^= true,
            5 => column.default = default,
            6 => column.comment ^= true,
            7 => column.generated = if column.generated.is_some() { None } else { chance.pick(&others) },
            _ => column.identity = if column.identity.is_some() { None } else { Some(chance.percent(50)) },
        }
    }

    fn change_an_enum(&mut self, chance: &mut Chance) {
        if self.enums.is_empty() {
            return self.add_enum(chance);
        }
        let at = chance.below(self.enums.len());
        let value = self.value_name(chance, &self.enums[at]);
        self.next += 1;
        let id = self.next;
        let ty = &mut self.enums[at];
        match chance.below(7) {
            0 | 1 => ty.values.insert(chance.below(ty.values.len() + 1), (id, value)),
            2 if ty.values.len() > 1 => {
                ty.values.remove(1 + chance.below(ty.values.len() - 1));
            }
            3 => {
                let (one, other) = (chance.below(ty.values.len()), chance.below(ty.values.len()));
                ty.values.swap(one, other);
            }
            4 | 5 => {
                let at = chance.below(ty.values.len());
                ty.values[at].1 = value;
            }
            _ => ty.comment ^= true,
        }
    }

    fn change_a_view_or_routine(&mut self, chance: &mut Chance) {
        if chance.percent(60) && !self.views.is_empty() {
            let at = chance.below(self.views.len());
            let readable = self.readable(self.views[at].source);
            let view = &mut self.views[at];
            match chance.below(4) {
                0 => view.comment ^= true,
                1 => view.star ^= true,
                2 => view.filter = chance.pick(&readable).map(|id| (id, chance.below(2) as u8)),
                _ => view.columns.extend(chance.pick(&readable).map(|id| (id, Some(format!("more {id}"))))),
            }
        } else if !self.routines.is_empty() {
            let at = chance.below(self.routines.len());
            if self.routines[at].body != Body::Trigger || chance.percent(50) {
                self.routines[at].version ^= 1;
            }
        }
    }

    fn change_a_table(&mut self, chance: &mut Chance) {
        if self.tables.is_empty() {
            return;
        }
        let at = chance.below(self.tables.len());
        let table: &mut Table = &mut self.tables[at];
        match chance.below(7) {
            0 => table.comment = (table.comment + 1) % 3,
            1 => table.primary = if table.primary.is_empty() { some_columns(chance, table) } else { Vec::new() },
            2 => drop(table.uniques.pop()),
            3 => drop(table.checks.pop()),
            4 => drop(table.indexes.pop()),
            5 => {
                if let Some(key) = table.keys.first_mut() {
                    key.on_delete = ACTIONS[chance.below(5)];
                    key.deferred ^= true;
                }
            }
            _ => {
                table.keys.pop();
                table.trigger = None;
                table.policy = None;
                table.note = None;
                table.excluded = None;
            }
        }
    }
}

/// A type that every value of the column can get.
fn another(chance: &mut Chance, column: &Column, enums: &[Id]) -> Ty {
    match column.ty {
        Ty::Int => [Ty::Big, Ty::Big, Ty::Text][chance.below(3)],
        Ty::Big => [Ty::Int, Ty::Text][chance.below(2)],
        Ty::Text => Ty::Varchar,
        Ty::Enum(id) if chance.percent(30) => enums.iter().copied().find(|it| *it == id).map_or(Ty::Text, Ty::Enum),
        Ty::Json => Ty::Json,
        Ty::Texts | Ty::Enums(_) | Ty::Bytes => column.ty,
        Ty::Uuid | Ty::Varchar | Ty::Bool | Ty::Numeric | Ty::Time | Ty::Enum(_) => {
            if column.default == Default::None || chance.percent(50) { Ty::Text } else { column.ty }
        }
    }
}
