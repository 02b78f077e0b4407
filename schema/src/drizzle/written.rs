//! What the migrations' own SQL does, where that is more than a snapshot tells or something else.

use std::collections::{HashMap, HashSet};

use whimbrel_core::Migration;
use whimbrel_core::split::{Lexeme, LexemeKind, Lexer, split, tokens};

use super::said;
use crate::model::{Action, ObjectName};

/// The tables that the migrations have made, by the names that they have in the end.
#[derive(Debug, Default)]
pub(super) struct Written {
    tables: HashMap<ObjectName, Made>,
    /// The names that stand behind `CONSTRAINT` anywhere.
    constraints: HashSet<String>,
}

/// How a table was made.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// What it was called when it got its primary key.
    pub(super) first_name: String,
    /// The new name of its primary key, where that was changed.
    pub(super) key_name: Option<String>,
    /// What stands between the commas of its statement.
    items: Vec<Item>,
    /// The references of columns that were added: the column, ON DELETE and ON UPDATE.
    pub(super) references: Vec<(String, Action, Action)>,
}

/// A column or a constraint in the statement of a table.
#[derive(Debug, Default)]
struct Item {
    /// Keywords and names without quotes, in lower case.
    words: Vec<String>,
    /// Every name as it is meant.
    names: Vec<String>,
}

impl Written {
    /// Follows the statements that make, rename and drop tables. A text that cannot be read is told by those who run it.
    pub(super) fn in_migrations<'a>(migrations: impl Iterator<Item = &'a Migration>, lexer: Lexer) -> Self {
        let mut written = Self::default();
        for text in migrations.filter_map(|migration| migration.text().ok()) {
            for statement in split(lexer, &text).unwrap_or_default() {
                if matches!(statement.words.get(0), Some("create" | "alter" | "drop")) {
                    let lexemes = tokens(lexer, statement.text).unwrap_or_default();
                    written.statement(&Words { lexer, lexemes });
                }
            }
        }
        written
    }

    pub(super) fn table(&self, name: &ObjectName) -> Option<&Made> {
        self.tables.get(name)
    }

    /// Brings the columns of primary keys into the order in which they were made.
    pub(super) fn order_keys(&self, tables: &mut [said::Table], corrected: &mut Vec<String>) {
        for table in tables {
            let (Some(made), Some(key)) = (self.tables.get(&table.name), &mut table.primary_key) else { continue };
            let order = made.key_order(&key.columns).filter(|order| *order != key.columns && order.len() > 1);
            if let Some(order) = order {
                corrected.push(format!("table {}: its primary key is ({})", table.name, order.join(", ")));
                key.columns = order;
            }
        }
    }

    /// Whether the SQL gives this name to a constraint.
    pub(super) fn names_constraint(&self, name: &str) -> bool {
        self.constraints.contains(name)
    }

    fn statement(&mut self, words: &Words<'_>) {
        let named = (0..words.lexemes.len()).filter(|at| words.is(*at, "constraint"));
        self.constraints.extend(named.filter_map(|at| words.name(at + 1)));
        match (words.word(0).as_str(), words.word(1).as_str()) {
            ("create", "table") => self.create(words),
            ("drop", "table") => {
                if let Some((name, _)) = words.table(2) {
                    self.tables.remove(&name);
                }
            }
            ("alter", "table") => self.alter(words),
            _ => {}
        }
    }

    fn create(&mut self, words: &Words<'_>) {
        let Some((name, at)) = words.table(2) else { return };
        let made = Made { first_name: name.name.clone(), items: words.items(at), ..Made::default() };
        self.tables.insert(name, made);
    }

    fn alter(&mut self, words: &Words<'_>) {
        let Some((name, at)) = words.table(2) else { return };
        let says = |at: usize, wanted: &[&str]| wanted.iter().enumerate().all(|(n, word)| words.is(at + n, word));
        if says(at, &["rename", "to"]) {
            let (Some(made), Some((to, _))) = (self.tables.remove(&name), words.table(at + 2)) else { return };
            self.tables.insert(ObjectName { schema: name.schema, name: to.name }, made);
            return;
        }
        let Some(made) = self.tables.get_mut(&name) else { return };
        if words.is(at, "rename") && !words.is(at + 1, "constraint") {
            let from = if words.is(at + 1, "column") { at + 2 } else { at + 1 };
            if let (Some(from), Some(to)) = (words.name(from), words.name(from + 2)) {
                made.rename_column(&from, &to);
            }
        } else if says(at, &["rename", "constraint"]) {
            if words.name(at + 2) == Some(made.key()) {
                made.key_name = words.name(at + 4);
            }
        } else if says(at, &["add", "primary"]) {
            (made.first_name, made.key_name) = (name.name, None);
        } else if words.is(at, "add") {
            let column = if words.is(at + 1, "column") { at + 2 } else { at + 1 };
            made.references.extend(words.reference(column));
        }
    }
}

impl Made {
    /// The name that the server gave to its primary key, if it was given none.
    pub(super) fn key(&self) -> String {
        self.key_name.clone().unwrap_or_else(|| format!("{}_pkey", self.first_name))
    }

    /// The columns of its primary key of several columns, in the order of its statement; `None`: it is not known there.
    pub(super) fn key_order(&self, columns: &[String]) -> Option<Vec<String>> {
        let is_key = |item: &&Item| item.words.windows(2).any(|pair| pair[0] == "primary" && pair[1] == "key");
        let names = &self.items.iter().find(is_key)?.names;
        let order: Vec<String> = names.iter().filter(|name| columns.contains(name)).cloned().collect();
        (order.len() == columns.len() && columns.iter().all(|column| order.contains(column))).then_some(order)
    }

    fn rename_column(&mut self, from: &str, to: &str) {
        let names = self.items.iter_mut().flat_map(|item| &mut item.names);
        let names = names.chain(self.references.iter_mut().map(|(column, ..)| column));
        names.filter(|name| *name == from).for_each(|name| to.clone_into(name));
    }

    /// Whether its statement says NOT NULL at the column.
    pub(super) fn says_not_null(&self, column: &str) -> bool {
        self.item(column).is_some_and(|item| item.words.windows(2).any(|pair| pair[0] == "not" && pair[1] == "null"))
    }

    /// Whether its statement says UNIQUE at the column.
    pub(super) fn says_unique(&self, column: &str) -> bool {
        self.item(column).is_some_and(|item| item.words.iter().any(|word| word == "unique"))
    }

    /// Whether its statement has a constraint of this name.
    pub(super) fn names(&self, constraint: &str) -> bool {
        let named = |item: &Item| {
            item.words.iter().any(|word| word == "constraint") && item.names.iter().any(|name| name == constraint)
        };
        self.items.iter().any(named)
    }

    fn item(&self, column: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.names.first().is_some_and(|name| name == column))
    }
}

/// The words of a statement.
struct Words<'a> {
    lexer: Lexer,
    lexemes: Vec<Lexeme<'a>>,
}

impl Words<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        let lexeme = self.lexemes.get(at);
        lexeme.is_some_and(|it| it.kind == LexemeKind::Word && it.text.eq_ignore_ascii_case(word))
    }

    fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.lexemes.get(at).is_some_and(|it| it.kind == LexemeKind::Mark && it.text == mark)
    }

    fn word(&self, at: usize) -> String {
        let lexeme = self.lexemes.get(at).filter(|it| it.kind == LexemeKind::Word);
        lexeme.map(|it| it.text.to_ascii_lowercase()).unwrap_or_default()
    }

    /// The name that stands here.
    fn name(&self, at: usize) -> Option<String> {
        let lexeme = self.lexemes.get(at)?;
        match (lexeme.kind, self.lexer) {
            (LexemeKind::Word, Lexer::Sqlite) => Some(lexeme.text.to_owned()),
            (LexemeKind::Word, _) => Some(lexeme.text.to_lowercase()),
            (LexemeKind::Quoted, _) => {
                let (quote, last) = (lexeme.text.get(..1)?, lexeme.text.len().checked_sub(1)?);
                Some(lexeme.text.get(1..last)?.replace(&quote.repeat(2), quote))
            }
            _ => None,
        }
    }

    /// The name of a table, which may stand behind `IF EXISTS` or `ONLY`, and the place behind it.
    fn table(&self, at: usize) -> Option<(ObjectName, usize)> {
        let mut at = at;
        while ["if", "not", "exists", "only"].iter().any(|word| self.is(at, word)) {
            at += 1;
        }
        let first = self.name(at)?;
        match self.is_mark(at + 1, ".") {
            true => Some((said::name(Some(&first), &self.name(at + 2)?), at + 3)),
            false => Some((said::name(None, &first), at + 1)),
        }
    }

    /// What stands between the commas of the list that opens here.
    fn items(&self, at: usize) -> Vec<Item> {
        let (mut items, mut depth) = (vec![Item::default()], 0_i32);
        for at in at..self.lexemes.len() {
            match self.lexemes[at].text {
                "(" => depth += 1,
                ")" => depth -= 1,
                "," if depth == 1 => items.push(Item::default()),
                _ => {}
            }
            if let Some(item) = items.last_mut().filter(|_| depth > 0) {
                let word = self.word(at);
                item.words.extend((!word.is_empty()).then_some(word));
                item.names.extend(self.name(at));
            }
        }
        items
    }

    /// The reference of a column that is defined here.
    fn reference(&self, at: usize) -> Option<(String, Action, Action)> {
        let column = self.name(at)?;
        let from = (at + 1..self.lexemes.len()).find(|at| self.is(*at, "references"))?;
        Some((column, self.action(from, "delete"), self.action(from, "update")))
    }

    fn action(&self, from: usize, when: &str) -> Action {
        let on = (from..self.lexemes.len()).find(|at| self.is(*at, "on") && self.is(at + 1, when));
        let Some(at) = on.map(|at| at + 2) else { return Action::NoAction };
        let words = format!("{} {}", self.word(at), self.word(at + 1));
        let actions = [Action::Restrict, Action::Cascade, Action::SetNull, Action::SetDefault];
        let said = |action: &Action| words.starts_with(&action.sql().to_lowercase());
        actions.into_iter().find(said).unwrap_or_default()
    }
}
