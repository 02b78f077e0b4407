//! The cases, and how they are run.

mod backend;
mod backup;
mod catalog;
mod claim;
mod fail;
mod history;
mod interrupt;
mod lock;
mod migrate;
mod plan;
mod program;
mod race;
mod recover;
mod setting;
mod stepwise;

use std::fmt;

use whimbrel_core::BoxFuture;

use crate::bench::Bench;
use crate::subject::Subject;

/// How a case ended that did not fail; one that fails panics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It was not run, and why: a capability that the backend says it lacks.
    Skipped(&'static str),
}

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The contract of backends: at least one of its sentences names the case.
    Contract,
    /// What core makes of a backend that keeps the contract: whole runs, with and without failures.
    Runs,
}

/// One case of the kit.
pub struct Case {
    /// What it is about.
    pub about: About,
    /// The part of the contract, or of a run.
    pub group: &'static str,
    /// What it proves, as a name.
    pub name: &'static str,
    run: for<'a> fn(&'a Bench) -> BoxFuture<'a, Outcome>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

impl Case {
    /// Runs it on an empty database of this kind.
    ///
    /// # Panics
    ///
    /// Where it does not hold, or a rule of the contract was broken on the way.
    pub async fn run(&self, subject: &dyn Subject) -> Outcome {
        let bench = Bench::new(subject).await;
        let outcome = (self.run)(&bench).await;
        let violations = bench.violations();
        assert!(violations.is_empty(), "rules of the contract were broken:\n{}", violations.join("\n"));
        outcome
    }
}

/// Runs the case of this name, `group::name`.
///
/// # Panics
///
/// As [`Case::run`]; and where there is no such case.
pub async fn run(subject: &dyn Subject, case: &str) -> Outcome {
    let all = cases();
    let found = all.iter().find(|known| format!("{known:?}") == case);
    found.unwrap_or_else(|| panic!("the kit has no case {case}")).run(subject).await
}

/// Ends the case unless the backend has what it needs.
macro_rules! need {
    ($condition:expr, $why:literal) => {
        if !$condition {
            return $crate::cases::Outcome::Skipped($why);
        }
    };
}
pub(crate) use need;

/// Makes the list of all cases.
macro_rules! list {
    ($($about:ident $group:ident { $($name:ident)* })*) => {
        /// Every case.
        #[must_use]
        pub fn cases() -> Vec<Case> {
            vec![$($(Case {
                about: About::$about,
                group: stringify!($group),
                name: stringify!($name),
                run: |bench| Box::pin($group::$name(bench)),
            }),*),*]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __test_each {
    ($run:ident; $($about:ident $group:ident { $($name:ident)* })*) => {
        $(mod $group {
            use super::$run;

            $(#[test]
            fn $name() {
                $run(concat!(stringify!($group), "::", stringify!($name)));
            })*
        })*
    };
}

/// Writes one test for each case, each calling `$run` with the case's name: a function `fn(&str)` of yours that runs
/// [`run`](crate::run()) on your runtime. It is named by one word, so it stands or is imported where the macro does.
#[macro_export]
macro_rules! conformance_tests {
    ($run:ident) => {
        $crate::__cases! { [$crate::__test_each] $run; }
    };
}

/// Hands every case's group and name to a macro, behind what the caller gives.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ([$($macro:tt)*] $($before:tt)*) => {
        $($macro)*! { $($before)*
            Contract backend {
                its_capabilities_stay
                its_name_holds_no_secret
                its_clock_goes_forward
                sessions_have_transactions_of_their_own
                connecting_makes_no_history
                what_does_not_answer_is_unreachable
            }
            Contract catalog {
                names_what_migrations_made
                names_nothing_in_a_fresh_database
                names_no_history
                tells_the_time
            }
            Contract history {
                is_none_before_its_table_is_made
                is_empty_once_its_table_is_made
                reading_it_creates_nothing
                reading_it_needs_no_right_to_write
                reading_it_leaves_no_transaction_open
                making_it_twice_succeeds
                making_it_can_be_rolled_back
                making_it_at_the_same_moment_succeeds
                rows_come_back_as_they_were_recorded
                a_check_tells_what_planning_needs
                a_check_reads_no_more_than_planning_needs
                recording_is_all_or_none
                versions_that_are_equal_have_one_row
                a_row_is_removed_by_its_fence
                its_table_may_have_any_name
                another_table_of_its_name_is_refused
            }
            Contract lock {
                is_had_by_one_session
                outlives_programs
                does_not_stop_claims
                ends_with_a_closed_session
                ends_with_a_dropped_session
            }
            Contract program {
                commits_what_stands_between_begin_and_commit
                rolls_back_what_stands_between_begin_and_rollback
                may_come_in_pieces
                runs_each_operation_outside_a_transaction_alone
                leaves_no_transaction_around_a_lone_statement
                stops_at_the_first_failure_and_names_it
                names_the_statement_that_is_no_sql
                a_broken_constraint_is_no_success
                goes_on_after_a_failure
                a_failure_says_where_the_transaction_stands
                a_commit_that_is_refused_is_no_success
                a_commit_without_an_answer_is_in_doubt
                a_connection_lost_before_the_commit_is_no_doubt
                rollback_succeeds_where_no_transaction_is_open
                unseal_exposes_a_commit
                unseal_exposes_a_rollback
                unseal_exposes_a_commit_and_a_begin
                a_query_gives_rows_as_text
                a_statement_may_give_rows
                a_statement_may_end_in_a_comment
                a_statement_counts_what_it_changed
                measures_rows_of_tables
                the_observer_hears_each_operation
                an_empty_program_does_nothing
                writes_no_history_by_itself
                a_dropped_session_rolls_back
                a_dropped_program_leaves_nothing_half_done
                a_transaction_that_began_can_write
                a_writer_does_not_wait_long_for_another
            }
            Contract claim {
                a_new_one_takes_a_free_row_once
                one_in_a_transaction_goes_with_it
                every_mode_writes_every_field
                an_open_one_refuses_others_at_once
                a_probe_passes_where_no_claim_is_open
                a_takeover_waits_for_the_end_of_the_lease
                a_takeover_keeps_what_is_done
                a_takeover_from_the_start_forgets_what_was_done
                a_takeover_never_takes_an_applied_row
                a_rerun_starts_an_applied_row_anew
                a_rerun_never_takes_a_row_that_is_not_applied
                a_lost_one_cannot_write
                a_checkpoint_records_progress_and_extends_the_lease
                a_heartbeat_extends_the_lease
                a_late_heartbeat_changes_nothing
                its_finish_tells_when_and_how_long
                its_failure_ends_the_lease
                its_texts_may_hold_anything
                namespaces_do_not_meet
                sixteen_at_once_have_one_winner
            }
            Contract setting {
                a_lock_timeout_is_read_back
                a_statement_timeout_is_read_back
                a_statement_timeout_stops_a_statement
                a_lock_timeout_ends_a_wait
                a_role_is_read_back
                a_role_that_is_not_there_is_refused
                reset_undoes_what_a_text_has_set
                what_the_database_lacks_is_refused
                foreign_keys_are_switched_and_read_back
            }
            Contract backup {
                tells_the_newest_version_in_it
                overwrites_nothing
                leaves_no_transaction_open
                is_refused_where_none_is_made
            }
            Contract interrupt {
                stops_a_statement_in_a_transaction
                stops_a_lone_statement
                has_no_effect_when_nothing_is_under_way
                stops_nothing_that_begins_later
                completes_where_nothing_answers
            }
            Runs migrate {
                a_fresh_database_gets_everything
                a_second_run_reads_the_history_and_nothing_else
                each_migration_is_one_program
                new_migrations_come_after_applied_ones
                a_target_stops_the_run_after_it
                all_in_one_transaction_is_one_commit
                an_empty_migration_is_recorded
                a_seed_runs_once_and_when_it_changed
                namespaces_have_versions_of_their_own
                a_migration_may_be_written_in_rust
                hooks_are_called_at_the_turns_of_a_run
                events_come_in_order
                a_late_migration_is_applied_where_allowed
                its_directives_hold_for_it_alone
                a_thousand_cost_no_more_each_than_ten
                foreign_keys_off_keeps_rows_of_children
                a_session_of_ones_own_reads_and_leaves_nothing_behind
                waiting_for_a_database_ends_when_it_is_there
                a_backup_comes_before_anything_is_changed
            }
            Runs plan {
                an_edited_migration_is_refused
                a_comment_only_edit_is_a_note
                an_accepted_checksum_is_no_edit
                a_missing_migration_is_refused
                a_late_migration_is_refused
                a_newer_database_is_refused_unless_allowed
                an_unknown_target_is_refused
                a_duplicate_is_refused_at_load
                transaction_control_is_refused_before_anything_runs
                one_transaction_for_all_is_refused_where_it_cannot_be
                a_directive_that_the_database_lacks_is_refused
                a_backup_that_the_database_cannot_have_is_refused
                a_plan_changes_nothing
                a_status_creates_nothing
                a_status_tells_where_each_stands
            }
            Runs fail {
                a_statement_at_every_position
                what_was_applied_before_stays
                one_transaction_for_all_is_all_or_none
                a_refusal_of_every_operation
                a_connection_lost_before_every_operation
                a_connection_lost_after_every_operation
                every_operation_of_a_first_run
                at_the_claim
                at_the_commit
                a_commit_whose_answer_was_lost_counts
                a_commit_that_did_not_arrive_does_not_count
                one_commit_for_all_whose_answer_was_lost_counts_for_all
                a_passing_conflict_is_tried_again
                of_rust_code_rolls_back
                of_a_hook_stops_the_run
                new_orphans_are_refused_with_foreign_keys_off
                tables_that_lose_rows_are_kept
                a_cancelled_statement_is_rolled_back
                a_cancelled_run_stops_between_migrations
            }
            Runs stepwise {
                runs_each_statement_alone_and_records_it
                a_failure_at_every_statement_is_recorded_and_resumed
                a_prefix_that_was_edited_is_refused
                comments_in_the_prefix_may_change
                a_statement_that_refuses_a_transaction_can_run
                a_busy_statement_is_tried_again
                a_cancelled_statement_is_recorded
                a_text_may_control_its_own_transaction
            }
            Runs recover {
                a_statement_that_took_effect_is_resolved_as_done
                a_statement_that_took_no_effect_is_resolved_as_retry
                a_migration_that_was_undone_is_forgotten
                the_last_statement_is_resolved_as_done
                nothing_is_resolved_that_did_not_stop
                a_live_runner_is_left_alone
                a_statement_that_is_safe_to_repeat_is_repeated
                a_long_statement_keeps_its_lease
            }
            Runs race {
                sixteen_runners_apply_each_migration_once
                runners_take_turns_without_a_transaction
                a_waiter_is_told_who_holds_the_lock
                a_runner_that_was_overtaken_plans_again
                a_writer_of_the_application_is_waited_for
                its_futures_can_move_between_threads
            }
        }
    };
}

__cases! { [list] }

#[cfg(test)]
mod tests;
