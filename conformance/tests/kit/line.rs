//! The way between a client of the model and its database.

use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_conformance::Line;
use whimbrel_core::MigrationBackend;

use crate::model::Client;

/// What is wrong with the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trouble {
    #[default]
    None,
    AnswersAreLost,
    Cut,
    Silent,
}

/// What several connections share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way(Arc<Mutex<Trouble>>);

impl Way {
    pub(crate) fn trouble(&self) -> Trouble {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, trouble: Trouble) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// A client, and what spoils its way.
pub(crate) struct ModelLine(pub(crate) Client);

impl Line for ModelLine {
    fn client(&self) -> Arc<dyn MigrationBackend> {
        Arc::new(self.0.clone())
    }

    fn lose_answers(&self) {
        self.0.way.set(Trouble::AnswersAreLost);
    }

    fn cut(&self) {
        self.0.way.set(Trouble::Cut);
    }

    fn fall_silent(&self) {
        self.0.way.set(Trouble::Silent);
    }
}
