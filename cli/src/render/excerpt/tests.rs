use super::*;

fn render(text: &str, line: u32, column: u32, caret: Option<(u32, u32)>) -> String {
    Excerpt { text, line, column, caret }.render(Style::PLAIN)
}

/// The columns of the caret's row before the caret, and the row above it, both without the gutter.
fn caret(text: &str, at: (u32, u32)) -> (String, usize) {
    let shown = render(text, 1, 1, Some(at));
    let rows: Vec<&str> = shown.lines().collect();
    let row = rows.iter().position(|row| row.trim_end().ends_with("| ^") || row.trim_end().ends_with(" ^"));
    let row = row.unwrap_or_else(|| unreachable!("no caret in\n{shown}"));
    let own = rows[row].split_once("| ").map_or("", |(_, own)| own);
    (rows[row - 1].split_once("| ").map_or("", |(_, own)| own).to_owned(), own.len() - 1)
}

#[test]
fn shows_lines_with_numbers_and_a_caret() {
    let text = "create table t (\n  a int,\n  b wrong,\n  c int\n)";
    let expected = "   |\n 9 | create table t (\n10 |   a int,\n11 |   b wrong,\n   |     ^\n12 |   c int\n13 | )\n";
    assert_eq!(render(text, 9, 1, Some((11, 5))), expected);
}

#[test]
fn the_first_line_may_begin_in_the_middle() {
    assert_eq!(render("select nope", 3, 11, Some((3, 18))), "  |\n3 | select nope\n  |        ^\n");
}

#[test]
fn far_lines_are_left_out_and_said_to_be() {
    let text: String = (1..=20).map(|n| format!("line {n}\n")).collect();
    let shown = render(&text, 1, 1, Some((10, 1)));
    assert!(shown.contains("\n 1 | line 1\n   :\n 7 | line 7\n"), "{shown}");
    assert!(shown.ends_with("12 | line 12\n   :\n"), "{shown}");
    let shown = render(&text, 1, 1, None);
    assert!(shown.ends_with("6 | line 6\n  :\n") && !shown.contains('^'), "{shown}");
}

#[test]
fn counts_what_a_terminal_shows() {
    assert_eq!(caret("\tx", (1, 2)), ("    x".to_owned(), 4));
    assert_eq!(caret("ab\tx", (1, 4)), ("ab  x".to_owned(), 4));
    assert_eq!(caret("日本 x", (1, 4)), ("日本 x".to_owned(), 5));
    assert_eq!(caret("größe x", (1, 7)), ("größe x".to_owned(), 6));
    assert_eq!(caret("e\u{301} x", (1, 4)), ("e\u{301} x".to_owned(), 2));
    assert_eq!(caret("a\r\nb x\r\nc", (2, 3)), ("b x".to_owned(), 2));
    assert_eq!(caret("\u{1b}[31m x", (1, 7)), ("\u{fffd}[31m x".to_owned(), 6));
}

#[test]
fn the_end_of_the_text_can_be_pointed_at() {
    assert_eq!(caret("select", (1, 7)), ("select".to_owned(), 6));
}

#[test]
fn long_lines_are_cut_around_the_caret() {
    let text = format!("{}NOPE{}", "a".repeat(1000), "b".repeat(1000));
    let (shown, at) = caret(&text, (1, 1001));
    assert!(shown.starts_with('…') && shown.ends_with('…') && shown.chars().count() <= WIDTH + 1, "{shown}");
    assert_eq!(shown.chars().skip(at).take(4).collect::<String>(), "NOPE");
    let (shown, at) = caret(&"日".repeat(500), (1, 250));
    assert!(shown.starts_with("…日") && at % 2 == 1, "{at} {shown}");
}

#[test]
fn a_caret_elsewhere_is_left_out() {
    for at in [(1, 1), (9, 1), (3, 2)] {
        assert!(!render("select 1", 3, 5, Some(at)).contains('^'), "{at:?}");
    }
}
