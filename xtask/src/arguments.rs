//! The command line.

#[cfg(test)]
mod tests;

use crate::Failure;

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

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestOptions {
    /// Empty for SQLite alone. The first runs every test.
    pub(crate) majors: Vec<u32>,
    pub(crate) long: bool,
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
    match (sqlite_only, options.majors.is_empty()) {
        (true, false) => return Err("`--sqlite-only` and `--postgres` exclude each other".to_owned()),
        (false, true) => options.majors.extend(if options.long { LONG } else { USUAL }),
        _ => {}
    }
    Ok(options)
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
