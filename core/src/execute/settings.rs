//! The settings that migrations run under.

use std::mem::discriminant;

use super::failure::Part;
use super::{Executor, Ready, StepError, drive_plain};
use crate::backend::{Op, OpOutcome, Setting, TransactionState};
use crate::migration::Migration;
use crate::report::Aftermath;

impl Executor<'_> {
    /// The settings that a migration runs under, in the order in which they are set.
    pub(super) fn settings_for(&self, migration: &Migration) -> Vec<Setting> {
        let directives = migration.directives();
        let mut settings = Vec::new();
        settings.extend(self.settings.role.clone().map(|role| Setting::Role(Some(role))));
        settings.extend(directives.lock_timeout.or(self.settings.lock_timeout).map(Setting::LockTimeout));
        settings
            .extend(directives.statement_timeout.or(self.settings.statement_timeout).map(Setting::StatementTimeout));
        settings
    }

    /// The settings of each migration of one transaction.
    ///
    /// What one of them sets ends with the transaction and not with it, so the next one that does not say sets what was
    /// there before. Only where there is such a one, that is asked, in a transaction of its own.
    pub(super) async fn settings_of_all(&mut self, ready: &[Ready<'_>]) -> Result<Vec<Vec<Setting>>, StepError> {
        let mut settings: Vec<Vec<Setting>> = ready.iter().map(|r| self.settings_for(r.migration)).collect();
        let outlasting = outlasting(&settings);
        if let (false, Some(first)) = (outlasting.is_empty(), ready.first()) {
            for before in self.before(first, &outlasting).await? {
                put_back(&mut settings, &before);
            }
        }
        Ok(settings)
    }

    /// What these settings are outside of the transaction.
    async fn before(&mut self, first: &Ready<'_>, settings: &[Setting]) -> Result<Vec<Setting>, StepError> {
        let mut program = vec![Op::Begin];
        program.extend(settings.iter().map(Op::Set));
        program.push(Op::Rollback);
        let outcomes = match drive_plain(self.session, &program, self.listeners).await {
            Ok(outcomes) => outcomes,
            Err(halted) => {
                if halted.transaction == TransactionState::Open {
                    let _ = drive_plain(self.session, &[Op::Rollback], self.listeners).await;
                }
                return Err(first.halted(Part::Opening, halted, Aftermath::RolledBack));
            }
        };
        let previous = outcomes.into_iter().filter_map(|(_, outcome)| match outcome {
            OpOutcome::Previous(setting) => Some(setting),
            _ => None,
        });
        Ok(previous.collect())
    }
}

fn sets(settings: &[Setting], kind: &Setting) -> bool {
    settings.iter().any(|setting| discriminant(setting) == discriminant(kind))
}

/// One setting of each kind that a migration sets and a later one does not.
fn outlasting(settings: &[Vec<Setting>]) -> Vec<Setting> {
    let mut found: Vec<Setting> = Vec::new();
    for (index, own) in settings.iter().enumerate() {
        let rest = &settings[index + 1..];
        let outlasts = |setting: &&Setting| rest.iter().any(|later| !sets(later, setting));
        for setting in own.iter().filter(outlasts) {
            if !sets(&found, setting) {
                found.push(setting.clone());
            }
        }
    }
    found
}

/// Adds the setting where one of its kind is in force and the migration does not set it.
fn put_back(settings: &mut [Vec<Setting>], before: &Setting) {
    let mut in_force = false;
    for own in settings {
        let is_set = sets(own, before);
        if in_force && !is_set {
            own.push(before.clone());
        }
        in_force = is_set;
    }
}
