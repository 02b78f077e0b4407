//! The splitter against other projects' files, and what holds for every text.

use proptest::prelude::*;
use whimbrel_core::split::{Lexer, Position, SplitOptions, Statement, split, split_with, token_hash};

use crate::fixtures;

#[test]
fn real_files_have_as_many_statements_as_their_databases_count() {
    let Some(folder) = fixtures::folder("the splitter on real files") else { return };
    let known = fixtures::known(&folder);
    let mut wrong = Vec::new();
    for file in &known {
        let text = file.text();
        match split(file.lexer, &text) {
            Ok(statements) if statements.len() as u64 == file.statements => {
                assert_whole(file.lexer, &text, &statements)
            }
            answer => wrong.push(format!("{}: {:?}", file.path.display(), answer.map(|s| s.len()))),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), known.len(), wrong.join("\n"));
    assert!(known.len() > 500, "only {} files", known.len());
}

/// The statements and the gaps between them are the text; nothing but layout is in the gaps.
pub(crate) fn assert_whole(lexer: Lexer, sql: &str, statements: &[Statement<'_>]) {
    let mut rebuilt = String::new();
    for statement in statements {
        let (start, end) = (statement.span.start, statement.span.end);
        assert!(rebuilt.len() <= start.byte && start.byte < end.byte, "{:?} in {sql:?}", statement.span);
        let gap = &sql[rebuilt.len()..start.byte];
        assert_layout(lexer, gap, sql);
        rebuilt.push_str(gap);
        rebuilt.push_str(statement.text);
        assert_eq!(rebuilt.len(), end.byte, "{sql:?}");
        assert_eq!(naive_place(sql, start.byte), (start.line, start.column), "{sql:?}");
        assert_eq!(naive_place(sql, end.byte), (end.line, end.column), "{sql:?}");
    }
    let tail = &sql[rebuilt.len()..];
    assert_layout(lexer, tail, sql);
    assert_eq!(rebuilt + tail, sql);
}

fn assert_layout(lexer: Lexer, gap: &str, sql: &str) {
    // Data lines are a gap as well.
    if !sql.to_lowercase().contains("copy") {
        assert_eq!(split(lexer, gap), Ok(vec![]), "the gap {gap:?} of {sql:?}");
    }
}

fn naive_place(sql: &str, byte: usize) -> (u32, u32) {
    let before = &sql[..byte];
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (u32::try_from(line).unwrap(), u32::try_from(column).unwrap())
}

/// Pieces that mean something to a lexer, whole and broken.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "'",
        "''",
        "\"",
        "`",
        "[",
        "]",
        "$$",
        "$a$",
        "$1",
        "E'",
        "U&'",
        "x'",
        "--",
        "-- c\n",
        "/*",
        "*/",
        "(",
        ")",
        ";",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\\",
        "\\.\n",
        ".",
        "\u{feff}",
        "é",
        "create ",
        "or replace ",
        "function ",
        "trigger ",
        "temp ",
        "begin ",
        "atomic ",
        "case ",
        "end",
        "copy t from stdin;\n",
        "set standard_conforming_strings = off;",
        "--> statement-breakpoint\n",
        "--> statement-breakpoint x",
        "explain ",
        "a",
        "1",
        "+",
        "\0",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

fn lexer() -> impl Strategy<Value = Lexer> {
    prop::sample::select(vec![Lexer::Postgres, Lexer::Sqlite])
}

/// A whole statement, and whether it is fit for both dialects.
fn statement() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "B", "\"c;\"", "';'", "''''", "1.5", "(x)", "/* ; */", "-- ;\n", "<=", "||", "e", "end", "case", "'--'",
        "'/*'", "\"'\"", "é", "=", ", ",
    ]);
    prop::collection::vec(part, 1..12).prop_map(|parts| format!("select {} z", parts.join(" ")))
}

fn separator() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        ";",
        ";;",
        " ; \r\n",
        ";\n-- c ;\n",
        "/* ; */;",
        "\n--> statement-breakpoint\n",
        ";--> statement-breakpoint\r\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_split_or_refused(lexer in lexer(), pieces in prop::collection::vec(piece(), 0..40), conforming: bool) {
        let sql = pieces.concat();
        let _ = token_hash(lexer, &sql);
        match split_with(lexer, &sql, SplitOptions { standard_conforming_strings: conforming }) {
            Ok(statements) => {
                let mut end = 0;
                for statement in &statements {
                    let span = statement.span;
                    prop_assert!(end <= span.start.byte && span.start.byte < span.end.byte);
                    prop_assert_eq!(&sql[span.start.byte..span.end.byte], statement.text);
                    prop_assert_eq!(statement.text.trim_matches([' ', '\t', '\r', '\n']), statement.text);
                    prop_assert_eq!(naive_place(&sql, span.start.byte), (span.start.line, span.start.column));
                    prop_assert_eq!(span.end, Position::of(&sql, span.end.byte));
                    end = span.end.byte;
                }
            }
            Err(error) => prop_assert!(error.at.byte < sql.len() && sql.is_char_boundary(error.at.byte)),
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let sql = String::from_utf8_lossy(&bytes);
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            let _ = (split(lexer, &sql), token_hash(lexer, &sql));
        }
    }

    #[test]
    fn joined_statements_are_split_again(
        lexer in lexer(),
        parts in prop::collection::vec((statement(), separator()), 0..8),
        before in prop::sample::select(vec!["", "\u{feff}", "-- c\n", ";"]),
    ) {
        let sql: String = parts.iter().fold(before.to_owned(), |sql, (statement, end)| sql + statement + end);
        let statements = split(lexer, &sql).unwrap();
        let texts: Vec<&str> = statements.iter().map(|statement| statement.text).collect();
        let expected: Vec<&str> = parts.iter().map(|(statement, _)| statement.as_str()).collect();
        prop_assert_eq!(texts, expected);
        assert_whole(lexer, &sql, &statements);
    }

    #[test]
    fn the_token_hash_follows_the_tokens_alone(
        lexer in lexer(),
        tokens in prop::collection::vec(prop::sample::select(vec![
            "a", "A", "b", "'a'", "'A'", "\"a\"", "1", "(", ")", ",", "+", "=", ";", "'x\ny'",
        ]), 1..16),
        gaps in prop::collection::vec(prop::sample::select(vec![
            " ", "\t", "  ", "/* ' */", "/* ; */ ", " -- ' \" ;\n", " -- c\n  ",
        ]), 16),
        at: prop::sample::Index,
    ) {
        let plain = tokens.join(" ");
        let laid_out: String = tokens.iter().zip(gaps.iter().cycle()).map(|(token, gap)| format!("{gap}{token}")).collect();
        let hash = token_hash(lexer, &plain);
        // A line end between two strings makes them one, in Postgres.
        prop_assume!(lexer == Lexer::Sqlite || !tokens.windows(2).any(|pair| pair.iter().all(|token| token.starts_with('\''))));
        prop_assert_eq!(hash, token_hash(lexer, &laid_out));
        prop_assert_eq!(hash, token_hash(lexer, &format!("\u{feff}{};;", laid_out.replace('\n', "\r\n"))));

        let mut changed = tokens.clone();
        let at = at.index(tokens.len());
        changed[at] = "changed";
        prop_assume!(tokens[at] != ";");
        prop_assert_ne!(hash, token_hash(lexer, &changed.join(" ")));
    }
}
