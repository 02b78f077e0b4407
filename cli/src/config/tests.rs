#![expect(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use super::*;

fn read(text: &str) -> Result<Config, CliError> {
    read::config(Path::new("whimbrel.toml"), text)
}

fn problems(text: &str) -> Vec<String> {
    let error = read(text).unwrap_err();
    assert_eq!(error.exit_code, crate::exit_code::USAGE);
    error.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn reads_every_key() {
    let keys: String = TARGET_KEYS.iter().map(|key| format!("{key} = \"refuse\"\n")).collect();
    let config = read(&format!("schema = \"s.sql\"\ndefault-target = \"a\"\n[target.a]\n{keys}[target.b]\n")).unwrap();
    assert_eq!(config.schema.unwrap().raw(), "s.sql");
    assert_eq!(config.default_target.unwrap().raw(), "a");
    assert_eq!(config.targets.len(), 2);
    assert!(TARGET_KEYS.iter().all(|key| config.targets[0].get(key).is_some()));
    let second = 4 + u32::try_from(TARGET_KEYS.len()).unwrap();
    assert_eq!((config.targets[0].line, config.targets[1].line), (3, second));
}

#[test]
fn names_the_place_of_every_problem() {
    let text = "schemas = \"x\"\n\n[target.sqlite]\nurl = 1\nhistory_table = \"h\"\nuntracked = \"ignore\"\ncolour = \"red\"\ndir = \"${a b}\"\nseed = \"${X\"\n";
    let problems = problems(text);
    let expected = [
        "whimbrel.toml:1:1: unknown key `schemas`\n  hint: did you mean `schema`?",
        "whimbrel.toml:4:7: `target.sqlite.url` is no string but integer\n  hint: put it between quotes",
        "whimbrel.toml:5:1: unknown key `target.sqlite.history_table`\n  hint: did you mean `history-table`?",
        "whimbrel.toml:6:13: `target.sqlite.untracked`: `ignore` is no way to treat an untracked database\n  hint: write refuse, baseline or adopt",
        "whimbrel.toml:7:1: unknown key `target.sqlite.colour`\n  hint: known are url, dir, seed,",
        "whimbrel.toml:8:7: `target.sqlite.dir`: has a `${…}` that names no variable",
        "whimbrel.toml:9:8: `target.sqlite.seed`: has a `${` without `}`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}");
    }
}

#[test]
fn refuses_what_is_no_toml_and_what_is_no_table() {
    assert!(problems("schema = \"x\"\nurl =\n")[0].starts_with("whimbrel.toml:2:"));
    assert!(problems("target = \"sqlite\"\n")[0].contains("`target` is no table"));
    assert!(problems("[target]\nurl = \"sqlite:a\"\n")[0].contains("`target.url` is no table"));
    assert!(problems("schema = \"a\"\nschema = \"b\"\n")[0].starts_with("whimbrel.toml:2:"));
}

#[test]
fn variables_are_put_in_when_they_are_needed() {
    let environment = Environment::of(&[("USER", "ada"), ("EMPTY", ""), ("PASSWORD", "hunter2")]);
    for (text, value) in [
        ("plain $HOME $$ {x}", Ok("plain $HOME $$ {x}")),
        ("${USER}@${USER}", Ok("ada@ada")),
        ("${NOBODY:-sqlite:app.db}", Ok("sqlite:app.db")),
        ("${EMPTY:-default}", Ok("default")),
        ("a${EMPTY}b", Ok("ab")),
        ("${NOBODY:-}", Ok("")),
        ("${PASSWORD}${NOBODY}", Err("`schema`: the variable NOBODY is not set")),
    ] {
        let config = read(&format!("schema = \"{text}\"")).unwrap();
        let got = config.schema.unwrap().value(&environment).map_err(|error| error.problems[0].clone());
        match value {
            Ok(value) => assert_eq!(got.as_deref(), Ok(value)),
            Err(message) => {
                let problem = got.unwrap_err();
                assert_eq!((problem.message.as_str(), problem.file.as_str()), (message, "whimbrel.toml"));
                assert!(problem.hint.contains("set NOBODY") && !problem.to_string().contains("hunter2"));
            }
        }
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let environment = Environment::of(&[("HOME", "/home/ada"), ("USERPROFILE", "/home/ada"), ("DIR", "m")]);
    for (file, text, path) in [
        ("whimbrel.toml", "m", "m"),
        ("../whimbrel.toml", "${DIR}/x", "../m/x"),
        ("/srv/whimbrel.toml", "m", "/srv/m"),
        ("/srv/whimbrel.toml", "/m", "/m"),
        ("/srv/whimbrel.toml", "~/m", "/home/ada/m"),
    ] {
        let config = read::config(Path::new(file), &format!("schema = \"{text}\"")).unwrap();
        let text = config.schema.as_ref().unwrap();
        assert_eq!(config.path(text, &environment).unwrap(), Path::new(path), "{file} {path}");
    }
    let config = read("schema = \"\"").unwrap();
    assert!(config.path(config.schema.as_ref().unwrap(), &environment).is_err());
}
