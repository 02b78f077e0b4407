//! Whether everything agrees: files, journal, snapshot, schema, replay, and the targets with each other.

use std::collections::BTreeSet;

use whimbrel_core::{LoadError, Problem};

use super::Target;
use crate::compare::compare;
use crate::folder::Folder;
use crate::model::Schema;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Everything that does not agree.
    pub problems: Vec<Problem>,
    /// Targets whose folder was not replayed, because there was no scratch database.
    pub not_replayed: Vec<String>,
    /// Where the schema does not mean quite the same in a target's dialect: the target, and what. No problem, and to be known.
    pub meaning: Vec<(String, String)>,
}

/// Checks every target: the files, journal and snapshots of its folder agree; the newest snapshot is what the schema says
/// and what a replay of the folder gives; and all folders have the same versions and names.
pub async fn checked(targets: &[Target<'_>]) -> Checked {
    let mut found = Checked::default();
    let mut folders = Vec::new();
    for target in targets {
        match target.read() {
            Ok(folder) => {
                let notes = target.dialect.differences_of_meaning(&target.schema, &target.storage);
                found.meaning.extend(notes.into_iter().map(|note| (target.name.clone(), note)));
                one(target, &folder, &mut found).await;
                folders.push((target, folder));
            }
            Err(error) => found.problems.extend(LoadError::into_problems(error)),
        }
    }
    parity(&folders, &mut found.problems);
    found
}

async fn one(target: &Target<'_>, folder: &Folder, found: &mut Checked) {
    let dialect = target.dialect.dialect().name;
    found.problems.extend(folder.disagreements(dialect));
    let wanted = match target.dialect.lower(&target.schema, &target.storage) {
        Ok(wanted) => wanted,
        Err(problems) => return found.problems.extend(super::of_target(target, problems)),
    };
    let snapshot = match (&folder.snapshot, folder.newest()) {
        (_, None) if wanted == Schema::default() => Schema::default(),
        (_, None) => {
            let hint = "`whimbrel generate` writes the first";
            let folder = target.folder.display().to_string();
            return found.problems.push(Problem::new(folder, "has no migration, and the schema is not empty", hint));
        }
        (Some(snapshot), Some(newest)) if snapshot.version == newest.as_str() => snapshot.schema.clone(),
        (_, Some(newest)) => {
            let message = format!("the newest migration, {newest}, has no snapshot");
            let hint = "`whimbrel generate` writes it";
            return found.problems.push(Problem::new(folder.meta().display().to_string(), message, hint));
        }
    };
    let file = target.folder.display().to_string();
    let generate = "`whimbrel generate` writes the migration that is missing";
    differ(&file, "the snapshot is not what the schema says", generate, &wanted, &snapshot, &mut found.problems);
    match target.scratch {
        None => found.not_replayed.push(target.name.clone()),
        Some(scratch) => {
            match scratch.replay(Some(&folder.source), &[]).await {
                Ok(is) => {
                    let hint = "correct the migration that was edited, or write the change into the schema";
                    match super::proof(target, scratch, &snapshot, &is.schema).await {
                        Ok(differences) => found.problems.extend(differences.iter().map(|it| {
                            Problem::new(&*file, format!("a replay does not give the snapshot: {it}"), hint)
                        })),
                        Err(problem) => found.problems.push(problem),
                    }
                }
                Err(problem) => found.problems.push(problem),
            }
        }
    }
}

fn differ(file: &str, what: &str, hint: &str, expected: &Schema, actual: &Schema, problems: &mut Vec<Problem>) {
    let differences = compare(expected, actual);
    problems.extend(differences.iter().map(|it| Problem::new(file, format!("{what}: {it}"), hint)));
}

/// Every folder has the migrations of every other.
fn parity(folders: &[(&Target<'_>, Folder)], problems: &mut Vec<Problem>) {
    let names = |folder: &Folder| -> BTreeSet<String> {
        let name = |it: &whimbrel_core::Migration| Some(format!("{}_{}", it.id.version()?, it.name));
        folder.migrations.iter().filter_map(name).collect()
    };
    let all: BTreeSet<String> = folders.iter().flat_map(|(_, folder)| names(folder)).collect();
    for (target, folder) in folders {
        for missing in all.difference(&names(folder)) {
            let message = format!("has no {missing}, which another target's folder has");
            let hint = "write it there too: a comment is enough where there is nothing to do";
            problems.push(Problem::new(target.folder.display().to_string(), message, hint));
        }
    }
}
