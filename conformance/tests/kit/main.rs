//! The kit is sound: every sentence of the contract has its case, and every case of the contract can fail.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod contract;
mod defects;
mod line;
mod model;
mod session;

use std::panic::{AssertUnwindSafe, catch_unwind};

use defects::{DEFECTS, Defect};
use model::Model;
use whimbrel_conformance::{About, Outcome, cases};

/// Runs a case of the contract on the model, which must pass, and on the model with each of the case's defects, which
/// must not. The cases about whole runs are about core, which is not to be broken here.
fn can_pass_and_fail(case: &str) {
    if about(case) == About::Runs {
        return;
    }
    assert_eq!(run(case, None), Outcome::Passed, "the model without a defect");
    let defects: Vec<Defect> = DEFECTS.iter().filter(|(of, _)| *of == case).map(|(_, defect)| *defect).collect();
    assert!(!defects.is_empty(), "no defect is known that {case} finds: add one to DEFECTS");
    for defect in defects {
        let result = catch_unwind(AssertUnwindSafe(|| run(case, Some(defect))));
        assert!(!matches!(result, Ok(Outcome::Passed)), "{case} passes with {defect:?}");
    }
}

/// The case about databases that cannot be copied: the model is one of them there.
const WITHOUT_COPIES: &str = "backup::is_refused_where_none_is_made";

fn about(case: &str) -> About {
    let all = cases();
    all.iter().find(|known| format!("{known:?}") == case).expect("the macro and the list have the same cases").about
}

fn run(case: &str, defect: Option<Defect>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime
        .expect("a runtime starts")
        .block_on(whimbrel_conformance::run(&Model { defect, copies: case != WITHOUT_COPIES }, case))
}

mod each_case {
    use super::can_pass_and_fail;

    whimbrel_conformance::conformance_tests!(can_pass_and_fail);
}

#[test]
fn every_defect_is_for_a_case_of_the_contract() {
    for (case, defect) in DEFECTS {
        assert_eq!(about(case), About::Contract, "{defect:?} is listed for {case}");
    }
}
