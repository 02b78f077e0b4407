//! Views, triggers and virtual tables: what stands in the way of a change goes before it and comes again after it.

use std::collections::BTreeSet;

use whimbrel_schema::Change;
use whimbrel_schema::Schema;
use whimbrel_schema::model::{Native, View};

use super::super::mention::{Mentions, is_broken};
use super::super::render::{create_view, name_sql};
use super::{Plan, Way};

/// What goes and what comes.
#[derive(Debug)]
pub(super) struct Around<'a> {
    dropped_views: Vec<&'a View>,
    created_views: Vec<&'a View>,
    dropped_natives: Vec<&'a Native>,
    created_natives: Vec<&'a Native>,
}

impl<'a> Around<'a> {
    pub(super) fn of(plan: &Plan<'a>) -> Self {
        let (before, after) = (plan.request.before, plan.request.after);
        let touched = Touched::of(plan);
        let mut views: Vec<&View> = before.views.iter().filter(|view| touched.view(view)).collect();
        spread(&mut views, &before.views);
        let natives = before.natives.iter().filter(|native| touched.native(native, &views)).collect();
        let mut around = Self {
            created_views: returning_views(&views, before, after),
            created_natives: Vec::new(),
            dropped_views: views,
            dropped_natives: natives,
        };
        around.created_natives = around.returning_natives(before, after);
        around.dropped_views = in_order(around.dropped_views);
        around.created_views = in_order(around.created_views);
        around
    }

    fn returning_natives(&self, before: &'a Schema, after: &'a Schema) -> Vec<&'a Native> {
        let same = |a: &Native, b: &Native| a.kind == b.kind && a.name.eq_ignore_ascii_case(&b.name);
        let stays = |native: &Native| {
            before.natives.iter().any(|it| same(it, native)) && !self.dropped_natives.iter().any(|it| same(it, native))
        };
        let mut created: Vec<&Native> = after.natives.iter().filter(|native| !stays(native)).collect();
        created.sort_by_key(|native| native.kind == "trigger");
        created
    }

    /// Triggers first: they mention views and virtual tables.
    pub(super) fn drops(&self) -> Vec<String> {
        let of_kind = |trigger: bool| self.dropped_natives.iter().filter(move |it| (it.kind == "trigger") == trigger);
        let mut statements: Vec<String> = of_kind(true).map(|native| drop_native(native)).collect();
        let views = self.dropped_views.iter().rev();
        statements.extend(views.map(|view| format!("DROP VIEW {}", name_sql(&view.name.name))));
        statements.extend(of_kind(false).map(|native| drop_native(native)));
        statements
    }

    /// Virtual tables, then views, which may read them, then triggers, which may be of views.
    pub(super) fn creates(&self) -> Vec<String> {
        let of_kind = |trigger: bool| self.created_natives.iter().filter(move |it| (it.kind == "trigger") == trigger);
        let mut statements: Vec<String> = of_kind(false).map(|native| native.sql.clone()).collect();
        statements.extend(self.created_views.iter().map(|view| create_view(view)));
        statements.extend(of_kind(true).map(|native| native.sql.clone()));
        statements
    }
}

fn drop_native(native: &Native) -> String {
    let kind = if native.kind == "virtual table" { "TABLE".to_owned() } else { native.kind.to_uppercase() };
    format!("DROP {kind} {}", name_sql(&native.name))
}

/// What a script touches so that SQLite looks at views and triggers: names of tables, before.
struct Touched<'a> {
    tables: Vec<&'a str>,
    changes: &'a [Change],
    /// Names that are there before; empty where nothing makes SQLite look.
    known: BTreeSet<String>,
}

impl<'a> Touched<'a> {
    fn of(plan: &Plan<'a>) -> Self {
        let mut tables: Vec<&str> = plan.dropped.iter().map(|table| table.name.name.as_str()).collect();
        let renamed = |kept: &super::Kept<'_>| kept.before.name != kept.after.name;
        let touched = plan.kept.iter().filter(|kept| match &kept.way {
            Way::Rebuild(_) => true,
            Way::InPlace(in_place) => {
                !in_place.dropped.is_empty() || renamed(kept) || !plan.renames.columns_of(&kept.before.name).is_empty()
            }
        });
        tables.extend(touched.map(|kept| kept.before.name.name.as_str()));
        let before = plan.request.before;
        let named = before.tables.iter().map(|table| &table.name.name);
        let named = named.chain(before.views.iter().map(|view| &view.name.name));
        let virtual_tables = before.natives.iter().filter(|it| it.kind == "virtual table").map(|it| &it.name);
        let known = if tables.is_empty() { BTreeSet::new() } else { known(named.chain(virtual_tables)) };
        Self { tables, changes: plan.request.changes, known }
    }

    fn mentioned_in(&self, sql: &str) -> bool {
        let broken = !self.known.is_empty() && is_broken(sql, &self.known);
        broken || Mentions::of(sql).has_any(self.tables.iter().copied())
    }

    fn view(&self, view: &View) -> bool {
        let told = |change: &Change| matches!(change, Change::DropView(it) if it.name == view.name);
        self.changes.iter().any(told) || self.mentioned_in(&view.query)
    }

    fn native(&self, native: &Native, views: &[&View]) -> bool {
        let told = |change: &Change| matches!(change, Change::DropNative(it) if it.kind == native.kind && it.name == native.name);
        let trigger = native.kind == "trigger";
        let mentions = Mentions::of(&native.sql);
        let of_views = || mentions.has_any(views.iter().map(|view| view.name.name.as_str()));
        self.changes.iter().any(told) || (trigger && (of_views() || self.mentioned_in(&native.sql)))
    }
}

/// What SQLite itself has, besides what is in the schema.
fn known<'a>(names: impl Iterator<Item = &'a String>) -> BTreeSet<String> {
    let own = ["sqlite_schema", "sqlite_master", "sqlite_sequence", "sqlite_stat1", "old", "new"];
    names.map(|name| name.to_lowercase()).chain(own.map(str::to_owned)).collect()
}

/// Views that mention one of these go with them.
fn spread<'a>(views: &mut Vec<&'a View>, all: &'a [View]) {
    let mut at = 0;
    while let Some(view) = views.get(at).copied() {
        let mentions = |other: &&View| Mentions::of(&other.query).has(&view.name.name);
        let new: Vec<&View> =
            all.iter().filter(|other| !views.iter().any(|known| known.name == other.name)).filter(mentions).collect();
        views.extend(new);
        at += 1;
    }
}

fn returning_views<'a>(dropped: &[&View], before: &Schema, after: &'a Schema) -> Vec<&'a View> {
    let stays =
        |view: &View| before.view(&view.name).is_some() && !dropped.iter().any(|dropped| dropped.name == view.name);
    after.views.iter().filter(|view| !stays(view)).collect()
}

/// Views, each after those that it mentions as far as there is such an order.
fn in_order(mut views: Vec<&View>) -> Vec<&View> {
    let mut ordered = Vec::with_capacity(views.len());
    while !views.is_empty() {
        let free = views.iter().position(|view| {
            let mentions = Mentions::of(&view.query);
            !views.iter().any(|other| other.name != view.name && mentions.has(&other.name.name))
        });
        ordered.push(views.remove(free.unwrap_or(0)));
    }
    ordered
}
