//! A schema file for a database that is there already.

use std::collections::BTreeSet;
use std::ops::Range;

use whimbrel_core::Problem;

use crate::change::Change;
use crate::compare::compare;
use crate::dialect::{SchemaDialect, ScriptRequest, Storage};
use crate::model::{Native, ObjectName, Schema, Table};
use crate::read::read;
use crate::write;

/// A schema file that was written from a database's schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pulled {
    /// The file's text.
    pub text: String,
    /// What the file does not say, or says otherwise, in words. Empty: read back, it is the same schema.
    pub unwritten: Vec<String>,
}

/// Writes a schema file that means the same as a schema of a dialect: portable SQL as far as that goes, with options for how
/// types are stored, the rest behind `-- @only NAME`.
///
/// The text is read back and lowered before it is given: each object that comes out otherwise is written behind `@only`, and
/// what is still different then is told in [`Pulled::unwritten`].
#[must_use]
pub fn pull(dialect: &dyn SchemaDialect, live: &Schema) -> Pulled {
    let (raised, storage) = dialect.raise(live);
    let pieces: Vec<_> = objects(live).into_iter().map(|object| (object, Form::Portable)).collect();
    let mut pulling = Pulling { dialect, live, raised, storage, pieces };
    // Each round takes at least one object a step further, and none has more than two steps.
    loop {
        let draft = pulling.draft();
        let back = pulling.read_back(&draft.text);
        if !pulling.step_back(&draft, &back) {
            let unwritten = pulling.unwritten(back);
            return Pulled { text: draft.text, unwritten };
        }
    }
}

/// How an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Portable,
    /// As the dialect's own SQL.
    Only,
    /// Not at all.
    Left,
}

/// An object of the live schema, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    Enum(usize),
    Sequence(usize),
    Table(usize),
    /// An index of a table.
    Index(usize, usize),
    View(usize),
    Native(usize),
}

struct Pulling<'a> {
    dialect: &'a dyn SchemaDialect,
    live: &'a Schema,
    raised: Schema,
    storage: Storage,
    /// In the order of the file.
    pieces: Vec<(Object, Form)>,
}

/// What a text is when it is read back and lowered.
enum Back {
    /// It is no schema file.
    Unread(Vec<Problem>),
    /// Something in it cannot be had in the dialect.
    NotLowered(Vec<Problem>),
    Lowered(Schema),
}

/// What everything else stands on, tables with their indexes, what stands on tables.
fn objects(live: &Schema) -> Vec<Object> {
    let is_early = |native: &Native| matches!(native.kind.as_str(), "schema" | "extension" | "domain" | "type");
    let natives = |early: bool| {
        let of = move |(_, native): &(usize, &Native)| is_early(native) == early;
        live.natives.iter().enumerate().filter(of).map(|(at, _)| Object::Native(at))
    };
    let tables = live.tables.iter().enumerate().flat_map(|(at, table)| {
        let indexes = (0..table.indexes.len()).map(move |index| Object::Index(at, index));
        std::iter::once(Object::Table(at)).chain(indexes)
    });
    natives(true)
        .chain((0..live.enums.len()).map(Object::Enum))
        .chain((0..live.sequences.len()).map(Object::Sequence))
        .chain(tables)
        .chain((0..live.views.len()).map(Object::View))
        .chain(natives(false))
        .collect()
}

/// A text, and which lines of it are whose.
struct Draft {
    text: String,
    lines: Vec<Range<u32>>,
}

impl Pulling<'_> {
    fn draft(&self) -> Draft {
        let name = self.dialect.dialect().name;
        let mut draft = Draft { text: String::new(), lines: Vec::new() };
        let mut line = 1;
        for (object, form) in &self.pieces {
            let text = self.text(*object, *form, name);
            let is_first = draft.text.is_empty() || text.is_empty() || matches!(object, Object::Index(..));
            let gap = if is_first { "" } else { "\n" };
            draft.text.push_str(gap);
            draft.text.push_str(&text);
            let start = line;
            line += u32::try_from(gap.len() + text.matches('\n').count()).unwrap_or(u32::MAX);
            draft.lines.push(start..line);
        }
        draft
    }

    fn text(&self, object: Object, form: Form, dialect: &str) -> String {
        let portable = form == Form::Portable;
        if form == Form::Left {
            return String::new();
        }
        let only = |statements: Vec<String>| -> String {
            statements.iter().map(|it| format!("-- @only {dialect}\n{};\n", it.trim_end_matches(';'))).collect()
        };
        match object {
            Object::Enum(at) => self.raised.enums.get(at).map(write::enum_type).unwrap_or_default(),
            // A sequence that a column brings is not among the raised ones.
            Object::Sequence(at) => match self.live.sequences.get(at) {
                Some(sequence) if self.raised.sequences.iter().any(|it| it.name == sequence.name) => {
                    format!("-- @only {dialect}\n{}", write::sequence(sequence))
                }
                _ => String::new(),
            },
            Object::Table(at) => match (self.raised.tables.get(at), self.live.tables.get(at)) {
                (Some(table), _) if portable => {
                    let raw = |it| format!("-- @only {dialect}\n{}", write::raw_constraint(&table.name, it));
                    let scope =
                        if table.name.schema.is_some() { format!("-- @only {dialect}\n") } else { String::new() };
                    let constraints: String = table.raw_constraints.iter().map(raw).collect();
                    format!("{scope}{}{constraints}", write::table(table, dialect, &self.storage))
                }
                (_, Some(table)) => {
                    only(self.script(Change::CreateTable(Table { indexes: Vec::new(), ..table.clone() })))
                }
                _ => String::new(),
            },
            Object::Index(table, at) => {
                let raised = self.raised.tables.get(table).and_then(|it| Some((&it.name, it.indexes.get(at)?)));
                let live = self.live.tables.get(table).and_then(|it| Some((&it.name, it.indexes.get(at)?)));
                match (raised, live) {
                    (Some((table, index)), _) if portable => {
                        let shared = write::is_portable_index(index) && table.schema.is_none();
                        let scope = if shared { String::new() } else { format!("-- @only {dialect}\n") };
                        format!("{scope}{}", write::index(table, index))
                    }
                    (_, Some((table, index))) => {
                        only(self.script(Change::CreateIndex { table: table.clone(), index: index.clone() }))
                    }
                    _ => String::new(),
                }
            }
            Object::View(at) => match (self.raised.views.get(at), self.live.views.get(at)) {
                (Some(view), _) if portable => {
                    let shared = !view.materialized && view.options.is_none() && view.name.schema.is_none();
                    let scope = if shared { String::new() } else { format!("-- @only {dialect}\n") };
                    scope_all(&scope, &write::view(view))
                }
                (_, Some(view)) => only(self.script(Change::CreateView(view.clone()))),
                _ => String::new(),
            },
            Object::Native(at) => self.live.natives.get(at).map(|it| only(vec![it.sql.clone()])).unwrap_or_default(),
        }
    }

    /// The dialect's own statements for one step that makes something, everything else being there.
    fn script(&self, change: Change) -> Vec<String> {
        let (mut before, mut after) = (self.live.clone(), self.live.clone());
        match &change {
            Change::CreateTable(made) => {
                before.tables.retain(|it| it.name != made.name);
                after.tables.iter_mut().filter(|it| it.name == made.name).for_each(|it| it.indexes.clear());
            }
            Change::CreateView(made) => before.views.retain(|it| it.name != made.name),
            Change::CreateIndex { index, .. } => {
                before.tables.iter_mut().for_each(|it| it.indexes.retain(|it| it.name != index.name));
            }
            _ => {}
        }
        let request = ScriptRequest {
            before: &before,
            after: &after,
            changes: &[change],
            online: false,
            fills: &Default::default(),
            conversions: &Default::default(),
        };
        let script = self.dialect.script(&request).unwrap_or_default();
        script.parts.into_iter().flat_map(|part| part.statements).collect()
    }

    fn read_back(&self, text: &str) -> Back {
        let document = match read("schema.sql", text) {
            Ok(document) => document,
            Err(problems) => return Back::Unread(problems),
        };
        let (schema, storage) = document.for_dialect(self.dialect.dialect().name);
        self.dialect.lower(&schema, &storage).map_or_else(Back::NotLowered, Back::Lowered)
    }

    /// The pieces that the text gets wrong.
    fn wrong(&self, draft: &Draft, back: &Back) -> BTreeSet<usize> {
        let of = |is_wrong: &dyn Fn(Object) -> bool| {
            let pieces = self.pieces.iter().enumerate();
            pieces.filter(|(_, (object, _))| is_wrong(*object)).map(|(at, _)| at).collect()
        };
        match back {
            Back::Unread(problems) => problems.iter().filter_map(|problem| draft.at_line(problem)).collect(),
            Back::NotLowered(problems) => of(&|object| {
                let place = self.place(object);
                problems.iter().any(|it| it.file == place || it.file.starts_with(&format!("{place},")))
            }),
            Back::Lowered(lowered) => of(&|object| !self.is_right(object, lowered)),
        }
    }

    /// What a problem of lowering calls the object. An index is a part of its table.
    fn place(&self, object: Object) -> String {
        let name = |name: Option<&ObjectName>| name.map(ToString::to_string).unwrap_or_default();
        let live = self.live;
        match object {
            Object::Enum(at) => format!("enum {}", name(live.enums.get(at).map(|it| &it.name))),
            Object::Sequence(at) => format!("sequence {}", name(live.sequences.get(at).map(|it| &it.name))),
            Object::Table(at) | Object::Index(at, _) => {
                format!("table {}", name(live.tables.get(at).map(|it| &it.name)))
            }
            Object::View(at) => format!("view {}", name(live.views.get(at).map(|it| &it.name))),
            Object::Native(at) => live.natives.get(at).map(|it| format!("{} {}", it.kind, it.name)).unwrap_or_default(),
        }
    }

    fn is_right(&self, object: Object, lowered: &Schema) -> bool {
        let bare = |table: &Table| Table { indexes: Vec::new(), ..table.clone() };
        let live = self.live;
        match object {
            Object::Enum(at) => live.enums.get(at).is_none_or(|ty| lowered.enum_type(&ty.name) == Some(ty)),
            Object::Sequence(at) => live.sequences.get(at).is_none_or(|it| lowered.sequences.contains(it)),
            Object::Table(at) => live
                .tables
                .get(at)
                .is_none_or(|table| lowered.table(&table.name).is_some_and(|it| same_table(&bare(table), &bare(it)))),
            Object::Index(at, index) => live.tables.get(at).is_none_or(|table| {
                let index = table.indexes.get(index);
                index.is_none_or(|index| lowered.table(&table.name).is_some_and(|it| it.indexes.contains(index)))
            }),
            Object::View(at) => {
                live.views.get(at).is_none_or(|view| lowered.view(&view.name).is_some_and(|it| it.same_as(view)))
            }
            Object::Native(at) => {
                live.natives.get(at).is_none_or(|native| lowered.natives.iter().any(|it| it.same_as(native)))
            }
        }
    }

    /// Writes the objects that came out wrong in their next form; `false`: all have come to their last.
    ///
    /// One that is wrong as the dialect's own SQL is left out only where that SQL cannot be read at all.
    fn step_back(&mut self, draft: &Draft, back: &Back) -> bool {
        let mut stepped = false;
        for at in self.wrong(draft, back) {
            let Some((object, form)) = self.pieces.get_mut(at) else { continue };
            let has_two = !matches!(object, Object::Enum(_) | Object::Sequence(_) | Object::Native(_));
            *form = match form {
                Form::Portable if has_two => Form::Only,
                Form::Portable | Form::Only if matches!(back, Back::Unread(_)) => Form::Left,
                _ => continue,
            };
            stepped = true;
        }
        stepped
    }

    /// What the final text does not say.
    fn unwritten(&self, back: Back) -> Vec<String> {
        match back {
            Back::Lowered(lowered) => compare(self.live, &lowered).iter().map(ToString::to_string).collect(),
            Back::Unread(problems) | Back::NotLowered(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Draft {
    /// The piece in which a problem is.
    fn at_line(&self, problem: &Problem) -> Option<usize> {
        let line = problem.line?;
        self.lines.iter().position(|lines| lines.contains(&line))
    }
}

/// The annotation stands above every statement of a text: a view and its comment.
fn scope_all(scope: &str, text: &str) -> String {
    format!("{scope}{}", text.replace(";\nCOMMENT ON ", &format!(";\n{scope}COMMENT ON ")))
}

fn same_table(live: &Table, lowered: &Table) -> bool {
    let alone = |table: &Table| Schema { tables: vec![table.clone()], ..Schema::default() };
    let order = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    order(live) == order(lowered) && compare(&alone(live), &alone(lowered)).is_empty()
}
