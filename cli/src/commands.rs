//! The commands: each asks the library and shows what it says.

mod adopt;
mod baseline;
mod check;
mod completions;
mod databases;
mod diff;
mod generate;
mod init;
mod migrate;
mod new;
mod place;
mod pull;
mod push;
mod rebase;
mod resolve;
mod schema;
mod schema_targets;
mod squash;
mod status;
mod untracked;
mod verify;

use std::path::Path;
use std::sync::Arc;

use whimbrel::schema::model::ObjectName;
use whimbrel::schema::{Introspected, SchemaDialect, WriteLock, dialect, read_database};
use whimbrel::{CancelToken, Database, MigrateError, Migrator, Seed, history::DEFAULT_NAMESPACE};

use crate::arguments::{Arguments, Command, Common, Waits};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::CliError;
use crate::exit_code;
use crate::output::Output;
use crate::progress::Progress;
use crate::render::failure;
use crate::render::json::{self, Place};
use crate::target::Target;

/// Does what the arguments say; gives the exit code.
pub(crate) async fn run(arguments: Arguments) -> u8 {
    let output = Arc::new(Output::new(&arguments.common));
    let context = Context { common: arguments.common, environment: Environment::of_process(), output };
    let is_run = matches!(arguments.command, Command::Migrate(_) | Command::Reset(_));
    let result = match arguments.command {
        Command::Migrate(flags) => migrate::run(&context, &flags).await,
        Command::Status(flags) => status::run(&context, &flags).await,
        Command::Generate(flags) => generate::run(&context, &flags).await,
        Command::Verify => verify::run(&context).await,
        Command::Check(flags) => check::run(&context, &flags).await,
        Command::Diff(arguments) => diff::run(&context, &arguments).await,
        Command::Push(flags) => push::run(&context, &flags).await,
        Command::Pull(flags) => pull::run(&context, &flags).await,
        Command::Schema(arguments) => schema::run(&context, &arguments).await,
        Command::Baseline(flags) => baseline::run(&context, &flags).await,
        Command::Rebase(arguments) => rebase::run(&context, &arguments).await,
        Command::Squash(arguments) => squash::run(&context, &arguments).await,
        Command::Adopt(flags) => adopt::run(&context, &flags).await,
        Command::New(arguments) => new::run(&context, &arguments),
        Command::Init => init::run(&context),
        Command::Create => databases::create(&context).await,
        Command::Drop(flags) => databases::drop(&context, &flags).await,
        Command::Reset(flags) => databases::reset(&context, &flags).await,
        Command::Resolve(arguments) => resolve::run(&context, &arguments).await,
        Command::Completions { shell } => completions::run(&context, shell),
    };
    let code = result.unwrap_or_else(|error| context.show(&error, is_run));
    context.output.finish(code)
}

/// The right to write into folders, for as long as it is held: waits for another command that has it, and says so.
fn write_lock<'a>(context: &Context, folders: impl Iterator<Item = &'a Path>) -> Result<WriteLock, CliError> {
    let output = &context.output;
    let waits =
        |folder: &Path| output.say(format_args!("waiting for another command that writes in {}", folder.display()));
    WriteLock::take(folders, waits).map_err(|error| {
        CliError::failed(format!("the folder of the migrations cannot be locked: {error}"), "make it readable")
    })
}

/// What every command works with.
pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) environment: Environment,
    pub(crate) output: Arc<Output>,
}

impl Context {
    /// The configuration file, if there is one.
    pub(crate) fn config(&self) -> Result<Option<Config>, CliError> {
        Config::find(self.common.config.as_deref())
    }

    /// The database that is meant.
    pub(crate) fn open(&self) -> Result<Opened<'_>, CliError> {
        let config = self.config()?;
        let target = Target::choose(&self.common, config.as_ref(), &self.environment)?;
        let database = target.database()?;
        Ok(Opened { context: self, target, database })
    }

    /// Shows an error that came before a database was asked.
    fn show(&self, error: &CliError, is_run: bool) -> u8 {
        self.output.error(failure::of_problems(&error.problems, self.output.err()));
        if self.output.json {
            let shown = json::Error::of_problems(error.exit_code, &error.problems);
            match is_run {
                true => self.output.document(&json::Migrate::not_begun(Place::default(), shown)),
                false => {
                    self.output.document(&json::Other::<()> { place: Place::default(), done: None, error: Some(shown) })
                }
            }
        }
        error.exit_code
    }
}

/// A database that was chosen, with its migrations.
pub(crate) struct Opened<'c> {
    pub(crate) context: &'c Context,
    pub(crate) target: Target,
    pub(crate) database: Database,
}

impl Opened<'_> {
    /// A migrator with the folder and the seed of the target, and what the file says about waiting.
    pub(crate) fn migrator(&self, waits: &Waits) -> Result<Migrator, CliError> {
        let target = &self.target;
        let source = target.source(self.database.backend.dialect().lexer)?;
        let mut migrator = Migrator::shared(Arc::clone(&self.database.backend)).source_in(self.namespace(), source);
        if let Some(seed) = &target.seed {
            migrator = migrator.seed_in(self.namespace(), Seed::file(seed));
        }
        migrator = migrator.other_history(target.other_history.clone());
        if target.shares_history {
            migrator = migrator.share_other_history();
        }
        if let Some(role) = &target.role {
            migrator = migrator.role(role);
        }
        if let Some(limit) = target.lock_timeout {
            migrator = migrator.lock_timeout(limit);
        }
        if let Some(limit) = target.statement_timeout {
            migrator = migrator.statement_timeout(limit);
        }
        if let Some(limit) = waits.lock_wait.or(target.lock_wait) {
            migrator = migrator.lock_wait(limit);
        }
        if let Some(limit) = waits.wait {
            migrator = migrator.connect_wait(limit);
        }
        let progress = Progress::new(Arc::clone(&self.context.output));
        Ok(migrator.on_event(move |event| progress.show(event)))
    }

    /// The same, stopped by a signal.
    pub(crate) fn interruptible(&self, waits: &Waits) -> Result<Migrator, CliError> {
        let token = CancelToken::new();
        crate::signals::cancel_on_signal(token.clone());
        Ok(self.migrator(waits)?.cancel(token))
    }

    /// The namespace of the migrations.
    pub(crate) fn namespace(&self) -> &str {
        self.context.common.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE)
    }

    /// The schema engine of its dialect.
    pub(crate) fn engine(&self) -> Result<&'static dyn SchemaDialect, CliError> {
        let name = self.database.backend.dialect().name;
        let missing = || CliError::usage(format!("this build has no schema engine for {name}"), "use one that has");
        dialect(name).ok_or_else(missing)
    }

    /// The schema that it has now, without its history and the books of other tools.
    pub(crate) async fn live(&self) -> Result<Introspected, CliError> {
        let mut ignored = vec![self.target.history_table()];
        let other = &self.target.other_history;
        ignored
            .extend(other.table.as_ref().map(|name| ObjectName { schema: other.schema.clone(), name: name.clone() }));
        let live = read_database(&*self.database.backend, self.engine()?, &ignored).await;
        live.map_err(|error| CliError::database("read the schema", &error))
    }

    /// What people call the database.
    pub(crate) fn name(&self) -> String {
        self.database.backend.database()
    }

    /// The database in a document.
    pub(crate) fn place(&self) -> Place {
        Place {
            dialect: Some(self.database.backend.dialect().name),
            target: self.target.name.clone(),
            database: Some(self.name()),
        }
    }

    /// Shows why a command other than a run failed.
    pub(crate) fn show(&self, error: &MigrateError) -> u8 {
        let output = &self.context.output;
        output.set_bar(None);
        output.error(failure::of_run(error, &self.name(), output.err()));
        if output.json {
            let error = Some(json::Error::of_run(error));
            output.document(&json::Other::<()> { place: self.place(), done: None, error });
        }
        exit_code::of_run(error.kind())
    }
}
