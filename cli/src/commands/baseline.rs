//! `baseline`: records what a database with tables and no history has.

use serde::Serialize;
use whimbrel::schema::baseline::{Placed, Proof};
use whimbrel::schema::{BaselineError, Baselined};
use whimbrel::{AsFresh, Problem};

use super::schema_targets::refused;
use super::{Context, Opened};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::printable;
use crate::render::{failure, json};

#[derive(Debug, Serialize)]
struct Done {
    /// The version; where none was named and none is equal, the nearest.
    version: Option<String>,
    /// Whether the database is as that version leaves it.
    equal: bool,
    recorded: Vec<json::Key>,
    differences: Vec<Entry>,
    uncompared: Vec<String>,
    /// Files that change rows alone, so that the schema does not tell whether they ran.
    untold: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Entry {
    object: String,
    what: String,
    /// The file that would have made it otherwise; several: one of those between the first and the last.
    files: Vec<String>,
}

pub(super) async fn run(context: &Context, flags: &arguments::Baseline) -> Result<u8, CliError> {
    let opened = context.open()?;
    if flags.empty {
        return begin(&opened, flags).await;
    }
    let baseline = opened.baseline()?;
    let baseline = match (&flags.version, flags.force) {
        (Some(version), true) => baseline.forced_at(version.clone()),
        (Some(version), false) => baseline.at(version.clone()),
        (None, _) => baseline,
    };
    let result = baseline.record(&opened.interruptible(&flags.waits)?).await;
    match result {
        Ok(recorded) => Ok(show(&opened, &recorded)),
        Err(BaselineError::Different(different)) => {
            let output = &context.output;
            different.proof.differences.iter().for_each(|it| output.data(printable(&it.to_string())));
            notes(&opened, &different.proof);
            let problem = Problem::new("", format!("{}: {}", opened.name(), different.reason()), different.hint());
            output.error(failure::of_problems(&[problem], output.err()));
            output.error("nothing was recorded");
            document(&opened, Done::of(&different.proof));
            Ok(exit_code::NOT_AS_ASKED)
        }
        Err(BaselineError::Problems(problems)) => Err(refused(problems)),
        Err(BaselineError::Run(error)) => Ok(opened.show(&error)),
        Err(other) => Err(CliError::failed(other.to_string(), "")),
    }
}

/// Begins a history in which nothing is recorded.
async fn begin(opened: &Opened<'_>, flags: &arguments::Baseline) -> Result<u8, CliError> {
    if let Err(error) = opened.interruptible(&flags.waits)?.track(&AsFresh).await {
        return Ok(opened.show(&error));
    }
    opened.context.output.done("the history is there and empty: every migration is pending");
    let nothing = Done {
        version: None,
        equal: false,
        recorded: Vec::new(),
        differences: Vec::new(),
        uncompared: Vec::new(),
        untold: Vec::new(),
    };
    document(opened, nothing);
    Ok(exit_code::DONE)
}

fn show(opened: &Opened<'_>, baselined: &Baselined) -> u8 {
    let (output, proof) = (&opened.context.output, &baselined.proof);
    proof.differences.iter().for_each(|it| output.data(printable(&it.to_string())));
    notes(opened, proof);
    let (name, version) = (printable(&opened.name()), &proof.version);
    match proof.differences.len() {
        0 => output.done(format_args!("{name} is as {version} leaves it: {}", count(baselined.recorded.len()))),
        number => output.done(format_args!(
            "{name} is not as {version} leaves it ({number} differences) and was recorded all the same: {}",
            count(baselined.recorded.len())
        )),
    }
    document(opened, Done { recorded: baselined.recorded.iter().map(json::Key::new).collect(), ..Done::of(proof) });
    exit_code::DONE
}

fn count(recorded: usize) -> String {
    if recorded == 1 { "1 migration recorded".to_owned() } else { format!("{recorded} migrations recorded") }
}

fn notes(opened: &Opened<'_>, proof: &Proof) {
    let output = &opened.context.output;
    let note = output.err().notable("note");
    for line in &proof.uncompared {
        output.say(format_args!("{note}: not compared: {}", printable(line)));
    }
    for file in &proof.untold {
        let file = printable(file);
        output.say(format_args!("{note}: {file} changes rows alone, so the schema does not tell whether it ran"));
    }
}

impl Done {
    fn of(proof: &Proof) -> Self {
        Self {
            version: Some(proof.version.to_string()),
            equal: proof.differences.is_empty(),
            recorded: Vec::new(),
            differences: proof.differences.iter().map(Entry::new).collect(),
            uncompared: proof.uncompared.clone(),
            untold: proof.untold.clone(),
        }
    }
}

impl Entry {
    fn new(placed: &Placed) -> Self {
        let mut files: Vec<String> =
            placed.files.iter().flat_map(|(first, last)| [first.clone(), last.clone()]).collect();
        files.dedup();
        Self { object: placed.difference.object.clone(), what: placed.difference.what.clone(), files }
    }
}

fn document(opened: &Opened<'_>, done: Done) {
    if opened.context.output.json {
        opened.context.output.document(&json::Other { place: opened.place(), done: Some(done), error: None });
    }
}
