use super::*;

fn same(lexer: Lexer, texts: &[&str]) {
    for text in texts {
        assert_eq!(token_hash(lexer, text), token_hash(lexer, texts[0]), "{text:?} and {:?}", texts[0]);
    }
}

fn all_differ(lexer: Lexer, texts: &[&str]) {
    let mut seen = std::collections::HashMap::new();
    for text in texts {
        if let Some(other) = seen.insert(token_hash(lexer, text), text) {
            panic!("{text:?} and {other:?} hash alike");
        }
    }
}

#[test]
fn layout_does_not_count() {
    for lexer in [Lexer::Postgres, Lexer::Sqlite] {
        same(lexer, &["", ";", "-- a", "\u{feff}", "/* b */;;", "--> statement-breakpoint\n;"]);
        same(
            lexer,
            &[
                "select a,'b';select 2",
                "\u{feff}select a,\r\n\t'b' ;\r\n;;select 2;\r\n",
                "-- c\nselect/**/a , 'b' --> statement-breakpoint\nselect 2 /* d */",
                "select a,'b';--> statement-breakpoint\nselect 2; -- end",
            ],
        );
        same(lexer, &["select 'a\nb'", "select 'a\r\nb'"]);
        same(lexer, &["select a=-1", "select a = - 1", "select a =-1"]);
    }
    same(Lexer::Postgres, &["select 'a'\n'b'", "select 'a' -- c\r\n 'b'"]);
}

#[test]
fn everything_else_counts() {
    all_differ(
        Lexer::Postgres,
        &[
            "",
            "select 1",
            "select 2",
            "select 1; select 2",
            "select 1 select 2",
            "SELECT 1",
            "select 'a'",
            "select \"a\"",
            "select a",
            "select E'a'",
            "select e 'a'",
            "select 'a' 'b'",
            "select 'a'\n'b'",
            "select 'ab'",
            "select 'a'b",
            "select 'a '",
            "select a b",
            "select ab",
            "select a.b",
            "select a <= b",
            "select a < = b",
            "select a::b",
            "select a: :b",
            "select $$a$$",
            "select $a$a$a$",
            "select 1.5",
            "select 1 .5",
            "select 'x\ny'",
            "select 'x y'",
            "select 'unclosed",
            "select 'unclosed -- x",
            "copy t from stdin;\n1\n\\.",
            "copy t from stdin;\n2\n\\.",
            "copy t from stdin;",
            "\\i a",
            "\\i b",
            "select N'a'",
            "select n 'a'",
            "select a@-1",
            "select a@ -1",
            "create rule r as on insert to t do (a; b)",
            "create rule r as on insert to t do (a b)",
        ],
    );
    all_differ(
        Lexer::Sqlite,
        &[
            "select x'00'",
            "select x '00'",
            "select a||b",
            "select a| |b",
            "select [a]",
            "select `a`",
            "select \"a\"",
            "select a->b",
            "select a- >b",
            "select ?1",
            "select ? 1",
            ".read a",
            ".read b",
            "select 'unclosed",
        ],
    );
}

#[test]
fn backslashes_are_read_as_the_text_sets_them() {
    // What looks like a comment is inside a string here.
    let text = |end: &str| format!("set standard_conforming_strings = off; select 'a\\' -- {end}'");
    assert_ne!(token_hash(Lexer::Postgres, &text("b")), token_hash(Lexer::Postgres, &text("c")));
}

#[test]
fn the_hash_is_stored_so_it_never_changes() {
    let hex = |hash: [u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    assert_eq!(hex(token_hash(Lexer::Sqlite, "")), "4b6e49a158cf0749c0e6d3556905cd01b3a946f50b68e36ecd2ea80cd7e644da");
    assert_eq!(
        hex(token_hash(Lexer::Postgres, "create table t (a text); insert into t values ('ä\r\n')")),
        "69bb9a2721d82083fdda4a50515cb99daab492f37bea643317ef7187d926f36b"
    );
}
