//! What the target says about a database that has tables and no history.

use whimbrel::schema::{Baseline, Snapshots};
use whimbrel::{Adopt, Migrator};

use super::Opened;
use super::schema_targets::{refused, scratch_of};
use crate::arguments::Waits;
use crate::error::CliError;
use crate::target;

impl Opened<'_> {
    /// A migrator that is stopped by a signal, and treats a database without a history as the target says.
    pub(super) fn starting(&self, waits: &Waits) -> Result<Migrator, CliError> {
        let mut migrator = self.interruptible(waits)?;
        if self.target.untracked == target::Treatment::Adopt || self.target.shares_history {
            migrator = migrator.proving(self.baseline()?);
        }
        Ok(match self.target.untracked {
            target::Treatment::Refuse => migrator,
            target::Treatment::Baseline => migrator.untracked(self.baseline()?),
            target::Treatment::Adopt => migrator.untracked(Adopt),
        })
    }

    /// The snapshots of the folder.
    pub(super) fn snapshots(&self) -> Result<Snapshots, CliError> {
        Snapshots::of_folder(&self.target.folder).map_err(|problem| refused(vec![problem]))
    }

    /// The proof of the version that a database is at, by the snapshots of the folder and a scratch database.
    pub(super) fn baseline(&self) -> Result<Baseline, CliError> {
        let url = self.target.scratch_url.as_deref().unwrap_or(self.target.url());
        let scratch = scratch_of(self.engine()?, Some(url))?;
        let baseline = Baseline::new(&*self.database.backend).map_err(|error| CliError::database("", &error))?;
        let baseline = baseline.snapshots(self.snapshots()?).scratch(scratch).namespace(self.namespace());
        Ok(baseline.ignoring(self.target.history_table()))
    }
}
