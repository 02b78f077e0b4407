//! The time is linear: looks at bytes are counted, not seconds.

use super::scan::Scanner;
use super::*;

const SIZE: usize = 5 << 20;

/// Looks at bytes per byte of the text.
fn work(lexer: Lexer, sql: &str) -> f64 {
    let mut scanner = Scanner::new(lexer, sql, true);
    while scanner.next().is_some() {}
    scanner.tokens.cursor.visits.get() as f64 / sql.len() as f64
}

fn adversarial() -> Vec<String> {
    let pieces = [
        "$",
        "$$",
        "$a",
        "$a$",
        "$a$$",
        "'",
        "''",
        "'a'\n",
        "e'\\'",
        "E'a' \n",
        "\"",
        "/*",
        "*/",
        "/**/",
        "/*/",
        "*",
        "/",
        "-",
        "--",
        "--\n",
        "-- ",
        "--> statement-breakpoint\n",
        "(",
        ")",
        "();",
        ";",
        ";;",
        "a",
        "a;",
        "create ",
        "create trigger t begin;",
        "end;",
        "create function f() begin atomic ",
        "copy t from stdin;\n",
        "copy ",
        "copy t from stdin --> statement-breakpoint\n",
        "set ",
        "set local ",
        "set x;",
        "\\",
        "\\\n",
        "[",
        "]",
        "`",
        ".",
        ".\n",
        "1",
        "1.",
        "1e",
        "+",
        "+-",
        "é",
        "\u{feff}",
        " ",
        "\n",
        "\r",
        "u&'",
        "x'",
        "0x",
        "set standard_conforming_strings=off;",
        "prepare transaction ",
        "\0",
    ];
    let mut texts = Vec::new();
    for piece in pieces {
        texts.push(piece.repeat(SIZE / 16 / piece.len()));
    }
    texts.push(format!("$a$ {}", "$a".repeat(SIZE / 2)));
    texts.push(format!("${}$ {}", "a".repeat(SIZE / 4), "$aaaaaaaa".repeat(SIZE / 9)));
    texts.push(format!("${0}$ ${0} ${0}", "a".repeat(SIZE / 3)));
    texts.push(format!("copy t from stdin;\n{}", "1\t2\n".repeat(SIZE / 4)));
    texts
}

#[test]
fn adversarial_texts_take_linear_time() {
    for sql in adversarial() {
        for lexer in [Lexer::Postgres, Lexer::Sqlite] {
            let work = work(lexer, &sql);
            let start: String = sql.chars().take(24).collect();
            assert!(work < 16.0, "{lexer:?} looked {work:.1} times at each byte of {start:?}…");
        }
    }
}

#[test]
fn no_text_is_too_deep() {
    let depth = 1_000_000;
    let sql = format!("{}{}select 1", "/*".repeat(depth), "*/".repeat(depth));
    assert_eq!(texts(Lexer::Postgres, &sql), Ok(vec!["select 1"]));
    let sql = format!("select {}1{}; select 2", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(split(Lexer::Postgres, &sql).unwrap().len(), 2);
}
