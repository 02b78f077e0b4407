//! The picture of a run is one: it is drawn from what the command prints for the reference application.
//!
//! `WHIMBREL_DRAW=1 cargo test -p whimbrel-guide` draws it anew.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::blocks::guide;

const LINE_HEIGHT: usize = 20;
const CHARACTER_WIDTH: usize = 9;

/// What two runs print, with the commands.
fn runs(database: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..2 {
        lines.push("$ whimbrel migrate".to_owned());
        let mut command = Command::new(env!("CARGO_BIN_EXE_guide-whimbrel"));
        command.arg("migrate").current_dir(guide().join("..")).env_remove("WHIMBREL_URL");
        let output = command.env("APP_DB", format!("sqlite:{}", database.display())).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        lines.extend(printed.lines().map(str::to_owned));
    }
    lines
}

fn draw(lines: &[String]) -> String {
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or_default();
    let (width, height) = ((columns + 4) * CHARACTER_WIDTH, lines.len() * LINE_HEIGHT + 32);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2330\"/>\n\
         <g font-family=\"monospace\" font-size=\"14\" fill=\"#d8dee9\" xml:space=\"preserve\">\n"
    );
    for (line, number) in lines.iter().zip(1..) {
        let colour = if line.starts_with('$') { " fill=\"#a3be8c\"" } else { "" };
        let text = line.replace('&', "&amp;").replace('<', "&lt;");
        writeln!(svg, "<text x=\"16\" y=\"{}\"{colour}>{text}</text>", number * LINE_HEIGHT + 10).unwrap();
    }
    svg + "</g>\n</svg>\n"
}

/// Times differ from run to run, and the picture's size with them.
fn without_times(svg: &str) -> Vec<String> {
    let texts = svg.lines().filter(|line| line.starts_with("<text"));
    texts
        .map(|line| {
            let words = line.split(' ').map(|word| {
                let bare = word.trim_start_matches('(').split('<').next().unwrap_or_default();
                if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) && !bare.starts_with("000") {
                    "N"
                } else {
                    word
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn the_picture_shows_a_real_run() {
    let folder = tempfile::tempdir().unwrap();
    let lines = runs(&folder.path().join("app.db"));
    assert_eq!(lines.last().map(String::as_str), Some("nothing pending"));
    let (file, drawn) = (guide().join("src/img/run.svg"), draw(&lines));
    if std::env::var_os("WHIMBREL_DRAW").is_some() {
        std::fs::write(&file, &drawn).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap();
    assert_eq!(without_times(&stored), without_times(&drawn), "draw it anew with WHIMBREL_DRAW=1");
}
