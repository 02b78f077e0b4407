//! `rebase`: the migrations of this branch behind those that were merged before them.

use std::path::Path;
use std::process::Command;

use serde::Serialize;
use whimbrel::Timestamp;
use whimbrel::schema::rebase;

use super::Context;
use super::schema_targets::{Ahead, Project, refused};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::render::json;
use crate::signals::stoppable;

/// Where the other migrations are, where nothing is said: the first of these that git knows.
const USUAL: [&str; 5] = ["origin/HEAD", "origin/main", "main", "origin/master", "master"];

#[derive(Debug, Serialize)]
struct Rebased {
    up_to_date: bool,
    targets: Vec<OfTarget>,
}

#[derive(Debug, Serialize)]
struct OfTarget {
    target: String,
    moved: Vec<[String; 2]>,
    proved: bool,
}

pub(super) async fn run(context: &Context, arguments: &arguments::Rebase) -> Result<u8, CliError> {
    let project = Project::open(context, false, Ahead::Nothing)?;
    let _lock = project.write_lock(context)?;
    let mine = match arguments.name.as_slice() {
        [] => new_here(&project, arguments.onto.as_deref())?,
        names => names.iter().map(|name| name.trim_end_matches(".sql").to_owned()).collect(),
    };
    let rebases = stoppable(rebase(&project.targets(&[]), &mine, Timestamp::now())).await?;
    let rebases = rebases.map_err(|why| refused(project.located(why.problems)))?;
    let up_to_date = rebases.iter().all(|rebase| rebase.is_empty());
    let output = &context.output;
    if !up_to_date {
        for rebase in &rebases {
            rebase.carry_out().map_err(|problem| refused(vec![problem]))?;
        }
    }
    for (rebase, place) in rebases.iter().zip(&project.places) {
        if !up_to_date && !rebase.proved {
            let note = output.err().notable("note");
            let why = "there is no throw-away database for it (scratch-url)";
            output.say(format_args!("{note}: the new order of {} was NOT proved: {why}", place.target.name));
        }
        for (from, to) in &rebase.moves {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            output.data(format_args!("{} is now {}", from.display(), name(to)));
        }
    }
    match up_to_date {
        true => output.done("nothing to do: the branch's migrations are the newest"),
        false => output.say("a database in which they ran under their old versions must be made anew"),
    }
    if output.json {
        let of_target = |rebase: &whimbrel::schema::Rebase| OfTarget {
            target: rebase.target.clone(),
            moved: rebase.moves.iter().map(|(a, b)| [a, b].map(|path| path.display().to_string())).collect(),
            proved: rebase.proved,
        };
        let done = Some(Rebased { up_to_date, targets: rebases.iter().map(of_target).collect() });
        output.document(&json::Other { place: json::Place::default(), done, error: None });
    }
    Ok(exit_code::DONE)
}

/// The migrations that the other branch does not have, as git knows it.
fn new_here(project: &Project, onto: Option<&str>) -> Result<Vec<String>, CliError> {
    let mut new = Vec::new();
    for place in &project.places {
        let folder = &place.target.folder;
        let Some(reference) = onto.or_else(|| USUAL.into_iter().find(|it| knows(folder, it))) else {
            return Err(CliError::usage(
                "it is not known which migrations are this branch's: git knows no branch that it was made from",
                "name them, such as `whimbrel rebase 0005_add_boards`, or give `--onto BRANCH`",
            ));
        };
        let there = listed(folder, reference)?;
        let entries = std::fs::read_dir(folder).map_err(|error| {
            CliError::failed(format!("{} cannot be read: {error}", folder.display()), "look at its rights")
        })?;
        for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
            let Some(stem) = name.strip_suffix(".sql") else { continue };
            if !there.contains(&name) && !new.contains(&stem.to_owned()) {
                new.push(stem.to_owned());
            }
        }
    }
    Ok(new)
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder);
    command
}

fn knows(folder: &Path, reference: &str) -> bool {
    let output = git(folder).args(["rev-parse", "--quiet", "--verify", "--end-of-options"]).arg(reference).output();
    output.is_ok_and(|output| output.status.success())
}

/// The names of the files that a branch has in the folder.
fn listed(folder: &Path, reference: &str) -> Result<Vec<String>, CliError> {
    let output = git(folder).args(["ls-tree", "--name-only", "-z", "--end-of-options", reference, "./"]).output();
    let failed = |why: String| {
        CliError::failed(
            format!("git does not list the migrations of {reference}: {why}"),
            "name this branch's migrations, such as `whimbrel rebase 0005_add_boards`",
        )
    };
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split('\0').filter_map(|path| Some(path.rsplit('/').next()?.to_owned())).collect())
}
