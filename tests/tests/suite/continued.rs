//! A folder that Drizzle began, gone on with from the schema file.

use std::process::{Command, Output};

use whimbrel_tests::database::TestDatabase;

use crate::adopt::{copy, drizzle_fixtures};

use super::on_both;

on_both! {
    generate_goes_on_where_drizzle_stopped
}

/// A project with a folder of Drizzle, and the command in it.
struct Project<'a> {
    database: &'a TestDatabase,
    place: std::path::PathBuf,
}

impl Project<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whimbrel-command"));
        command.current_dir(&self.place).env("APP_DB", self.database.url()).args(arguments);
        command.output().expect("the command starts")
    }

    /// What it prints, where it succeeds.
    fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}: {told}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

async fn generate_goes_on_where_drizzle_stopped(database: TestDatabase) {
    let Some(fixtures) = drizzle_fixtures(&database) else { return };
    let (name, folder) = match database.server() {
        Some(_) => ("postgres", "drizzle-pg"),
        None => ("sqlite", "drizzle"),
    };
    let project = Project { database: &database, place: database.folder("project") };
    copy(&fixtures.join(folder), &project.place.join("migrations"));
    let configure = |more: &str| {
        let config = format!("[target.{name}]\nurl = \"${{APP_DB}}\"\ndir = \"migrations\"\n{more}");
        std::fs::write(project.place.join("whimbrel.toml"), config).expect("a file is written");
    };
    configure("scratch-url = \"${APP_DB}\"\n");
    project.does(&["migrate"]);
    project.does(&["pull"]);
    project.does(&["generate", "--check"]);
    // Without a throw-away database Drizzle's snapshot tells the schema, and the server's form of a query is not known.
    configure("");
    let alone = String::from_utf8_lossy(&project.run(&["generate", "--check"]).stdout).into_owned();
    let views_alone = database.server().is_some() && alone.contains("_sessions.sql");
    assert!(views_alone || !alone.contains(".sql"), "{alone}");
    configure("scratch-url = \"${APP_DB}\"\n");
    let journal = project.place.join("migrations/meta/_journal.json");
    let before = std::fs::read_to_string(&journal).expect("there is a journal");
    let schema = project.place.join("schema.sql");
    let text = std::fs::read_to_string(&schema).expect("a schema was pulled");
    let users = text.find("CREATE TABLE users (").expect("there are users");
    let open = users + text[users..].find('\n').expect("a line");
    std::fs::write(&schema, format!("{}\n    nickname text,{}", &text[..open], &text[open..])).expect("it is written");
    let written = project.does(&["generate", "add", "nickname"]);
    assert!(written.contains("add_nickname.sql") && written.contains("_journal.json"), "{written}");
    let after = std::fs::read_to_string(&journal).expect("there is a journal");
    let kept = before.trim_end().trim_end_matches(['}', ']', '\n', ' ']);
    assert!(after.starts_with(kept) && after.contains("add_nickname"), "what stood there stays: {after}");
    // From now on there is a snapshot of ours.
    configure("");
    project.does(&["generate", "--check"]);
    let applied = project.does(&["migrate"]);
    assert!(applied.contains("add_nickname"), "{applied}");
    assert_eq!(database.column("select count(nickname) from users").await, ["0"]);
    project.does(&["verify"]);
}
