//! `adopt`: goes on with the history of another tool.

use serde::Serialize;
use whimbrel::{Adoption, Finding, Match, OtherHistory, Problem, Verdict};

use super::{Context, Opened};
use crate::arguments;
use crate::error::CliError;
use crate::exit_code;
use crate::output::{Style, printable};
use crate::render::failure;
use crate::render::json;

#[derive(Debug, Serialize)]
struct Adopted<'a> {
    tool: &'a str,
    table: &'a str,
    rows: usize,
    dry_run: bool,
    adopted: usize,
    pending: usize,
    in_the_way: usize,
    /// The version that the schema was proved to be at.
    proved: Option<&'a str>,
    notes: &'a [String],
    matches: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    verdict: &'static str,
    namespace: Option<String>,
    version: Option<String>,
    name: Option<&'a str>,
    file: Option<&'a str>,
    row: Option<&'a str>,
    applied_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    findings: Vec<Found<'a>>,
}

#[derive(Debug, Serialize)]
struct Found<'a> {
    finding: &'static str,
    message: &'a str,
    hint: &'a str,
    accepted: bool,
}

pub(super) async fn run(context: &Context, flags: &arguments::Adopt) -> Result<u8, CliError> {
    let opened = context.open()?;
    let place = OtherHistory {
        table: flags.from_table.clone().or_else(|| opened.target.other_history.table.clone()),
        schema: flags.from_schema.clone().or_else(|| opened.target.other_history.schema.clone()),
    };
    let migrator = opened.interruptible(&flags.waits)?.other_history(place).proving(opened.baseline()?);
    let adopted = match flags.dry_run {
        true => migrator.plan_adoption(&flags.accept).await,
        false => migrator.adopt(&flags.accept).await,
    };
    match adopted {
        Ok(adoption) => {
            show(&opened, &adoption, flags.dry_run);
            Ok(if adoption.is_refused() { exit_code::NOT_AS_ASKED } else { exit_code::DONE })
        }
        Err(error) => Ok(opened.show(&error)),
    }
}

fn show(opened: &Opened<'_>, adoption: &Adoption, dry_run: bool) {
    let output = &opened.context.output;
    let table = printable(&adoption.table);
    output.done(format_args!(
        "{}: {table}, the history of {}, {}",
        printable(&opened.name()),
        adoption.tool_called,
        counted(adoption.rows, "row")
    ));
    let lines = lines(&adoption.matches, output.out());
    // A dry run is asked for them.
    lines.iter().for_each(|line| if dry_run { output.data(line) } else { output.done(line) });
    let findings = || adoption.matches.iter().flat_map(|it| &it.findings);
    let shown = |finding: &Finding| {
        let problem = Problem::new("", printable(&finding.to_string()), printable(&finding.hint));
        failure::of_problems(&[problem], output.err())
    };
    for finding in findings().filter(|it| it.accepted) {
        output.say(format_args!("{}: accepted: {}", output.err().notable("note"), printable(&finding.to_string())));
    }
    findings().filter(|it| !it.accepted).for_each(|finding| output.error(shown(finding)));
    for note in &adoption.notes {
        output.say(format_args!("{}: {}", output.err().notable("note"), printable(note)));
    }
    if let Some(version) = &adoption.proved {
        output.done(format_args!("the database is as {version} leaves it"));
    }
    output.done(summary(adoption, dry_run));
    if output.json {
        output.document(&json::Other { place: opened.place(), done: Some(document(adoption, dry_run)), error: None });
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn summary(adoption: &Adoption, dry_run: bool) -> String {
    let (recorded, pending) = (counted(adoption.recorded, "migration"), adoption.count(Verdict::Pending));
    let done = match (adoption.is_refused(), dry_run, adoption.recorded) {
        (true, ..) => {
            return format!("nothing was recorded: {} in the way", counted(adoption.in_the_way().count(), "finding"));
        }
        (false, _, 0) => "nothing new to adopt".to_owned(),
        (false, false, _) => format!("adopted {recorded}"),
        (false, true, _) => format!("would adopt {recorded}"),
    };
    if pending > 0 { format!("{done}; {pending} pending, which `whimbrel migrate` applies") } else { done }
}

/// A line for each match, in columns.
fn lines(matches: &[Match], style: Style) -> Vec<String> {
    let word = |it: &Match| it.verdict.as_str().replace('_', " ");
    let name = |it: &Match| match (&it.id, &it.name) {
        (Some(id), Some(name)) => printable(&id.called(name)),
        _ if it.row.is_some() => "no file".to_owned(),
        _ => "no rows".to_owned(),
    };
    let widest = matches.iter().map(|it| word(it).len()).max().unwrap_or(0);
    let longest = matches.iter().map(|it| name(it).chars().count()).max().unwrap_or(0);
    let line = |it: &Match| {
        let shown = format!("{:widest$}", word(it));
        let shown = match it.verdict {
            Verdict::Verified | Verdict::Unverified | Verdict::ByHand | Verdict::Recorded => style.good(shown),
            Verdict::InTheWay => style.bad(shown),
            _ => style.notable(shown),
        };
        let details = [it.applied_at.map(|at| at.to_string()), it.row.clone(), it.note.clone()];
        let details = details.into_iter().flatten().collect::<Vec<_>>().join("  ");
        format!("  {shown}  {:longest$}  {}", name(it), printable(&details)).trim_end().to_owned()
    };
    matches.iter().map(line).collect()
}

fn document<'a>(adoption: &'a Adoption, dry_run: bool) -> Adopted<'a> {
    let entry = |it: &'a Match| {
        let Match { id, name, file, row, applied_at, verdict, note, findings, .. } = it;
        Entry {
            verdict: verdict.as_str(),
            namespace: id.as_ref().map(|id| id.namespace.to_string()),
            version: id.as_ref().and_then(|id| id.version()).map(ToString::to_string),
            name: name.as_deref(),
            file: file.as_deref(),
            row: row.as_deref(),
            applied_at: applied_at.map(|at| at.to_string()),
            note: note.as_deref(),
            findings: findings.iter().map(found).collect(),
        }
    };
    Adopted {
        tool: adoption.tool,
        table: &adoption.table,
        rows: adoption.rows,
        dry_run,
        adopted: adoption.recorded,
        pending: adoption.count(Verdict::Pending),
        in_the_way: adoption.in_the_way().count(),
        proved: adoption.proved.as_deref(),
        notes: &adoption.notes,
        matches: adoption.matches.iter().map(entry).collect(),
    }
}

fn found(finding: &Finding) -> Found<'_> {
    let Finding { kind, message, hint, accepted, .. } = finding;
    Found { finding: kind.as_str(), message, hint, accepted: *accepted }
}
