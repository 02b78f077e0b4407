//! What may be written on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use whimbrel::history::check_namespace;
use whimbrel::{FindingKind, Resolution, TransactionMode, Version, parse_duration};

const MORE: &str = "\
Which database:
  --url, then the variable WHIMBREL_URL, then the target's url in whimbrel.toml (the nearest one upward).
  DATABASE_URL counts only where the file says ${DATABASE_URL}, or where there is no file.
  Without --target: the target of the URL's dialect, else default-target, else the only one.

Exit codes:
  0  done                                  4  a migration failed and was rolled back
  1  failed                                5  a migration stopped part-way: a person must look
  2  wrong arguments or configuration      6  the lock could not be had in time
  3  checked, and not in the asked state   7  the database cannot be reached
                                         130  interrupted";

/// Database migrations for SQLite and Postgres.
#[derive(Debug, Parser)]
#[command(name = "whimbrel", version, about, after_long_help = MORE, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// The configuration file, instead of the nearest whimbrel.toml upward.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The target in the configuration file.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// The database: sqlite:PATH or postgres://USER@HOST/DATABASE.
    #[arg(long, global = true, value_name = "URL", hide_default_value = true)]
    pub(crate) url: Option<String>,
    /// The folder of the migrations.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// The layout of the folder; whimbrel, drizzle or sqlx.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// The namespace of the migrations in the history.
    #[arg(long, global = true, value_name = "NAME", value_parser = namespace)]
    pub(crate) namespace: Option<String>,
    /// Write one JSON document to stdout, and nothing else there.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print errors only.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print what happens, step by step.
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) color: Color,
    /// Show no progress bar.
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

/// When to use colour.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless the variable NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Apply what is pending.
    Migrate(Migrate),
    /// Show every migration and its state.
    Status(Status),
    /// Write the next migration of every target's folder from schema.sql.
    Generate(Generate),
    /// Compare the history with the folder, and the database with the snapshot of its newest migration.
    Verify,
    /// Check that folders, snapshots and schema.sql agree, on every target; needs none of your databases.
    Check(Check),
    /// Print the SQL that turns one schema into another; exit with 3 where they differ.
    Diff(Diff),
    /// Make a development database match schema.sql without migration files, after a question.
    Push(Push),
    /// Write schema.sql from a database that is there already.
    Pull(Pull),
    /// Print a schema as SQL, JSON or a Mermaid diagram.
    Schema(Schema),
    /// Record what a database with tables and no history has, without running it, once that is proved equal.
    Baseline(Baseline),
    /// Go on with the history of another tool: Drizzle or sqlx.
    Adopt(Adopt),
    /// Give the migrations of this branch new versions behind those that were merged before them.
    Rebase(Rebase),
    /// Fold the oldest migrations, up to a version, into one that only fresh databases run.
    Squash(Squash),
    /// Write an empty migration, with the same version and name in every target's folder.
    New(New),
    /// Write whimbrel.toml, schema.sql and the migration folders; nothing is overwritten.
    Init,
    /// Make the target's database.
    Create,
    /// Remove the target's database with everything in it.
    Drop(Drop),
    /// Remove the target's database, make it anew and apply every migration.
    Reset(Reset),
    /// Settle a migration that stopped part-way, after you looked at the database.
    Resolve(Resolve),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// Flags of `migrate`.
#[derive(Debug, Default, Args)]
pub(crate) struct Migrate {
    /// Stop after this version; repeatables and seeds are left for a run without it.
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<Version>,
    /// Print the SQL in order, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A transaction for each migration, or one for all that are pending.
    #[arg(long, value_name = "MODE", value_enum, default_value_t)]
    pub(crate) transaction: Transaction,
    /// SQLite files: copy the database to a file beside it before anything is changed.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) backup: bool,
    /// Apply migrations that are older than applied ones.
    #[arg(long)]
    pub(crate) allow_out_of_order: bool,
    /// Go on where the database is newer than the folder.
    #[arg(long)]
    pub(crate) allow_database_ahead: bool,
    #[command(flatten)]
    pub(crate) waits: Waits,
    /// Leave seeds out.
    #[arg(long)]
    pub(crate) no_seed: bool,
}

/// How long a run waits.
#[derive(Debug, Default, Args)]
pub(crate) struct Waits {
    /// Wait so long for a database that is still starting, such as 30s [default: not at all].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) wait: Option<Duration>,
    /// Wait so long for another runner that makes no progress [default: lock-wait of the file, or 60s].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) lock_wait: Option<Duration>,
}

/// How migrations share transactions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Transaction {
    /// One for each: what was applied before a failure stays.
    #[default]
    Each,
    /// One for all: all or none.
    All,
}

impl From<Transaction> for TransactionMode {
    fn from(mode: Transaction) -> Self {
        match mode {
            Transaction::Each => Self::Each,
            Transaction::All => Self::All,
        }
    }
}

/// What only a person can say about a change of the schema.
#[derive(Debug, Args)]
pub(crate) struct Told {
    /// What was renamed, such as users=people or users.email=mail; users.email= says that it was not.
    #[arg(long, value_name = "OLD=NEW")]
    pub(crate) rename: Vec<String>,
    /// How a column gets its values where it needs some, such as users.name=lower(email).
    #[arg(long, value_name = "TABLE.COLUMN=EXPRESSION")]
    pub(crate) fill: Vec<String>,
}

/// Flags of `generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// What the migration does, such as add_boards [default: a name made of the changes].
    #[arg(num_args = 0..)]
    pub(crate) name: Vec<String>,
    /// Write nothing; exit with 3 where something would be written.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) told: Told,
    /// Postgres: take the ways that do not stop an application that is at work.
    #[arg(long)]
    pub(crate) online: bool,
    /// Write changes that lose data, too.
    #[arg(long)]
    pub(crate) accept_data_loss: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// What there is: a schema file, a folder of migrations, or the URL of a database.
    pub(crate) from: String,
    /// What there should be, named in the same ways.
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) told: Told,
    /// Postgres: take the ways that do not stop an application that is at work.
    #[arg(long)]
    pub(crate) online: bool,
}

/// Flags of `push`.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) told: Told,
    /// Make changes that lose data, too.
    #[arg(long)]
    pub(crate) accept_data_loss: bool,
}

/// Flags of `pull`.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Write the file anew where it says something else.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `baseline`.
#[derive(Debug, Args)]
pub(crate) struct Baseline {
    /// The version that the database is at [default: the newest whose schema it has].
    pub(crate) version: Option<Version>,
    /// Record that version although the database differs; `status` and `verify` go on showing in what.
    #[arg(long, requires = "version")]
    pub(crate) force: bool,
    /// Record nothing and begin the history all the same: its tables are no business of these migrations.
    #[arg(long, conflicts_with_all = ["version", "force"])]
    pub(crate) empty: bool,
    #[command(flatten)]
    pub(crate) waits: Waits,
}

/// Flags of `adopt`.
#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Show which row stands for which file, and record nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on in spite of this kind of finding: edited, wrong-hash, missing-file, skipped, out-of-order, duplicate, no-time,
    /// empty or differs; may be given several times.
    #[arg(long, value_name = "FINDING")]
    pub(crate) accept: Vec<FindingKind>,
    /// The table of the other tool, where it is not called as usual [default: from-table of the file].
    #[arg(long, value_name = "NAME")]
    pub(crate) from_table: Option<String>,
    /// Postgres: the schema that it is in, where several have one [default: from-schema of the file].
    #[arg(long, value_name = "NAME")]
    pub(crate) from_schema: Option<String>,
    #[command(flatten)]
    pub(crate) waits: Waits,
}

/// Arguments of `rebase`.
#[derive(Debug, Args)]
pub(crate) struct Rebase {
    /// The migrations of this branch, such as 0005_add_boards [default: those that git does not find in `--onto`].
    pub(crate) name: Vec<String>,
    /// The branch that has the others [default: origin/HEAD, else main or master].
    #[arg(long, value_name = "BRANCH")]
    pub(crate) onto: Option<String>,
}

/// Arguments of `squash`.
#[derive(Debug, Args)]
pub(crate) struct Squash {
    /// The newest version that is folded.
    pub(crate) version: Version,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// A schema file, a folder of migrations, or the URL of a database [default: the schema file of whimbrel.toml].
    pub(crate) place: Option<String>,
    /// The form.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t)]
    pub(crate) form: SchemaForm,
}

/// How a schema is printed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaForm {
    /// The statements that make it in the target's dialect.
    #[default]
    Sql,
    /// The model.
    Json,
    /// An entity-relationship diagram.
    Mermaid,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Exit with 1 where a folder could not be replayed on a throw-away database.
    #[arg(long)]
    pub(crate) require_replay: bool,
}

/// Flags of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Exit with 3 where something is pending or wrong.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// What the migration does, such as add_boards.
    #[arg(required = true, num_args = 1..)]
    pub(crate) name: Vec<String>,
}

/// Flags of `drop`.
#[derive(Debug, Args)]
pub(crate) struct Drop {
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Flags of `reset`.
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Leave seeds out.
    #[arg(long)]
    pub(crate) no_seed: bool,
    #[command(flatten)]
    pub(crate) waits: Waits,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("resolution").required(true))]
pub(crate) struct Resolve {
    /// The migration that stopped: its version, or `seed NAME`, or `repeatable NAME`.
    #[arg(required = true, num_args = 1.., value_name = "VERSION")]
    pub(crate) migration: Vec<String>,
    /// The statement at which it stopped took effect: go on after it.
    #[arg(long, group = "resolution")]
    pub(crate) done: bool,
    /// The statement took no effect, or its effect was undone: run it.
    #[arg(long, group = "resolution")]
    pub(crate) retry: bool,
    /// Nothing of the migration is in the database any more: run it from its beginning.
    #[arg(long, group = "resolution")]
    pub(crate) forget: bool,
}

impl Resolve {
    /// What was found; one of the flags is there.
    pub(crate) fn resolution(&self) -> Resolution {
        match (self.done, self.retry) {
            (true, _) => Resolution::Done,
            (_, true) => Resolution::Retry,
            _ => Resolution::Forget,
        }
    }
}

fn namespace(text: &str) -> Result<String, &'static str> {
    check_namespace(text).map(|()| text.to_owned())
}
