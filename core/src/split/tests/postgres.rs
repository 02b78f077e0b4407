use super::*;

const PG: Lexer = Lexer::Postgres;

#[test]
fn statements() {
    check_table(
        PG,
        &[
            ("", &[]),
            ("\u{feff}", &[]),
            (" \t\r\n\x0b\x0c", &[]),
            (";;; ; ;", &[]),
            ("-- nothing", &[]),
            ("/* nothing */ ;", &[]),
            ("select 1", &["select 1"]),
            ("select 1;", &["select 1"]),
            ("\u{feff}select 1;;;select 2;;", &["select 1", "select 2"]),
            ("-- a;\nselect 1 -- b;\n;-- c;\nselect 2 /* d; */", &["select 1", "select 2"]),
            ("select 1 -- ;\n + 1;", &["select 1 -- ;\n + 1"]),
            ("select 1 -- cr ends it\r; select 2", &["select 1", "select 2"]),
            ("select 1\r\n;\r\nselect 2\r\n", &["select 1", "select 2"]),
            ("/* a /* b; */ c; */ select 1; select 2", &["select 1", "select 2"]),
            ("/*/**/*/select 1;/***/select 2;/*//*/**/*/*/select 3", &["select 1", "select 2", "select 3"]),
            ("/**//**/select/**/1", &["select/**/1"]),
        ],
    );
}

#[test]
fn strings() {
    check_table(
        PG,
        &[
            ("select ';'; select 2", &["select ';'", "select 2"]),
            ("select ''';'; select 2", &["select ''';'", "select 2"]),
            ("select '\\'; select 2", &["select '\\'", "select 2"]),
            ("select E'\\';'; select 2", &["select E'\\';'", "select 2"]),
            ("select e'\\\\'; select 2", &["select e'\\\\'", "select 2"]),
            ("select E'a''\\';'; select 2", &["select E'a''\\';'", "select 2"]),
            ("select E'a'\n  '\\';'; select 2", &["select E'a'\n  '\\';'", "select 2"]),
            ("select E'a' -- c\n -- d\r\n'\\';'; select 2", &["select E'a' -- c\n -- d\r\n'\\';'", "select 2"]),
            ("select E'a'\r'\\';'; select 2", &["select E'a'\r'\\';'", "select 2"]),
            ("select 'a'\n'\\'; select 2", &["select 'a'\n'\\'", "select 2"]),
            ("select E'a' /* c\n */ '\\'; select 2", &["select E'a' /* c\n */ '\\'", "select 2"]),
            ("select E'a' '\\'; select 2", &["select E'a' '\\'", "select 2"]),
            ("select ae'\\'; select 2", &["select ae'\\'", "select 2"]),
            ("select _e'\\'; select 2", &["select _e'\\'", "select 2"]),
            ("select \"e\"'\\'; select 2", &["select \"e\"'\\'", "select 2"]),
            ("select U&'\\0441;\\' uescape '!'; select 2", &["select U&'\\0441;\\' uescape '!'", "select 2"]),
            ("select u&\"a;\\\"\" ;\"; select 2", &["select u&\"a;\\\"\" ;\"", "select 2"]),
            ("select B'1;', x'f;', N'n;\\'; select 2", &["select B'1;', x'f;', N'n;\\'", "select 2"]),
            ("select \"a;\"\"b--\", '/*'; select 2", &["select \"a;\"\"b--\", '/*'", "select 2"]),
            ("select 1e'\\';'; select 2", &["select 1e'\\';'", "select 2"]),
        ],
    );
}

#[test]
fn dollar_quotes() {
    check_table(
        PG,
        &[
            ("select $$;$$; select 2", &["select $$;$$", "select 2"]),
            ("select $a$;$b$;$$;$a$; select 2", &["select $a$;$b$;$$;$a$", "select 2"]),
            ("select $a$ $a $aa$ $A$ ;$a$; select 2", &["select $a$ $a $aa$ $A$ ;$a$", "select 2"]),
            ("select $a$;$b$a$; select 2", &["select $a$;$b$a$", "select 2"]),
            ("select $$'$$; select '$$'; select 3", &["select $$'$$", "select '$$'", "select 3"]),
            ("select $1; select $2", &["select $1", "select $2"]),
            ("select $1$$;$$; select 2", &["select $1$$;$$", "select 2"]),
            ("select a$$; select b$$", &["select a$$", "select b$$"]),
            ("select a$b$; select b$b$", &["select a$b$", "select b$b$"]),
            ("select 1$$;$$; select 2", &["select 1$$;$$", "select 2"]),
            ("select é$é$; select 'é'; $é$;$é$", &["select é$é$", "select 'é'", "$é$;$é$"]),
            ("select $é$;$e$;$é$;", &["select $é$;$e$;$é$"]),
            ("select $a; select $1a$;", &["select $a", "select $1a$"]),
            ("select $a b$; select 2", &["select $a b$", "select 2"]),
            (
                "do $do$ begin execute $$select ';'$$; end $do$; select 2",
                &["do $do$ begin execute $$select ';'$$; end $do$", "select 2"],
            ),
            ("select -$$;$$||$q$;$q$; select 2", &["select -$$;$$||$q$;$q$", "select 2"]),
        ],
    );
}

#[test]
fn operators_and_comments() {
    check_table(
        PG,
        &[
            ("select 1 +-- ;\n 2; select 3", &["select 1 +-- ;\n 2", "select 3"]),
            ("select 4 */* ; */ 2; select 3", &["select 4 */* ; */ 2", "select 3"]),
            ("select 4 //* ; */ 2; select 3", &["select 4 //* ; */ 2", "select 3"]),
            ("select a->>'x;' @> b; select a ?| b", &["select a->>'x;' @> b", "select a ?| b"]),
            ("select a[1:2], b::text, :v; select 2", &["select a[1:2], b::text, :v", "select 2"]),
            ("select 1.5e-3, .5, 1..2, 0x1F, 1_000; select 2", &["select 1.5e-3, .5, 1..2, 0x1F, 1_000", "select 2"]),
        ],
    );
}

#[test]
fn bodies() {
    let function = "create or replace function f(begin int) returns int begin atomic select 1; select case when true \
                    then 2 else 3 end; select 4 as end; select t.end from t; end";
    let procedure = "CREATE PROCEDURE p() BEGIN /* c */ ATOMIC;; INSERT INTO t SELECT 1 end; END";
    let both = format!("{function}; {procedure}; select 2");
    check_table(
        PG,
        &[
            (&both, &[function, procedure, "select 2"]),
            (
                "create function begin() returns int return 1; select 2",
                &["create function begin() returns int return 1", "select 2"],
            ),
            ("create function f() begin atomic end; select 2", &["create function f() begin atomic end", "select 2"]),
            (
                "create function f() begin atomic select (case when a then b end); end; select 2",
                &["create function f() begin atomic select (case when a then b end); end", "select 2"],
            ),
            (
                "create function \"f;\"() language sql begin atomic\n; -- x\n end ; select 2",
                &["create function \"f;\"() language sql begin atomic\n; -- x\n end", "select 2"],
            ),
            ("begin; select 1; end; select 2", &["begin", "select 1", "end", "select 2"]),
            ("create table begin (atomic int); select 2", &["create table begin (atomic int)", "select 2"]),
            (
                "create rule r as on insert to t do also (select 1; select 2); select 3",
                &["create rule r as on insert to t do also (select 1; select 2)", "select 3"],
            ),
            ("select 1); select (2)); select 3", &["select 1)", "select (2))", "select 3"]),
            (
                "create function f() as $$ begin; end $$ language plpgsql; select 2",
                &["create function f() as $$ begin; end $$ language plpgsql", "select 2"],
            ),
        ],
    );
}

#[test]
fn breakpoints() {
    check_table(
        PG,
        &[
            ("a --> statement-breakpoint\nb", &["a", "b"]),
            ("a;--> statement-breakpoint\nb;\n--> statement-breakpoint\r\n", &["a", "b"]),
            ("--> statement-breakpoint\n--> statement-breakpoint", &[]),
            ("a --> statement-breakpoint -- b\nc", &["a", "c"]),
            ("a ---> statement-breakpoint\nb", &["a ---> statement-breakpoint\nb"]),
            ("a --> statement-breakpoints\nb", &["a --> statement-breakpoints\nb"]),
            ("a -- --> statement-breakpoint\nb", &["a -- --> statement-breakpoint\nb"]),
            ("a '--> statement-breakpoint\n' b", &["a '--> statement-breakpoint\n' b"]),
            ("a /*--> statement-breakpoint\n*/ b", &["a /*--> statement-breakpoint\n*/ b"]),
            ("a $$--> statement-breakpoint\n$$ b", &["a $$--> statement-breakpoint\n$$ b"]),
            ("a (--> statement-breakpoint\n) b", &["a (--> statement-breakpoint\n) b"]),
        ],
    );
    check_faults(PG, &[("a --> statement-breakpoint b", SplitErrorKind::TextAfterBreakpoint, 2)]);
}

#[test]
fn standard_conforming_strings() {
    let off = "set standard_conforming_strings = off";
    let local = "SET LOCAL standard_conforming_strings TO 'off'";
    let cases: [(&str, &[&str]); 8] = [
        ("{off}; select '\\';'; select 2", &[off, "select '\\';'", "select 2"]),
        (
            "{off}; set standard_conforming_strings=on; select '\\';",
            &[off, "set standard_conforming_strings=on", "select '\\'"],
        ),
        ("{off}; reset all; select '\\';", &[off, "reset all", "select '\\'"]),
        ("{local}; commit; select '\\';", &[local, "commit", "select '\\'"]),
        ("{local}; rollback to a; select '\\';'", &[local, "rollback to a", "select '\\';'"]),
        ("{off}; select B'\\', X'\\', U&'\\', N'\\';'", &[off, "select B'\\', X'\\', U&'\\', N'\\';'"]),
        (
            "set x.standard_conforming_strings = off; select '\\';",
            &["set x.standard_conforming_strings = off", "select '\\'"],
        ),
        ("{off}; select $$\\$$; select '\\''", &[off, "select $$\\$$", "select '\\''"]),
    ];
    for (sql, expected) in cases {
        let sql = sql.replace("{off}", off).replace("{local}", local);
        assert_eq!(texts(PG, &sql).as_deref(), Ok(expected), "{sql}");
    }
    let options = SplitOptions { standard_conforming_strings: false };
    let statements =
        split_with(PG, "select '\\';'; reset standard_conforming_strings; select '\\';'", options).unwrap();
    assert_eq!(statements.len(), 3);
    assert_eq!(statements[2].text, "select '\\';'");
}

#[test]
fn statements_that_change_the_lexing() {
    for (sql, expected) in [
        ("set standard_conforming_strings = off", true),
        ("set standard_conforming_strings to on", true),
        ("set session \"standard_conforming_strings\" = f", true),
        ("discard all", true),
        ("reset standard_conforming_strings", true),
        ("set search_path = a", false),
        ("select 1", false),
        ("commit", false),
    ] {
        assert_eq!(only(PG, sql).changes_lexing(PG), expected, "{sql}");
    }
}

#[test]
fn copy_data_belongs_to_no_statement() {
    check_table(
        PG,
        &[
            ("copy t from stdin;\n1\t';\n\\.\nselect 2", &["copy t from stdin", "select 2"]),
            (
                "copy t (a, \"from\") from stdin with (format csv); rest\r\nit's\r\n\\.\r\nselect 2;",
                &["copy t (a, \"from\") from stdin with (format csv)", "select 2"],
            ),
            ("copy t from stdin;\nit's\n", &["copy t from stdin"]),
            ("copy t from stdin", &["copy t from stdin"]),
            (
                "copy t from stdin --> statement-breakpoint\nselect 1;select 2",
                &["copy t from stdin", "select 1", "select 2"],
            ),
            ("copy t from 'stdin'; select 2", &["copy t from 'stdin'", "select 2"]),
            (
                "copy (select stdin from stdin) to stdout; select 2",
                &["copy (select stdin from stdin) to stdout", "select 2"],
            ),
        ],
    );
}

#[test]
fn faults() {
    let quote = |tag: &str| SplitErrorKind::UnterminatedDollarQuote { tag: tag.to_owned() };
    let meta = |command: &str| SplitErrorKind::MetaCommand { command: command.to_owned() };
    check_faults(
        PG,
        &[
            ("select 1; select 'a", SplitErrorKind::UnterminatedString, 17),
            ("select E'a\\'", SplitErrorKind::UnterminatedString, 7),
            ("select 'a\\", SplitErrorKind::UnterminatedString, 7),
            ("select E'a\\", SplitErrorKind::UnterminatedString, 7),
            ("select \"a", SplitErrorKind::UnterminatedIdentifier, 7),
            ("select U&\"a", SplitErrorKind::UnterminatedIdentifier, 7),
            ("select /* /* */ 1", SplitErrorKind::UnterminatedComment, 7),
            ("/*/", SplitErrorKind::UnterminatedComment, 0),
            ("select $$ $a$", quote(""), 7),
            ("select $Tag$ $tag$", quote("Tag"), 7),
            ("\\c db\nselect 1", meta("\\c"), 0),
            ("select 1 \\gset", meta("\\gset"), 9),
            ("select 1;\n\\connect postgres://u:secret@h/d", meta("\\connect"), 10),
            ("\\u&'\\'", meta("\\u"), 0),
            ("select 1\0", SplitErrorKind::NulByte, 8),
            ("select 'a\0' \\", SplitErrorKind::NulByte, 9),
        ],
    );
}
