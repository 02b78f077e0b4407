//! How two schemas differ, in words.

mod words;

use std::fmt;

use crate::dialect::Rename;
use crate::diff::{Question, Questions, Rules, diff};
use crate::model::{Native, Schema};

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Which object: `table users`, `column users.email`, `index users_email_idx`.
    pub object: String,
    /// What is different, behind the object's name: `is missing`, `is text, expected varchar(320)`.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.what)
    }
}

/// Everything in which `actual` is not as `expected`, both of one dialect. The order of columns does not count.
#[must_use]
pub fn compare(expected: &Schema, actual: &Schema) -> Vec<Difference> {
    let mut renames = Vec::new();
    // Names of constraints count, and nothing stands in the way of anything: only what differs is told.
    let rules = Rules { renames_constraints: true, ..Rules::FREE };
    let steps = loop {
        match diff(actual, expected, &renames, &rules) {
            Ok(steps) => break steps,
            Err(Questions(questions)) => {
                let before = renames.len();
                renames.extend(questions.into_iter().filter_map(|question| match question {
                    Question::Renamed { object, from, .. } => Some(Rename { object, from, to: String::new() }),
                    Question::Wrong(_) => None,
                }));
                if renames.len() == before {
                    break Vec::new();
                }
            }
        }
    };
    let mut differences: Vec<Difference> = steps.iter().flat_map(words::of).collect();
    differences.dedup();
    pair_up(differences)
}

/// A schema that was written against one that was read from a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Everything in which the database is not as expected.
    pub differences: Vec<Difference>,
    /// What could not be compared: queries of views, and texts of functions and triggers, that the database wrote anew.
    pub uncompared: Vec<String>,
}

/// [`compare`], where `actual` is what a database with these rules gave back.
#[must_use]
pub fn compare_live(expected: &Schema, actual: &Schema, rules: &Rules) -> Compared {
    if !rules.rewrites_views {
        return Compared { differences: compare(expected, actual), uncompared: Vec::new() };
    }
    let mut actual = actual.clone();
    let uncompared = settle(expected, None, &mut actual);
    Compared { differences: compare(expected, &actual), uncompared }
}

/// Gives `live` the texts of `written` where the database has only written them anew: queries of views, functions, triggers.
///
/// `printed` is what the same database makes of `written`; without it that cannot be told, and everything that would have to
/// be compared is taken as equal and given back by name.
pub(crate) fn settle(written: &Schema, printed: Option<&Schema>, live: &mut Schema) -> Vec<String> {
    let mut uncompared = Vec::new();
    for view in &mut live.views {
        let Some(wanted) = written.view(&view.name).filter(|it| !it.same_as(view)) else { continue };
        match printed.map(|printed| printed.view(&view.name).is_some_and(|it| it.same_as(view))) {
            Some(false) => continue,
            Some(true) => {}
            None => uncompared.push(format!("the query of view {}", view.name)),
        }
        view.query.clone_from(&wanted.query);
        view.columns.clone_from(&wanted.columns);
    }
    let mut left: Vec<&Native> = written.natives.iter().collect();
    for native in &mut live.natives {
        let Some(at) = left.iter().position(|it| it.is_named_as(native)) else { continue };
        let wanted = left.remove(at);
        if wanted.same_as(native) {
            continue;
        }
        match printed.map(|printed| printed.natives.iter().any(|it| it.same_as(native))) {
            Some(false) => continue,
            Some(true) => {}
            None => uncompared.push(format!("the text of {} {}", native.kind, native.name)),
        }
        native.clone_from(wanted);
    }
    uncompared
}

/// What is dropped and made again under one name is different, not missing and unexpected.
fn pair_up(differences: Vec<Difference>) -> Vec<Difference> {
    let mut told: Vec<Difference> = Vec::with_capacity(differences.len());
    for difference in differences {
        let other =
            |it: &&mut Difference| it.object == difference.object && is_presence(it) && is_presence(&difference);
        match told.iter_mut().find(other) {
            Some(earlier) if earlier.what != difference.what => {
                let is = earlier.what.strip_prefix(words::UNEXPECTED).unwrap_or(&earlier.what);
                let expected = difference.what.strip_prefix(words::MISSING).unwrap_or(&difference.what);
                earlier.what = format!("is{is}, expected{expected}");
            }
            Some(_) => {}
            None => told.push(difference),
        }
    }
    told
}

fn is_presence(difference: &Difference) -> bool {
    difference.what.starts_with(words::MISSING) || difference.what.starts_with(words::UNEXPECTED)
}

#[cfg(test)]
mod tests;
