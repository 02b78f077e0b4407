//! The conformance kit on every kind of database that there is.

use whimbrel_conformance::{Outcome, Subject};
use whimbrel_tests::{postgres, subjects};

fn run(subject: &dyn Subject, case: &str) {
    let started = std::time::Instant::now();
    let outcome = crate::block_on(whimbrel_conformance::run(subject, case));
    println!("{case} took {:?}", started.elapsed());
    if let Outcome::Skipped(why) = outcome {
        println!("{case} did not run: {why}");
    }
}

mod sqlite_file {
    use super::subjects::SqliteFile;

    fn run(case: &str) {
        super::run(&SqliteFile, case);
    }
    whimbrel_conformance::conformance_tests!(run);
}

mod sqlite_wal {
    use super::subjects::SqliteWal;

    fn run(case: &str) {
        super::run(&SqliteWal, case);
    }
    whimbrel_conformance::conformance_tests!(run);
}

mod sqlite_memory {
    use super::subjects::SqliteMemory;

    fn run(case: &str) {
        super::run(&SqliteMemory, case);
    }
    whimbrel_conformance::conformance_tests!(run);
}

mod postgres_server {
    use super::subjects::Postgres;

    fn run(case: &str) {
        if super::postgres::requested() {
            super::run(&Postgres, case);
        } else {
            println!("{case} did not run: SQLite alone was asked for");
        }
    }
    whimbrel_conformance::conformance_tests!(run);
}
