//! A fuzz run that needs no fuzzer: a short one among the tests, and a long one by `cargo xtask test --long`.

use whimbrel_core::split::{Lexer, Rules, check, split, token_hash};

use crate::fixtures;
use crate::long::{Part, seed};
use crate::split::assert_whole;

/// SplitMix64: every run makes the same texts.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

const PIECES: [&str; 40] = [
    "'",
    "\"",
    "`",
    "[",
    "]",
    "$$",
    "$t$",
    "$",
    "E'",
    "U&\"",
    "x'",
    "\\",
    "--",
    "/*",
    "*/",
    "(",
    ")",
    ";",
    "\n",
    "\r\n",
    "\r",
    ".",
    "\u{feff}",
    "ß",
    "create ",
    "trigger ",
    "begin ",
    "end",
    "atomic ",
    "case ",
    "copy t from stdin;\n",
    "\\.\n",
    "--> statement-breakpoint\n",
    "set standard_conforming_strings = off;",
    "explain ",
    "pragma a=",
    "1e",
    "->>",
    "\0",
    "::",
];

/// Statements that a database would take, nested to some depth.
fn grammar(random: &mut Random, lexer: Lexer, depth: usize) -> String {
    let mut inner = |depth| if depth == 0 { "select 1".to_owned() } else { grammar(random, lexer, depth - 1) };
    let (one, two) = (inner(depth), inner(depth));
    match (lexer, random.below(8)) {
        (_, 0) => format!("select '{}'", one.replace('\'', "''")),
        (_, 1) => format!("select 1 as \"{}\"", one.replace('"', "\"\"")),
        (_, 2) => {
            format!("select case when 1 = 1 then 2 end /* {} */ z", one.replace("*/", "* /").replace("/*", "/ *"))
        }
        (_, 3) => format!("select 1 -- {}\n + 2", one.replace(['\n', '\r'], " ").replace('>', "")),
        (Lexer::Postgres, 4) => format!("do $d{depth}$ {one}; {two}; $d{depth}$"),
        (Lexer::Postgres, 5) => {
            "create function f() returns int begin atomic select case when true then 1 end; select 2; end".to_owned()
        }
        (Lexer::Postgres, 6) => "create rule r as on insert to t do (select ';'; select 2)".to_owned(),
        (Lexer::Sqlite, 4 | 5) => {
            "create temp trigger t after insert on a begin select ';end;'; select 2; end".to_owned()
        }
        (Lexer::Sqlite, 6) => "select [;] from `;`".to_owned(),
        _ => "select 1".to_owned(),
    }
}

/// Cuts, doubles, swaps and breaks pieces of a text.
fn mutate(random: &mut Random, text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let (a, b) = (random.below(chars.len() + 1), random.below(chars.len() + 1));
        let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 64));
        match random.below(4) {
            0 => drop(chars.drain(start..end)),
            1 => {
                let copy: Vec<char> = chars[start..end].to_vec();
                let at = random.below(chars.len() + 1);
                chars.splice(at..at, copy);
            }
            2 => drop(chars.splice(start..start, random.pick(&PIECES).chars())),
            _ => chars.truncate(start.max(1)),
        }
    }
    chars.into_iter().collect()
}

/// What holds for every text.
fn assert_sound(lexer: Lexer, sql: &str) {
    let hash = token_hash(lexer, sql);
    // A CR before a CRLF would make another one.
    let folded = if sql.contains("\r\r\n") { sql.to_owned() } else { sql.replace("\r\n", "\n") };
    assert_eq!(hash, token_hash(lexer, &folded), "{sql:?}");
    let statements = match split(lexer, sql) {
        Ok(statements) => statements,
        Err(error) => {
            assert!(sql.is_char_boundary(error.at.byte), "{sql:?}");
            assert!(check(lexer, sql, Rules { transactional: false }).is_err(), "{sql:?}");
            return;
        }
    };
    if !sql.to_lowercase().contains("standard_conforming_strings") {
        assert_whole(lexer, sql, &statements);
        // Postgres takes a byte order mark inside a text for a name; at the start of one it is nothing.
        for statement in statements.iter().filter(|statement| !statement.text.starts_with('\u{feff}')) {
            let again = split(lexer, statement.text).unwrap();
            assert_eq!(again.len(), 1, "{:?} in {sql:?}", statement.text);
            assert_eq!(again[0].text, statement.text, "in {sql:?}");
        }
    }
    for transactional in [false, true] {
        let _ = check(lexer, sql, Rules { transactional });
    }
    for statement in &statements {
        let _ = (statement.safe_to_repeat(lexer), statement.sets_session(lexer), statement.sets_foreign_keys());
        let _ = statement.changes_lexing(lexer);
    }
}

/// Valid statements are found again, whatever is between them.
fn assert_found(random: &mut Random, lexer: Lexer) {
    let statements: Vec<String> = (0..random.below(5)).map(|_| grammar(random, lexer, 2)).collect();
    let sql: String = statements.iter().fold(String::new(), |sql, s| sql + s + random.pick(&[";", " ;;\n", ";-- ;\n"]));
    let found = split(lexer, &sql).unwrap_or_else(|error| panic!("{error}: {sql:?}"));
    assert_eq!(found.iter().map(|s| s.text).collect::<Vec<_>>(), statements, "{sql:?}");
}

#[test]
fn made_up_texts_are_split_soundly() {
    let texts: Vec<(Lexer, String)> = fixtures::folder("mutations of real files")
        .map(|folder| fixtures::known(&folder).iter().map(|file| (file.lexer, file.text())).collect())
        .unwrap_or_default();
    let texts: Vec<_> = texts.into_iter().filter(|(_, text)| text.len() < 8_000).collect();
    let mut random = Random(seed());
    let mut part = Part::begin("rounds", 1_500, None);
    while part.has_another() {
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            assert_found(&mut random, lexer);
            let made = grammar(&mut random, lexer, 3) + ";" + &grammar(&mut random, lexer, 1);
            assert_sound(lexer, &mutate(&mut random, &made));
            let pieces: String = (0..random.below(30)).map(|_| random.pick(&PIECES)).collect();
            assert_sound(lexer, &pieces);
        }
        if !texts.is_empty() {
            let (lexer, text) = &texts[random.below(texts.len())];
            assert_sound(*lexer, &mutate(&mut random, text));
        }
    }
    part.tell();
}
