//! The next migration of every target, from the schema that is wanted.

mod ahead;
mod checked;
mod forms;
mod name;
mod text;
mod values;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use whimbrel_core::{
    DirectorySource, Format, LoadError, Migration, NewMigration, Problem, Timestamp, UnknownFormat, Version, parallel,
};

pub use ahead::begin_ahead;
pub use checked::{Checked, checked};
pub(crate) use text::changes_a_schema;
pub use write::WriteError;

use crate::change::{Change, apply_all};
use crate::compare::{Compared, Difference, compare, compare_live};
use crate::dialect::{Introspected, Loss, Part, Rename, SchemaDialect, Script, ScriptRequest, Storage};
use crate::diff::{Question, Questions, diff};
use crate::drizzle;
use crate::folder::{Folder, first};
use crate::journal::Entry;
use crate::model::{ObjectName, Schema};
use crate::snapshot::Snapshot;

/// A throw-away database of a dialect, on which migrations are proved.
#[async_trait]
pub trait Scratch: Send + Sync {
    /// Says that [`replay`](Self::replay) will likely be asked for this folder, which may begin to be applied meanwhile. What
    /// `replay` gives is the same with it and without it, and what is begun and not asked for is given up. By default nothing
    /// is begun.
    fn ahead(&self, _folder: &DirectorySource) {}

    /// Applies every migration of the folder (which need not be there), if there is one, and then these to an empty
    /// database, and reads what it has become.
    ///
    /// # Errors
    ///
    /// Migrations that fail, with their place; a scratch database that cannot be had.
    async fn replay(&self, folder: Option<&DirectorySource>, more: &[Generated]) -> Result<Introspected, Problem>;

    /// The same for the folder alone, and tells which tables have rows then.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay).
    async fn replay_rows(&self, folder: &DirectorySource) -> Result<Replayed, Problem>;

    /// Applies these migrations to an empty database, in order, and hands over what it has become after each, with the
    /// migration's index.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay).
    async fn replay_each(&self, migrations: &[Migration], after: &mut AfterEach<'_>) -> Result<(), Problem>;
}

/// What hears how a database is after a migration: the migration's index, and the schema.
pub type AfterEach<'a> = dyn FnMut(usize, Introspected) + Send + 'a;

/// What a replay gave.
#[derive(Debug, Clone, Default)]
pub struct Replayed {
    /// The schema.
    pub found: Introspected,
    /// The tables that have rows.
    pub filled: Vec<ObjectName>,
}

/// One folder that `generate` writes into.
#[derive(Clone)]
pub struct Target<'a> {
    /// What it is called.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The format that the folder is said to have; `None`: its marks show it.
    pub format: Option<&'static Format>,
    /// Its dialect.
    pub dialect: &'a dyn SchemaDialect,
    /// The portable schema for it.
    pub schema: Schema,
    /// How types are stored.
    pub storage: Storage,
    /// The renames that are told for it.
    pub renames: Vec<Rename>,
    /// Where the migration is proved; `None`: it is not.
    pub scratch: Option<&'a dyn Scratch>,
}

impl Target<'_> {
    /// The snapshot of a version that leads to its schema: this one, with what only the target knows of it.
    pub(crate) fn snapshot(&self, version: &str, name: &str, schema: Schema) -> Snapshot {
        Snapshot::new(self.dialect.dialect().name, version, name, schema)
            .with_renames(&self.renames)
            .with_forms(self.dialect.forms(&self.schema, &self.storage))
    }

    /// The migrations of the folder.
    ///
    /// # Errors
    ///
    /// A format that is not known.
    pub fn source(&self) -> Result<DirectorySource, Problem> {
        let lexer = self.dialect.dialect().lexer;
        DirectorySource::open(&self.folder, self.format, Some(lexer)).map_err(UnknownFormat::into_problem)
    }

    /// The folder as it stands.
    ///
    /// # Errors
    ///
    /// As [`Folder::read`].
    pub fn read(&self) -> Result<Folder, LoadError> {
        Folder::of(self.source()?)
    }
}

/// How to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The migration's name; `None`: one that says what it does.
    pub name: Option<String>,
    /// How values get into columns that need one, see [`ScriptRequest::fills`].
    pub fills: BTreeMap<(ObjectName, String), String>,
    /// Write changes that lose data, too.
    pub accept_data_loss: bool,
    /// Take the ways that do not stop an application that is at work.
    pub online: bool,
    /// The time of the journal's entries, and of versions that are timestamps.
    pub now: Timestamp,
}

/// A migration that was written: of one version, for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// The text of its file.
    pub text: String,
}

/// What is to be written for one target.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The target's name.
    pub target: String,
    /// The new migrations, in order.
    pub migrations: Vec<Generated>,
    /// The steps that they take.
    pub changes: Vec<Change>,
    /// What they lose.
    pub losses: Vec<Loss>,
    /// Whether they were proved on a scratch database.
    pub proved: bool,
    /// Every file with its text: migrations, snapshot, journal.
    pub files: Vec<(PathBuf, String)>,
}

/// Why nothing is written. Everything that is known is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What only a person knows, with the target that asks.
    pub questions: Vec<(String, Question)>,
    /// What would be lost, with the target; only where that was not accepted.
    pub losses: Vec<(String, Loss)>,
}

impl Refused {
    fn is_empty(&self) -> bool {
        self.problems.is_empty() && self.questions.is_empty() && self.losses.is_empty()
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let problems = self.problems.iter().map(ToString::to_string);
        let questions = self.questions.iter().map(|(target, question)| format!("{target}: {question}"));
        let losses = self.losses.iter().map(|(target, loss)| format!("{target}: {loss}"));
        let lines: Vec<String> = problems.chain(questions).chain(losses).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Refused {}

impl From<Vec<Problem>> for Refused {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::default() }
    }
}

/// Makes the next migration of every target; writes nothing yet, see [`write()`].
///
/// Every target gets a file of the same version and name, so that folders stay alike: where a target has nothing to do,
/// it says so. Where no target has anything to do there is no migration; a folder whose journal or snapshot is missing or
/// is behind its files gets these all the same.
///
/// # Errors
///
/// [`Refused`], with everything that stands in the way, in all targets.
pub async fn generate(targets: &[Target<'_>], options: &Options) -> Result<Vec<Plan>, Refused> {
    let mut refused = Refused::default();
    let begun = Begun::of_all(targets, options).into_iter().zip(targets);
    let states = begun.map(|(begun, target)| async move {
        match begun? {
            Begun::Known(state) => Ok(*state),
            Begun::Unknown(given) => State::of_replay(target, *given, options).await,
        }
    });
    let mut known = Vec::with_capacity(targets.len());
    for state in join_all(states).await {
        match state {
            Ok(state) => known.push(state),
            Err(why) => refused.join(why),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let names = names(&known, options).map_err(|problem| Refused::from(vec![problem]))?;
    let planned = known.into_iter().zip(targets).map(|(state, target)| state.plan(target, &names, options));
    let mut plans = Vec::with_capacity(targets.len());
    for plan in join_all(planned).await {
        match plan {
            Ok(plan) => plans.push(plan),
            Err(problem) => refused.problems.push(problem),
        }
    }
    if refused.is_empty() { Ok(plans) } else { Err(refused) }
}

/// Writes every file of every plan, or none.
///
/// Where several may do so at once, a [`WriteLock`](crate::WriteLock) is held from before [`generate`] on.
///
/// # Errors
///
/// A file that is there already or cannot be written; those that were written before are taken back.
pub fn write(plans: &[Plan]) -> Result<(), WriteError> {
    write::all(plans.iter().flat_map(|plan| &plan.files))
}

/// Writes these files, or none: new ones, and journals anew.
///
/// # Errors
///
/// As [`write()`].
pub fn write_files(files: &[(PathBuf, String)]) -> Result<(), WriteError> {
    write::all(files.iter())
}

impl Refused {
    fn join(&mut self, other: Self) {
        self.problems.extend(other.problems.into_iter().filter(|it| !self.problems.contains(it)).collect::<Vec<_>>());
        self.questions.extend(other.questions);
        self.losses.extend(other.losses);
    }
}

/// What the migrations are called: as many as the target needs that needs most.
fn names(states: &[State], options: &Options) -> Result<Vec<NewMigration>, Problem> {
    let mut known: Vec<Version> = states.iter().filter_map(|state| state.folder.newest().cloned()).collect();
    let count = states.iter().map(|state| state.script.parts.len()).max().unwrap_or(0);
    let words = name::of(&states.iter().map(|state| &*state.changes).collect::<Vec<_>>(), options.name.as_deref());
    let mut names = Vec::with_capacity(count);
    for number in 1..=count {
        let words = if count == 1 { words.clone() } else { format!("{words} {number}") };
        let next = NewMigration::named(&words, &known, options.now).map_err(|why| {
            Problem::new("", format!("the migration has no name: {why}"), "say what it does, such as add_boards")
        })?;
        known.push(next.version.clone());
        names.push(next);
    }
    Ok(names)
}

/// What is given for one target.
struct Given {
    folder: Folder,
    wanted: Schema,
}

impl Given {
    fn of(target: &Target<'_>) -> Result<Self, Refused> {
        let folder = target.read().map_err(|error| Refused::from(error.into_problems()))?;
        let wanted = target.dialect.lower(&target.schema, &target.storage);
        let wanted = wanted.map_err(|problems| Refused::from(of_target(target, problems)))?;
        let circles = values::circles(target, &wanted);
        if circles.is_empty() { Ok(Self { folder, wanted }) } else { Err(Refused::from(circles)) }
    }
}

/// How far a target comes without a database.
enum Begun {
    /// The folder says what it leads to.
    Known(Box<State>),
    /// Its replay does.
    Unknown(Box<Given>),
}

impl Begun {
    fn of(target: &Target<'_>, options: &Options) -> Result<Self, Refused> {
        let mut given = Given::of(target)?;
        Ok(match recorded(&mut given.folder) {
            Some(before) => Self::Known(Box::new(State::of(target, given, before, options)?)),
            None => Self::Unknown(Box::new(given)),
        })
    }

    /// Of every target, each on a thread of its own.
    fn of_all(targets: &[Target<'_>], options: &Options) -> Vec<Result<Self, Refused>> {
        let mut all = Vec::with_capacity(targets.len());
        parallel::each(targets, 1, &|target| Self::of(target, options), |begun| all.push(begun));
        all
    }
}

/// One target, and what it needs.
struct State {
    folder: Folder,
    after: Schema,
    changes: Vec<Change>,
    script: Script,
}

impl State {
    async fn of_replay(target: &Target<'_>, given: Given, options: &Options) -> Result<Self, Refused> {
        let before = replayed(target, &given.folder).await.map_err(|problem| Refused::from(vec![problem]))?;
        Self::of(target, given, before, options)
    }

    fn of(target: &Target<'_>, given: Given, before: Schema, options: &Options) -> Result<Self, Refused> {
        let Given { folder, wanted } = given;
        // What was handed round in a circle is not handed round again, though its notes stand in the file.
        let renames = match &folder.snapshot {
            Some(snapshot) => snapshot.without_swapped(&target.renames),
            None => target.renames.clone(),
        };
        let changes = diff(&before, &wanted, &renames, &target.dialect.rules()).map_err(|Questions(questions)| {
            let questions = questions.into_iter().map(|question| (target.name.clone(), question)).collect();
            Refused { questions, ..Refused::default() }
        })?;
        let misread = forms::misread(target, &folder, (&before, &wanted), &changes, &options.fills);
        if !misread.is_empty() {
            return Err(Refused::from(misread));
        }
        let conversions = values::conversions(target, &before, &wanted, &changes, &options.fills);
        let request = ScriptRequest {
            before: &before,
            after: &wanted,
            changes: &changes,
            online: options.online,
            fills: &options.fills,
            conversions: &conversions,
        };
        let script = if changes.is_empty() { Script::default() } else { script(target, &request)? };
        if !script.losses.is_empty() && !options.accept_data_loss {
            let losses = script.losses.into_iter().map(|loss| (target.name.clone(), loss)).collect();
            return Err(Refused { losses, ..Refused::default() });
        }
        // In the database a new column stands last, wherever the file has it.
        let after = apply_all(before, &changes)
            .map_err(|error| vec![internal(&target.name, &format!("the steps cannot be taken: {error}"))])
            .map_err(Refused::from)?;
        Ok(Self { folder, after, changes, script })
    }

    async fn plan(self, target: &Target<'_>, names: &[NewMigration], options: &Options) -> Result<Plan, Problem> {
        let migrations = self.migrations(names);
        // The files are written out while the database is at work.
        let files = async { self.files(target, &migrations, names, options) };
        let (proved, files) = join(self.prove(target, &migrations), files).await;
        let (proved, files) = (proved?, files?);
        let Self { changes, script, .. } = self;
        Ok(Plan { target: target.name.clone(), migrations, changes, losses: script.losses, proved, files })
    }

    fn migrations(&self, names: &[NewMigration]) -> Vec<Generated> {
        let empty = Part::default();
        let parts = self.script.parts.iter().chain(std::iter::repeat(&empty));
        let numbered = names.iter().zip(parts).enumerate();
        numbered
            .map(|(at, (next, part))| Generated {
                version: next.version.clone(),
                name: next.name.clone(),
                text: text::of(part, if at == 0 { &self.script.losses } else { &[] }),
            })
            .collect()
    }

    /// Replays the folder with what is new, and compares.
    async fn prove(&self, target: &Target<'_>, migrations: &[Generated]) -> Result<bool, Problem> {
        let Some(scratch) = target.scratch.filter(|_| !self.changes.is_empty()) else { return Ok(false) };
        let is = scratch.replay(Some(&self.folder.source), migrations).await?.schema;
        let differences = proof(target, scratch, &self.after, &is).await?;
        match differences.is_empty() {
            true => Ok(true),
            false => Err(internal(&target.name, &not_as_wanted(&differences))),
        }
    }

    /// The migrations; a snapshot of the newest, where there is none or something changed; the journal, where it changed.
    fn files(
        &self,
        target: &Target<'_>,
        migrations: &[Generated],
        names: &[NewMigration],
        options: &Options,
    ) -> Result<Vec<(PathBuf, String)>, Problem> {
        let dialect = target.dialect.dialect().name;
        let new: Vec<(&NewMigration, &str)> = names.iter().zip(migrations).map(|(new, it)| (new, &*it.text)).collect();
        let new = if new.is_empty() { Vec::new() } else { self.folder.source.files_of(&new, options.now)? };
        let mut files: Vec<(PathBuf, String)> =
            new.into_iter().map(|it| (target.folder.join(it.file), it.text)).collect();
        let newest = match migrations.last() {
            Some(it) => Some((it.version.to_string(), it.name.clone())),
            None => {
                self.folder.migrations.last().and_then(|it| Some((it.id.version()?.to_string(), it.name.to_string())))
            }
        };
        let Some((version, name)) = newest else { return Ok(files) };
        let known = self.folder.snapshot.as_ref().filter(|it| it.version == version);
        // Beside a migration of another tool there may be that tool's.
        let is_new = !migrations.is_empty() || self.folder.source.is_own();
        if known.is_none() && is_new {
            let snapshot = target.snapshot(&version, &name, self.after.clone());
            files.push((self.folder.snapshot_path(&version), snapshot.to_json()));
        }
        if !self.folder.source.is_own() {
            return Ok(files);
        }
        let time = options.now.to_string();
        let mut journal = self.folder.journal_of_files(dialect, &time);
        journal.entries.extend(migrations.iter().map(|it| Entry {
            version: it.version.to_string(),
            name: it.name.clone(),
            time: time.clone(),
            checksum: whimbrel_core::Checksum::of_text(&it.text).to_string(),
        }));
        if self.folder.journal.as_ref() != Some(&journal) {
            files.push((self.folder.journal_path(), journal.to_json()));
        }
        Ok(files)
    }
}

/// How a replay differs from the schema that it should give. Where the database writes queries anew, it is asked to write
/// those of the schema too: made from nothing on another scratch database.
pub(crate) async fn proof(
    target: &Target<'_>,
    scratch: &dyn Scratch,
    expected: &Schema,
    is: &Schema,
) -> Result<Vec<Difference>, Problem> {
    let Compared { differences, uncompared } = compare_live(expected, is, &target.dialect.rules());
    if !differences.is_empty() || uncompared.is_empty() {
        return Ok(differences);
    }
    let printed = printed(target.dialect, scratch, &in_order_of(is, expected)).await?;
    Ok(compare(&printed, is))
}

/// The schema as a database writes it that was made from it.
pub(crate) async fn printed(
    dialect: &dyn SchemaDialect,
    scratch: &dyn Scratch,
    schema: &Schema,
) -> Result<Schema, Problem> {
    let fresh = from_nothing(dialect, schema)?;
    Ok(scratch.replay(None, &fresh).await?.schema)
}

/// The schema with the columns of each table in the order of another one: a query of a view may read all of them.
pub(crate) fn in_order_of(other: &Schema, schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    for table in &mut schema.tables {
        let Some(other) = other.table(&table.name) else { continue };
        let place = |name: &str| other.columns.iter().position(|column| column.name == name);
        table.columns.sort_by_key(|column| place(&column.name));
    }
    schema
}

/// Migrations that make the schema in an empty database.
pub(crate) fn from_nothing(dialect: &dyn SchemaDialect, schema: &Schema) -> Result<Vec<Generated>, Problem> {
    let wrong = |message: &str| internal(dialect.dialect().name, message);
    let (nothing, fills) = (Schema::default(), BTreeMap::new());
    let changes = diff(&nothing, schema, &[], &dialect.rules()).map_err(|questions| wrong(&questions.to_string()))?;
    let request = ScriptRequest {
        before: &nothing,
        after: schema,
        changes: &changes,
        online: false,
        fills: &fills,
        conversions: &fills,
    };
    let script = dialect.script(&request).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        wrong(&problems.join("\n"))
    })?;
    let named = |(at, part): (usize, &Part)| {
        let version = (at + 1).to_string().parse().map_err(|_| wrong("there are too many parts"))?;
        Ok(Generated { version, name: "from_nothing".to_owned(), text: text::of(part, &[]) })
    };
    script.parts.iter().enumerate().map(named).collect()
}

/// The schema that the target's folder leads to: its newest snapshot where that is of its newest migration, else what its
/// replay gives. The folder need not be there, and is empty then.
///
/// # Errors
///
/// Files that cannot be read, migrations that fail, and a folder without a snapshot where there is no scratch database.
pub async fn of_folder(target: &Target<'_>) -> Result<Schema, Refused> {
    let mut folder = target.read().map_err(|error| Refused::from(error.into_problems()))?;
    match recorded(&mut folder) {
        Some(schema) => Ok(schema),
        None => replayed(target, &folder).await.map_err(|problem| Refused::from(vec![problem])),
    }
}

/// The parts of a script as the texts of migrations.
#[must_use]
pub fn texts(script: &Script) -> Vec<String> {
    let losses = |at: usize| if at == 0 { script.losses.as_slice() } else { &[] };
    script.parts.iter().enumerate().map(|(at, part)| text::of(part, losses(at))).collect()
}

fn script(target: &Target<'_>, request: &ScriptRequest<'_>) -> Result<Script, Refused> {
    target.dialect.script(request).map_err(|problems| Refused::from(of_target(target, problems)))
}

/// The schema that the folder leads to, where its newest snapshot is of its newest migration: taken out of that.
fn recorded(folder: &mut Folder) -> Option<Schema> {
    if folder.migrations.is_empty() {
        return Some(Schema::default());
    }
    let is_newest = folder.since_snapshot().next().is_none();
    let snapshot = folder.snapshot.as_mut().filter(|_| is_newest)?;
    Some(std::mem::take(&mut snapshot.schema))
}

/// The schema that the folder leads to, where no snapshot says so: what its replay gives, else the snapshot as long as what
/// was written since changes no schema.
async fn replayed(target: &Target<'_>, folder: &Folder) -> Result<Schema, Problem> {
    // What a person wrote into a migration is in no snapshot of another tool's, but in a replay.
    if let Some(scratch) = target.scratch {
        return scratch.replay(Some(&folder.source), &[]).await.map(|it| it.schema);
    }
    let recorded = drizzle::recorded(&folder.path, &folder.migrations, target.dialect)
        .map_err(|problems| first(problems.into()))?;
    if let Some(recorded) = recorded.filter(|it| it.since.is_empty()) {
        if recorded.unread.is_empty() {
            return Ok(recorded.schema);
        }
        let message = format!("says what is not read yet: {}", recorded.unread.join("; "));
        let hint = format!("name a server for throw-away databases: `scratch-url` of the target {}", target.name);
        return Err(Problem::new(recorded.file.display().to_string(), message, hint));
    }
    let lexer = target.dialect.dialect().lexer;
    let since: Vec<_> = folder.since_snapshot().collect();
    let changing =
        since.iter().find(|migration| migration.text().map_or(true, |text| text::changes_a_schema(lexer, &text)));
    match (&folder.snapshot, changing) {
        (Some(snapshot), None) => Ok(snapshot.schema.clone()),
        (_, changing) => {
            let file = changing.map_or_else(|| target.folder.display().to_string(), |migration| migration.file());
            Err(Problem::new(
                file,
                "has no snapshot, and there is no scratch database to find out what it leads to",
                format!("name a server for throw-away databases: `scratch-url` of the target {}", target.name),
            ))
        }
    }
}

/// Problems of a dialect name the object; people need to know for which target it is one.
fn of_target(target: &Target<'_>, problems: Vec<Problem>) -> Vec<Problem> {
    let dialect = target.dialect.dialect().name;
    problems.into_iter().map(|it| Problem { file: format!("{} ({dialect})", it.file), ..it }).collect()
}

fn not_as_wanted(differences: &[Difference]) -> String {
    let lines: Vec<String> = differences.iter().map(|difference| format!("\n  {difference}")).collect();
    format!("applied to an empty database, the migration does not give the schema:{}", lines.concat())
}

/// What should not happen; it is said, and nothing is written.
fn internal(target: &str, message: &str) -> Problem {
    let hint = "this is a fault of the tool: write this migration by hand with `whimbrel new`, and report it";
    Problem::new(target, message, hint)
}

#[cfg(test)]
mod tests;
