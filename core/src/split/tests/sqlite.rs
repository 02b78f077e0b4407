use super::*;

const LITE: Lexer = Lexer::Sqlite;

#[test]
fn statements() {
    check_table(
        LITE,
        &[
            ("", &[]),
            ("\u{feff}", &[]),
            (" \t\r\n\x0c", &[]),
            (";;; ; ;", &[]),
            ("-- nothing", &[]),
            ("/* open", &[]),
            ("select 1", &["select 1"]),
            ("\u{feff}select 1;;;select 2;;", &["select 1", "select 2"]),
            ("select 1;\u{feff}select 2", &["select 1", "select 2"]),
            ("-- a;\nselect 1 -- b;\n;-- c;\nselect 2 /* d; */", &["select 1", "select 2"]),
            ("select 1 -- cr goes on\r; select 2", &["select 1"]),
            ("select 1\r\n;\r\nselect 2\r\n", &["select 1", "select 2"]),
            ("/* a /* b; */ select 1; select 2 /* ; ", &["select 1", "select 2"]),
            ("/*/ ; */ select 1", &["select 1"]),
            ("select 1 /*", &["select 1 /*"]),
            ("select 1;/* ", &["select 1"]),
            ("select (1; select 2)", &["select (1", "select 2)"]),
            (
                "begin; insert into t values (1); end; select 2",
                &["begin", "insert into t values (1)", "end", "select 2"],
            ),
            ("explain select 1; select 2", &["explain select 1", "select 2"]),
        ],
    );
}

#[test]
fn literals_and_names() {
    check_table(
        LITE,
        &[
            ("select ';'; select 2", &["select ';'", "select 2"]),
            ("select ''';'; select 2", &["select ''';'", "select 2"]),
            ("select '\\'; select 2", &["select '\\'", "select 2"]),
            ("select E'\\'; select 2", &["select E'\\'", "select 2"]),
            ("select \"a;\"\"b\", `c;``d`, [e;'f]; select 2", &["select \"a;\"\"b\", `c;``d`, [e;'f]", "select 2"]),
            ("select [a]]; select 2", &["select [a]]", "select 2"]),
            ("select [--a]; select '/*'; select 3", &["select [--a]", "select '/*'", "select 3"]),
            ("select x'00', X'ff'; select 2", &["select x'00', X'ff'", "select 2"]),
            ("select $$; select $a$; select 3", &["select $$", "select $a$", "select 3"]),
            ("select ?1, :a, @b, $c; select 2", &["select ?1, :a, @b, $c", "select 2"]),
            ("select 1e-5, .5, 0xff, 1.e+3-2; select 2", &["select 1e-5, .5, 0xff, 1.e+3-2", "select 2"]),
            ("select a->>'$.b;', c||d; select 2", &["select a->>'$.b;', c||d", "select 2"]),
            ("select 1 -1--;\n; select 2", &["select 1 -1", "select 2"]),
        ],
    );
}

#[test]
fn triggers() {
    let plain = "create trigger t after insert on a begin update b set c = case when 1 then 2 end; delete from d; end";
    let temp = "CREATE TEMP TRIGGER t AFTER UPDATE ON a BEGIN SELECT CASE WHEN 1 THEN 2 END ; END";
    let temporary = "create temporary trigger if not exists t after delete on a begin select 1; -- x;\nEnd";
    let all = format!("{plain}; {temp} ; {temporary};select 2");
    check_table(
        LITE,
        &[
            (&all, &[plain, temp, temporary, "select 2"]),
            (plain, &[plain]),
            (
                "create/**/trigger t begin select 'a; end;'; end; select 2",
                &["create/**/trigger t begin select 'a; end;'; end", "select 2"],
            ),
            (
                "explain query plan create trigger t begin select 1; end; select 2",
                &["explain query plan create trigger t begin select 1; end", "select 2"],
            ),
            (
                "explain create trigger t begin select 1; end; select 2",
                &["explain create trigger t begin select 1; end", "select 2"],
            ),
            (
                "create trigger t begin select 1; end /* c */ --d\n ; select 2",
                &["create trigger t begin select 1; end", "select 2"],
            ),
            (
                "create trigger t begin select 1; \"end\"; end; select 2",
                &["create trigger t begin select 1; \"end\"; end", "select 2"],
            ),
            (
                "create trigger t begin select 1; end x; end; select 2",
                &["create trigger t begin select 1; end x; end", "select 2"],
            ),
            (
                "create trigger t begin select 1;;; end; select 2",
                &["create trigger t begin select 1;;; end", "select 2"],
            ),
            ("create table trigger (end int); select 2", &["create table trigger (end int)", "select 2"]),
            ("create unique trigger t; end; select 2", &["create unique trigger t", "end", "select 2"]),
            ("drop trigger t; select 2", &["drop trigger t", "select 2"]),
            (
                "create trigger [t;] after insert on `a;` begin select 1; end; select 2",
                &["create trigger [t;] after insert on `a;` begin select 1; end", "select 2"],
            ),
        ],
    );
}

#[test]
fn breakpoints() {
    check_table(
        LITE,
        &[
            ("a --> statement-breakpoint\nb", &["a", "b"]),
            ("a;--> statement-breakpoint\r\nb;\n--> statement-breakpoint\r\n", &["a", "b"]),
            (
                "create trigger t begin select 1; end --> statement-breakpoint\nb",
                &["create trigger t begin select 1; end", "b"],
            ),
            (
                "create trigger t begin select 1; --> statement-breakpoint\nselect 2; end; b",
                &["create trigger t begin select 1; --> statement-breakpoint\nselect 2; end", "b"],
            ),
            ("a '--> statement-breakpoint\n' b", &["a '--> statement-breakpoint\n' b"]),
            ("a [--> statement-breakpoint\n] b", &["a [--> statement-breakpoint\n] b"]),
            ("/* --> statement-breakpoint\n */ a", &["a"]),
        ],
    );
    check_faults(LITE, &[("--> statement-breakpoint; drop table t", SplitErrorKind::TextAfterBreakpoint, 0)]);
}

#[test]
fn faults() {
    let meta = |command: &str| SplitErrorKind::MetaCommand { command: command.to_owned() };
    check_faults(
        LITE,
        &[
            ("select 1; select 'a", SplitErrorKind::UnterminatedString, 17),
            ("select x'a", SplitErrorKind::UnterminatedString, 7),
            ("select \"a", SplitErrorKind::UnterminatedIdentifier, 7),
            ("select `a``", SplitErrorKind::UnterminatedIdentifier, 7),
            ("select [a", SplitErrorKind::UnterminatedIdentifier, 7),
            (".read x.sql\nselect 1", meta(".read"), 0),
            ("select 1;\n  .mode box", meta(".mode"), 12),
            ("select 1;\0", SplitErrorKind::NulByte, 9),
        ],
    );
}
