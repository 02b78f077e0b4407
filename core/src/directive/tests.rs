#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use super::*;

fn read(text: &str) -> Result<Directives, Vec<String>> {
    let (directives, problems) = Directives::read("0001_a.sql", text);
    if problems.is_empty() { Ok(directives) } else { Err(problems.iter().map(ToString::to_string).collect()) }
}

#[test]
fn reads_every_directive_in_the_header() {
    let sum = Checksum::of_text("old");
    let text = format!(
        "\u{feff}-- what it is for\r\n\r\n-- whimbrel: no-transaction\r\n--whimbrel: lock-timeout 5s\r\n-- whimbrel:statement-timeout 0\n\
         -- whimbrel: accept-checksum {sum}\n-- whimbrel: checkpoint 0 01\n-- whimbrel: checkpoint 2.10\n-- whimbrel: repeatable\nselect 1;\n"
    );
    let directives = read(&text).unwrap();
    assert_eq!(
        directives,
        Directives {
            no_transaction: true,
            foreign_keys_off: false,
            kept_tables: Vec::new(),
            lock_timeout: Some(Duration::from_secs(5)),
            statement_timeout: Some(Duration::ZERO),
            accepted_checksums: vec![sum],
            folded: ["0", "01", "2.10"].map(|version| version.parse().unwrap()).into(),
            repeatable: true,
        }
    );
    assert!(read("-- whimbrel: foreign-keys off\n").unwrap().foreign_keys_off);
}

#[test]
fn text_after_the_header_is_not_read() {
    assert_eq!(read("select 1;\n-- whimbrel: no-transaction\n").unwrap(), Directives::default());
    assert_eq!(read("/* -- whimbrel: no-transaction */\n").unwrap(), Directives::default());
}

#[test]
fn names_every_wrong_directive_with_its_line() {
    let problems = read(
        "-- whimbrel: no-transactions\n-- whimbrel: lock-timeout 5\n\n-- whimbrel: accept-checksum abc\n-- whimbrel: repeatable\n-- whimbrel: repeatable\n",
    )
    .unwrap_err();
    let starts = [
        "0001_a.sql:1:1: unknown directive",
        "0001_a.sql:2:1: `5` is no duration",
        "0001_a.sql:4:1: directive",
        "0001_a.sql:6:1: directive `repeatable` stands twice",
    ];
    assert_eq!(problems.len(), starts.len());
    for (problem, start) in problems.iter().zip(starts) {
        assert!(problem.starts_with(start) && problem.contains("hint: "), "{problem}");
    }
    assert_eq!(read("-- whimbrel: no-transaction\n-- whimbrel: foreign-keys off\n").unwrap_err().len(), 1);
}

#[test]
fn kept_tables_are_names_of_sql() {
    let kept = |text: &str| read(&format!("-- whimbrel: keep-rows {text}\n")).map(|directives| directives.kept_tables);
    let table = |before: &str, after: &str| KeptTable { before: before.to_owned(), after: after.to_owned() };
    let expected = vec![
        table("users", "users"),
        table("old", "new"),
        table("a, \"b\"", "a, \"b\""),
        table("audit.Log", "audit.x=y"),
    ];
    assert_eq!(kept(r#"users, old = new ,"a, ""b""",audit."Log"=audit."x=y""#).unwrap(), expected);
    for wrong in ["", ",", "a,", "a b", "a=", "=a", "\"a", "\"\"", "a..b", "a.b.c", "a,,b"] {
        assert!(kept(wrong).is_err(), "{wrong}");
    }
    let twice = read("-- whimbrel: keep-rows a\n-- whimbrel: keep-rows b\n").unwrap();
    assert_eq!(twice.kept_tables.len(), 2);
    let problems = read("-- whimbrel: keep-rows a\n-- whimbrel: no-transaction\n").unwrap_err();
    assert!(problems[0].contains("exclude each other"), "{problems:?}");
}
