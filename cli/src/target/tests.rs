#![expect(clippy::unwrap_used, reason = "a test that finds nothing fails")]

use super::*;

const FILE: &str = r#"
default-target = "sqlite"
[target.sqlite]
url = "${APP_DB:-sqlite:app.db}"
dir = "migrations-sqlite"
seed = "seed.sql"
lock-wait = "2min"
role = "${ROLE}"
[target.postgres]
url = "${DATABASE_URL}"
dir = "migrations-pg"
"#;

/// The config of a text, in a folder of its own.
fn config(text: &str) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("whimbrel.toml");
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    (folder, config)
}

fn common(flags: &[(&str, &str)]) -> Common {
    let mut common = Common::default();
    for (flag, value) in flags {
        match *flag {
            "--target" => common.target = Some((*value).to_owned()),
            "--url" => common.url = Some((*value).to_owned()),
            "--dir" => common.dir = Some(value.into()),
            "--format" => common.format = Some((*value).to_owned()),
            other => unreachable!("{other}"),
        }
    }
    common
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// The target's name, its URL and its folder, without the file's own folder.
fn choose(text: Option<&str>, flags: Pairs<'_>, variables: Pairs<'_>) -> Result<[String; 3], String> {
    let (folder, config) = text.map(config).unzip();
    let environment = Environment::of(variables);
    let target = Target::choose(&common(flags), config.as_ref(), &environment);
    let base = folder.as_ref().map_or_else(String::new, |f| format!("{}/", f.path().display()));
    match target {
        Ok(t) => Ok([t.name.unwrap_or_default(), t.url, t.folder.display().to_string()].map(|s| s.replace(&base, ""))),
        Err(error) => {
            assert_eq!(error.exit_code, crate::exit_code::USAGE);
            Err(error.problems[0].to_string().replace(&base, ""))
        }
    }
}

#[test]
fn precedence() {
    let pg = "postgres://h/a";
    let role = ("ROLE", "owner");
    for (flags, variables, expected) in [
        (&[][..], &[role][..], ["sqlite", "sqlite:app.db", "migrations-sqlite"]),
        (&[], &[role, ("APP_DB", "sqlite:/x.db")], ["sqlite", "sqlite:/x.db", "migrations-sqlite"]),
        // An exported DATABASE_URL redirects nothing.
        (&[], &[role, ("DATABASE_URL", pg)], ["sqlite", "sqlite:app.db", "migrations-sqlite"]),
        (&[("--target", "postgres")], &[("DATABASE_URL", pg)], ["postgres", pg, "migrations-pg"]),
        (&[], &[("WHIMBREL_URL", pg)], ["postgres", pg, "migrations-pg"]),
        (&[("--url", pg)], &[role, ("WHIMBREL_URL", "sqlite:w.db")], ["postgres", pg, "migrations-pg"]),
        (&[("--url", pg)], &[("DATABASE_URL", "postgres://other/b")], ["postgres", pg, "migrations-pg"]),
        (&[("--url", "sqlite:u.db")], &[role], ["sqlite", "sqlite:u.db", "migrations-sqlite"]),
        (&[("--url", "sqlite:u.db"), ("--dir", "m")], &[role], ["sqlite", "sqlite:u.db", "m"]),
        (&[], &[role, ("WHIMBREL_URL", "")], ["sqlite", "sqlite:app.db", "migrations-sqlite"]),
    ] {
        assert_eq!(choose(Some(FILE), flags, variables), Ok(expected.map(str::to_owned)), "{flags:?} {variables:?}");
    }
}

#[test]
fn without_a_file() {
    let url = ("DATABASE_URL", "sqlite:d.db");
    for (flags, variables, expected) in [
        (&[("--url", "sqlite:u.db")][..], &[url][..], ["", "sqlite:u.db", "migrations"]),
        (&[], &[url, ("WHIMBREL_URL", "sqlite:w.db")], ["", "sqlite:w.db", "migrations"]),
        (&[("--dir", "m")], &[url], ["", "sqlite:d.db", "m"]),
    ] {
        assert_eq!(choose(None, flags, variables), Ok(expected.map(str::to_owned)), "{flags:?}");
    }
    assert!(choose(None, &[], &[]).unwrap_err().contains("`--url sqlite:app.db`"));
    assert!(choose(None, &[("--target", "x")], &[url]).unwrap_err().contains("no target `x`"));
}

#[test]
fn missing_and_ambiguous_choices_say_what_to_write() {
    let two = "[target.a]\nurl = \"sqlite:a.db\"\ndir = \"a\"\n[target.b]\nurl = \"sqlite:b.db\"\ndir = \"b\"\n";
    let pg = ("--url", "postgres://h/a");
    for (text, flags, expected) in [
        (two, &[][..], "has 2 targets and no default-target\n  hint: give `--target a`"),
        (two, &[("--url", "sqlite:x.db")], "2 targets are of sqlite: a, b\n  hint: say which with `--target a`"),
        (two, &[("--target", "c")], "has no target `c`\n  hint: it has a, b"),
        (two, &[pg], "has no target of the dialect that --url names\n  hint: name its migrations with `--dir"),
        (two, &[pg, ("--target", "a")], "the target `a` is of sqlite, and --url names a database of postgres"),
        ("", &[], "has no target\n  hint: write a [target.NAME]"),
        ("[target.a]\ndir = \"a\"\n", &[], "whimbrel.toml:1:1: the target `a` has no `url`"),
        ("[target.a]\nurl = \"sqlite:a.db\"\n", &[], "whimbrel.toml:1:1: the target `a` has no `dir`"),
        (
            "[target.a]\nurl = \"${A}\"\ndir = \"a\"\n",
            &[],
            "whimbrel.toml:2:7: `target.a.url`: the variable A is not set",
        ),
        ("default-target = \"z\"\n[target.a]\n", &[], "`default-target`: there is no target `z`"),
        (two, &[("--target", "a"), ("--format", "goose")], "folders of goose are not supported yet"),
        (two, &[("--target", "a"), ("--format", "x")], "`x` is no layout"),
    ] {
        let message = choose(Some(text), flags, &[]).unwrap_err();
        assert!(message.contains(expected), "{message}\n{expected}");
    }
}

#[test]
fn values_of_the_target_are_read_when_it_is_chosen() {
    let bad = "[target.a]\nurl = \"sqlite:a.db\"\ndir = \"a\"\nlock-wait = \"5\"\n";
    assert!(
        choose(Some(bad), &[], &[])
            .unwrap_err()
            .contains("whimbrel.toml:4:13: `target.a.lock-wait`: `5` is no duration")
    );
    let format = "[target.a]\nurl = \"sqlite:a.db\"\ndir = \"a\"\nformat = \"goose\"\n";
    assert!(choose(Some(format), &[], &[]).unwrap_err().contains("`target.a.format`: folders of goose"));
    assert!(choose(Some(format), &[("--format", "whimbrel")], &[]).is_ok());
    assert!(choose(Some(FILE), &[], &[]).unwrap_err().contains("the variable ROLE is not set"));
    let (_folder, config) = config(FILE);
    let target = Target::choose(&common(&[]), Some(&config), &Environment::of(&[("ROLE", "owner")])).unwrap();
    assert_eq!((target.lock_wait, target.role.as_deref()), (Some(Duration::from_secs(120)), Some("owner")));
    assert!(target.seed.unwrap().ends_with("seed.sql"));
}

#[test]
fn only_a_database_of_the_file_is_named_in_it() {
    let (folder, config) = config(FILE);
    let named = |flags: Pairs<'_>| {
        let environment = Environment::of(&[("ROLE", "owner"), ("WHIMBREL_URL", "")]);
        Target::choose(&common(flags), Some(&config), &environment).unwrap().named_in_file
    };
    let own = format!("sqlite:{}/app.db", folder.path().display());
    assert!(named(&[]));
    assert!(named(&[("--url", &own)]));
    assert!(!named(&[("--url", "sqlite:other.db")]));
    assert!(!named(&[("--url", "postgres://h/a")]));
}

#[test]
fn new_writes_into_every_folder_once() {
    let (folder, config) = config(
        "[target.a]\nurl = \"${NOT_SET}\"\ndir = \"m\"\n[target.b]\nurl = \"sqlite:b\"\ndir = \"m\"\n[target.c]\ndir = \"n\"\n",
    );
    let paths = |config| {
        let folders = every_folder(&common(&[]), config, &Environment::of(&[])).unwrap();
        folders.iter().map(|folder| folder.path().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(Some(&config)), ["m", "n"].map(|name| folder.path().join(name)));
    assert_eq!(paths(None), [PathBuf::from("migrations")]);
}
