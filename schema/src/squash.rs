//! Folding the oldest migrations into one.

use std::fs;
use std::path::PathBuf;

use whimbrel_core::{DirectorySource, Migration, Problem, Timestamp, Version};

use crate::compare::compare;
use crate::copied::Copied;
use crate::folder::{Folder, file_name, first, unwritable};
use crate::generate::{Generated, Refused, Scratch, Target, from_nothing, in_order_of};
use crate::model::Schema;
use crate::snapshot::Snapshot;

/// The name of the migration into which the others are folded.
const NAME: &str = "checkpoint";

/// What is to be done in one target's folder; nothing is done yet, see [`Squash::carry_out`].
#[derive(Debug)]
pub struct Squash {
    /// The target's name.
    pub target: String,
    /// The new file.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// The files that it stands for, which go.
    pub folded: Vec<PathBuf>,
    folder: Folder,
    dialect: &'static str,
    version: Version,
    schema: Schema,
    time: String,
}

/// Folds all migrations up to a version, with it, into one checkpoint in every target's folder.
///
/// It is made from the schema to which they lead, and both ways are carried out on scratch databases and compared, the order of
/// columns too. Rows that the migrations write are not in a schema, so a folder whose replay leaves rows is refused.
///
/// # Errors
///
/// [`Refused`]: a version that is not there, fewer than two migrations, no scratch database, files and journal that do not
/// agree, rows, objects that the model does not hold, and every difference between the two ways.
pub async fn squash(targets: &[Target<'_>], version: &Version, now: Timestamp) -> Result<Vec<Squash>, Refused> {
    let (mut done, mut problems) = (Vec::new(), Vec::new());
    for target in targets {
        match one(target, version, now).await {
            Ok(squash) => done.push(squash),
            Err(why) => problems.extend(why),
        }
    }
    if problems.is_empty() { Ok(done) } else { Err(Refused::from(problems)) }
}

async fn one(target: &Target<'_>, version: &Version, now: Timestamp) -> Result<Squash, Vec<Problem>> {
    let place = target.folder.display().to_string();
    let refuse = |message: String, hint: &str| vec![Problem::new(place.clone(), message, hint)];
    let folder = target.read().map_err(whimbrel_core::LoadError::into_problems)?;
    if !folder.source.is_own() {
        let message = format!("is a folder of {}, whose migrations cannot be folded", folder.source.format());
        return Err(refuse(message, "move its migrations into a folder of Whimbrel's own first"));
    }
    let dialect = target.dialect.dialect().name;
    let disagreements = folder.disagreements(dialect);
    if !disagreements.is_empty() {
        return Err(disagreements);
    }
    let fold: Vec<&Migration> =
        folder.migrations.iter().filter(|it| it.id.version().is_some_and(|of| of <= version)).collect();
    let Some(last) = fold.last().filter(|it| it.id.version() == Some(version)) else {
        return Err(refuse(format!("there is no migration {version}"), "`whimbrel status` lists the versions"));
    };
    if fold.len() < 2 {
        return Err(refuse(format!("nothing stands before {version} that could be folded"), "name a later version"));
    }
    let Some(scratch) = target.scratch else {
        let hint = "name a server for throw-away databases: `scratch-url` of the target";
        return Err(refuse(
            format!("{}: both ways cannot be compared without a throw-away database", target.name),
            hint,
        ));
    };
    let (schema, text) = checkpoint(target, scratch, &folder, &fold, (version, last)).await?;
    let (version, time) = (version.clone(), now.to_string());
    let folded = fold.iter().map(|it| target.folder.join(file_name(it))).collect();
    let file = target.folder.join(format!("{version}_{NAME}.sql"));
    Ok(Squash { target: target.name.clone(), file, text, folded, folder, dialect, version, schema, time })
}

/// The schema to which the migrations lead, and the text that makes it, compared with them.
async fn checkpoint(
    target: &Target<'_>,
    scratch: &dyn Scratch,
    folder: &Folder,
    fold: &[&Migration],
    (version, last): (&Version, &Migration),
) -> Result<(Schema, String), Vec<Problem>> {
    let place = target.folder.display().to_string();
    let one = |problem: Problem| vec![problem];
    let copy = Copied::only(&target.folder, fold).map_err(|error| {
        one(Problem::new(&*place, format!("cannot be copied for the replay: {error}"), "look at the rights there"))
    })?;
    let replayed = scratch.replay_rows(&DirectorySource::new(copy.path())).await.map_err(one)?;
    let mut problems: Vec<Problem> = Vec::new();
    for table in &replayed.filled {
        let message = format!("the migrations write rows into {table}, which a schema does not hold");
        problems.push(Problem::new(&*place, message, "put the rows into the seed, or fold up to a version before"));
    }
    for object in &replayed.found.uncompared {
        let message = format!("a checkpoint would not hold: {object}");
        problems.push(Problem::new(&*place, message, "fold up to a version before it"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let is = replayed.found.schema;
    let own = folder.snapshot.as_ref().filter(|snapshot| snapshot.version == version.as_str());
    let schema = own.map_or_else(|| is.clone(), |snapshot| in_order_of(&is, &snapshot.schema));
    let parts = from_nothing(target.dialect, &schema).map_err(one)?;
    let [only] = parts.as_slice() else {
        let message = format!("the schema takes {} migrations, and a checkpoint is one", parts.len());
        return Err(one(Problem::new(&*place, message, "fold up to a version before")));
    };
    let text = format!("{}{}", header(fold, last), only.text);
    let generated = Generated { version: version.clone(), name: NAME.to_owned(), text };
    let other = scratch.replay(None, std::slice::from_ref(&generated)).await.map_err(one)?.schema;
    let mut differences: Vec<String> = compare(&is, &other).iter().map(ToString::to_string).collect();
    for table in &is.tables {
        let order = |schema: &Schema| -> Option<Vec<String>> {
            Some(schema.table(&table.name)?.columns.iter().map(|column| column.name.clone()).collect())
        };
        if order(&is) != order(&other) {
            differences.push(format!("table {} has its columns in another order", table.name));
        }
    }
    if differences.is_empty() {
        return Ok((schema, generated.text));
    }
    let message = |it: &String| format!("the checkpoint does not make what the migrations make: {it}");
    Err(differences.iter().map(|it| Problem::new(&*place, message(it), "fold up to a version before")).collect())
}

/// What the runner must know: which versions it stands for, and which file had its version.
fn header(fold: &[&Migration], last: &Migration) -> String {
    let versions: Vec<String> =
        fold.iter().filter(|it| it.id != last.id).filter_map(|it| it.id.version().map(ToString::to_string)).collect();
    let lines = versions.chunks(12).map(|versions| format!("-- whimbrel: checkpoint {}\n", versions.join(" ")));
    let accepted = std::iter::once(&last.checksum).chain(&last.directives().accepted_checksums);
    let accepted: String = accepted.map(|checksum| format!("-- whimbrel: accept-checksum {checksum}\n")).collect();
    format!("{}{accepted}", lines.collect::<String>())
}

impl Squash {
    /// Writes the checkpoint, removes the files that it stands for, and writes snapshot and journal anew.
    ///
    /// # Errors
    ///
    /// A file that cannot be written or removed; what was done before it stays, and version control has the rest.
    pub fn carry_out(&self) -> Result<(), Problem> {
        // Whole before anything goes.
        let beside = self.file.with_extension("sql.new");
        fs::write(&beside, &self.text).map_err(|error| unwritable(&beside, &error))?;
        for path in &self.folded {
            fs::remove_file(path).map_err(|error| unwritable(path, &error))?;
        }
        fs::rename(&beside, &self.file).map_err(|error| unwritable(&self.file, &error))?;
        for migration in self.folder.migrations.iter().filter_map(|it| it.id.version()) {
            let path = self.folder.snapshot_path(migration.as_str());
            if *migration <= self.version && path.exists() {
                fs::remove_file(&path).map_err(|error| unwritable(&path, &error))?;
            }
        }
        let mut snapshot = Snapshot::new(self.dialect, self.version.as_str(), NAME, self.schema.clone());
        // What the snapshot of the same version knew, the schema does not tell.
        if let Some(old) = self.folder.snapshot.as_ref().filter(|it| it.version == self.version.as_str()) {
            snapshot.swapped.clone_from(&old.swapped);
            snapshot.forms.clone_from(&old.forms);
        }
        Folder::read(&self.folder.path).map_err(first)?.enter(&snapshot, &self.time)
    }
}
