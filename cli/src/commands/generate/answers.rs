//! Questions about renames: asked on a terminal, else told with what to write.

use std::io::{self, BufRead, IsTerminal};

use whimbrel::Problem;
use whimbrel::schema::Rename;
use whimbrel::schema::diff::Question;

use crate::commands::Context;

/// Asks every question. `None`: there is nobody to ask, or one was not answered.
pub(in crate::commands) fn ask(context: &Context, questions: &[(String, Question)]) -> Option<Vec<Rename>> {
    if context.common.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let mut answers: Vec<Rename> = Vec::new();
    for (_, question) in questions {
        let Question::Renamed { object, from, candidates } = question else { return None };
        // Each target asks the same.
        if answers.iter().any(|answer| answer.object == *object && answer.from == *from) {
            continue;
        }
        let to = choose(context, question, candidates)?;
        answers.push(Rename { object: object.clone(), from: from.clone(), to });
    }
    Some(answers)
}

/// The name that is chosen; empty where it is none of them.
fn choose(context: &Context, question: &Question, candidates: &[String]) -> Option<String> {
    let output = &context.output;
    output.error(question);
    for (number, candidate) in candidates.iter().enumerate() {
        output.error(format_args!("  {}  it is `{candidate}` now", number + 1));
    }
    output.error("  0  it is dropped, and what is new is something else");
    loop {
        output.error("write a number:");
        let mut answer = String::new();
        if io::stdin().lock().read_line(&mut answer).ok()? == 0 {
            return None;
        }
        match answer.trim().parse::<usize>() {
            Ok(0) => return Some(String::new()),
            Ok(number) if number <= candidates.len() => return candidates.get(number - 1).cloned(),
            _ => {}
        }
    }
}

/// The questions for those who cannot be asked.
pub(in crate::commands) fn as_problems(schema_file: &str, questions: &[(String, Question)]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for (_, question) in questions {
        let hint = match question {
            Question::Renamed { object, from, candidates } => {
                let old = object.qualified(from);
                let new = candidates.first().map_or("NEW", String::as_str);
                format!(
                    "give `--rename {old}={new}`, or write `-- @renamed from {from}` above it in the schema; `--rename {old}=` says that it was not"
                )
            }
            Question::Wrong(_) => "correct the note in the schema or the flag, or take it away".to_owned(),
        };
        let problem = Problem::new(schema_file, question.to_string(), hint);
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}
