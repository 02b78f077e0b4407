//! The command line.

#[cfg(test)]
mod tests;

use crate::{Failure, long::PARTS};

/// The Postgres versions that Whimbrel supports.
const MAJORS: std::ops::RangeInclusive<u32> = 13..=18;

/// Those every run is made on.
const USUAL: &[u32] = &[15, 17];

/// Those a long run is made on: what Debian has packaged.
const LONG: &[u32] = &[15, 13, 17, 18];

/// The one for trying things and measuring.
const ONE: u32 = 17;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Help,
    Test(TestOptions),
    Check,
    Postgres(u32),
    Bench { major: u32, rest: Vec<String> },
    Doc,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct TestOptions {
    /// Empty for SQLite alone. The first runs every test.
    pub(crate) majors: Vec<u32>,
    pub(crate) long: bool,
    /// Only these long parts, and nothing else; empty: everything.
    pub(crate) parts: Vec<String>,
    /// Seconds for each long part, instead of its own.
    pub(crate) budget: Option<u64>,
    pub(crate) checks: bool,
    pub(crate) filters: Vec<String>,
}

pub(crate) fn parse(arguments: &[String]) -> Result<Verb, Failure> {
    let Some((verb, rest)) = arguments.split_first() else { return Ok(Verb::Help) };
    if rest.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--help" || argument == "-h") {
        return Ok(Verb::Help);
    }
    match verb.as_str() {
        "--help" | "-h" | "help" => Ok(Verb::Help),
        "test" => parse_test(rest).map(Verb::Test),
        "check" => none(verb, rest).map(|()| Verb::Check),
        "doc" => none(verb, rest).map(|()| Verb::Doc),
        "postgres" => match rest {
            [] => Ok(Verb::Postgres(ONE)),
            [major] => parse_major(major).map(Verb::Postgres),
            _ => Err("`postgres` takes one version".to_owned()),
        },
        "bench" => match rest {
            [option, major, rest @ ..] if option == "--postgres" => {
                Ok(Verb::Bench { major: parse_major(major)?, rest: rest.to_vec() })
            }
            rest => Ok(Verb::Bench { major: ONE, rest: rest.to_vec() }),
        },
        other => Err(format!("unknown verb `{other}`")),
    }
}

fn parse_test(arguments: &[String]) -> Result<TestOptions, Failure> {
    let mut options = TestOptions { checks: true, ..TestOptions::default() };
    let mut sqlite_only = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--" => {
                options.filters = rest.cloned().collect();
                break;
            }
            "--long" => options.long = true,
            "--part" => options.parts.push(parse_part(rest.next().ok_or("`--part` needs a name")?)?),
            "--budget" => {
                let seconds = rest.next().and_then(|seconds| seconds.parse().ok()).filter(|seconds| *seconds > 0);
                options.budget = Some(seconds.ok_or("`--budget` needs a number of seconds")?);
            }
            "--no-checks" => options.checks = false,
            "--sqlite-only" => sqlite_only = true,
            "--postgres" => {
                let major = parse_major(rest.next().ok_or("`--postgres` needs a version")?)?;
                if !options.majors.contains(&major) {
                    options.majors.push(major);
                }
            }
            other => match other.strip_prefix("--postgres=") {
                Some(major) => options.majors.push(parse_major(major)?),
                None => return Err(format!("unknown option `{other}` of `test`; filters come after `--`")),
            },
        }
    }
    if !options.parts.is_empty() {
        // One server is enough for a part.
        options.long = true;
        options.checks = false;
        options.majors.truncate(1);
    }
    if options.budget.is_some() && !options.long {
        return Err("`--budget` is for the parts of `--long`".to_owned());
    }
    match (sqlite_only, options.majors.is_empty()) {
        (false, true) if !options.parts.is_empty() => options.majors.push(LONG[0]),
        (true, false) => return Err("`--sqlite-only` and `--postgres` exclude each other".to_owned()),
        (false, true) => options.majors.extend(if options.long { LONG } else { USUAL }),
        _ => {}
    }
    Ok(options)
}

fn parse_part(name: &str) -> Result<String, Failure> {
    if PARTS.iter().any(|part| part.name == name) {
        return Ok(name.to_owned());
    }
    let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    Err(format!("there is no long part `{name}`, but {}", names.join(", ")))
}

fn none(verb: &str, rest: &[String]) -> Result<(), Failure> {
    match rest.first() {
        None => Ok(()),
        Some(argument) => Err(format!("`{verb}` takes no argument `{argument}`")),
    }
}

fn parse_major(text: &str) -> Result<u32, Failure> {
    match text.parse() {
        Ok(major) if MAJORS.contains(&major) => Ok(major),
        _ => Err(format!("`{text}` is no Postgres version from {} to {}", MAJORS.start(), MAJORS.end())),
    }
}
