#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it fails")]

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::directive::Directives;

const NAMESPACE: &str = "main";

fn id(key: MigrationKey) -> MigrationId {
    MigrationId { namespace: Arc::from(NAMESPACE), key }
}

fn version(n: u32) -> MigrationKey {
    MigrationKey::Version(format!("{n:04}").parse().unwrap())
}

fn migration(key: MigrationKey, text: &str) -> Migration {
    let file = format!("{key:?}.sql");
    let (directives, problems) = Directives::read(&file, text);
    assert_eq!(problems, []);
    Migration::from_text(id(key), "m", file.into(), text.to_owned().into(), directives)
}

fn tokens(text: &str) -> Checksum {
    Checksum::from_digest(crate::split::token_hash(crate::split::Lexer::Sqlite, text))
}

fn row(key: MigrationKey, text: &str, state: RowState) -> HistoryRow {
    HistoryRow {
        id: id(key),
        name: "m".into(),
        checksum: Checksum::of_text(text),
        token_checksum: Some(tokens(text)),
        state,
        statements_done: 0,
        statements_total: 3,
        prefix_checksum: None,
        fence: 7,
        lease_left: None,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        origin: "applied".into(),
        tool_version: "".into(),
        run_by: "ann".into(),
        error: None,
    }
}

/// What the migrator gives as facts: from the text of the migration.
fn facts_of(migration: &Migration, row: &HistoryRow) -> Facts {
    let text = migration.text().unwrap();
    let statements = crate::split::split(crate::split::Lexer::Sqlite, &text).unwrap();
    let done = usize::try_from(row.statements_done).unwrap();
    let dialect = &crate::Dialect::SQLITE;
    Facts {
        token_checksum: tokens(&text),
        prefix_checksum: statements
            .get(..done)
            .filter(|s| !s.is_empty())
            .map(|s| crate::execute::prefix_checksum(dialect, s)),
        next: statements.get(done).map(|next| NextStatement {
            number: row.statements_done + 1,
            line: next.span.start.line,
            text: next.text.to_owned(),
            safe_to_repeat: next.safe_to_repeat(dialect.lexer),
        }),
    }
}

fn planned(migrations: &[Migration], history: &[HistoryRow], policy: &Policy) -> Result<Plan, PlanError> {
    let assessment = assess(&[NAMESPACE], migrations, history);
    let wanted: Vec<(usize, usize)> = assessment.wants_facts().collect();
    let facts = |index| {
        let row = wanted.iter().find(|(migration, _)| *migration == index)?.1;
        Some(facts_of(&migrations[index], &history[row]))
    };
    plan(migrations, history, &assessment, &facts, policy)
}

/// The state of each, in order.
fn states(migrations: &[Migration], history: &[HistoryRow]) -> Vec<MigrationState> {
    assess(&[NAMESPACE], migrations, history).entries.iter().map(|entry| entry.state).collect()
}

fn only_refusal(migrations: &[Migration], history: &[HistoryRow]) -> Refusal {
    let error = planned(migrations, history, &Policy::default()).unwrap_err();
    assert_eq!(error.refusals().len(), 1, "{error}");
    assert!(!error.refusals()[0].hint().is_empty());
    error.refusals()[0].clone()
}

fn prefix(text: &str, done: usize) -> Option<Checksum> {
    let statements = crate::split::split(crate::split::Lexer::Sqlite, text).unwrap();
    Some(crate::execute::prefix_checksum(&crate::Dialect::SQLITE, &statements[..done]))
}

#[test]
fn nothing_is_planned_where_everything_is_applied() {
    let migrations = [migration(version(1), "select 1"), migration(version(2), "select 2")];
    let mut history = [row(version(2), "select 2", RowState::Applied), row(version(1), "select 1", RowState::Applied)];
    assert_eq!(planned(&migrations, &history, &Policy::default()).unwrap(), Plan::default());
    history[0].origin = "baseline".into();
    history[1].origin = "adopted:drizzle".into();
    assert_eq!(states(&migrations, &history), [MigrationState::Adopted, MigrationState::Baseline]);
    assert_eq!(planned(&migrations, &history, &Policy::default()).unwrap(), Plan::default());
}

#[test]
fn an_edit_is_refused_unless_it_is_of_comments_or_accepted() {
    let history = [row(version(1), "select 1", RowState::Applied)];
    let edited = [migration(version(1), "select 2")];
    assert!(matches!(only_refusal(&edited, &history), Refusal::Edited { .. }));
    let commented = [migration(version(1), "select 1 -- one")];
    let plan = planned(&commented, &history, &Policy::default()).unwrap();
    assert_eq!(plan.notes, [Note::CommentOnlyEdit(id(version(1)))]);
    let accepting = format!("-- whimbrel: accept-checksum {}\nselect 2", Checksum::of_text("select 1"));
    assert_eq!(states(&[migration(version(1), &accepting)], &history), [MigrationState::Applied]);
    let mut unknown = history.clone();
    unknown[0].checksum = Checksum::parse("v9:blake3:00");
    let plan = planned(&edited, &unknown, &Policy::default()).unwrap();
    assert_eq!((plan.steps.len(), plan.notes), (0, vec![Note::Unverifiable(id(version(1)))]));
}

#[test]
fn a_checkpoint_stands_for_what_was_folded_into_it() {
    use MigrationState::{Applied, Missing, OutOfOrder, Pending};
    let old = |n: u32| row(version(n), &format!("select {n}"), RowState::Applied);
    let text = format!(
        "-- whimbrel: checkpoint 0000 0001\n-- whimbrel: accept-checksum {}\nselect 'all'",
        Checksum::of_text("select 2")
    );
    let migrations = [migration(version(2), &text), migration(version(3), "select 3")];
    // Fresh: it runs.
    assert_eq!(states(&migrations, &[]), [Pending, Pending]);
    assert_eq!(planned(&migrations, &[], &Policy::default()).unwrap().steps.len(), 2);
    // It ran: nothing is missing.
    let ran = [row(version(2), &text, RowState::Applied)];
    assert_eq!(planned(&migrations, &ran, &Policy::default()).unwrap().steps.len(), 1);
    // All of the folded ones ran: they count as applied, and the run goes on.
    let history = [old(0), old(1), old(2)];
    assert_eq!(states(&migrations, &history), [Applied, Applied, Applied, Pending]);
    let plan = planned(&migrations, &history, &Policy::default()).unwrap();
    assert_eq!((plan.steps.len(), plan.steps[0].migration), (1, 1));
    // Rows that an earlier checkpoint folded stay what they are.
    let older = [row(version(1), "other", RowState::Applied), old(2), old(0)];
    assert_eq!(states(&migrations, &older)[..2], [Applied, Applied]);
    // Some of them ran, or the last without one before it: finish with the older release.
    for (history, done) in [(vec![old(0)], 1), (vec![old(0), old(1)], 2), (vec![old(1), old(2)], 1)] {
        let error = planned(&migrations, &history, &Policy::default()).unwrap_err();
        let [Refusal::InsideCheckpoint { done: told, of: 3, .. }] = error.refusals() else { panic!("{error}") };
        assert_eq!(*told, done);
        assert!(error.to_string().contains("run the release before"), "{error}");
    }
    // The last one failed, or its text was another one.
    let failed = [old(0), old(1), row(version(2), "select 2", RowState::Failed)];
    assert!(planned(&migrations, &failed, &Policy::default()).is_err());
    let edited = [old(0), old(1), row(version(2), "select 'other'", RowState::Applied)];
    let error = planned(&migrations, &edited, &Policy::default()).unwrap_err();
    assert!(matches!(error.refusals(), [Refusal::Edited { .. }]), "{error}");
    // Other namespaces have nothing to do with it, and neither has what is newer.
    let newer = [old(0), old(1), old(2), row(version(5), "x", RowState::Applied)];
    assert_eq!(states(&migrations, &newer)[3], OutOfOrder);
    assert_eq!(states(&[migration(version(3), "select 3")], &[old(0)]), [Missing, Pending]);
}

#[test]
fn what_has_no_file_is_missing_unknown_or_gone() {
    let migrations = [migration(version(2), "select 2")];
    let history: Vec<HistoryRow> = [version(1), version(2), version(3), MigrationKey::Repeatable("views".into())]
        .map(|key| row(key, "select 2", RowState::Applied))
        .into();
    use MigrationState::{Applied, Gone, Missing, Unknown};
    assert_eq!(states(&migrations, &history), [Missing, Applied, Unknown, Gone]);
    let error = planned(&migrations, &history, &Policy::default()).unwrap_err();
    assert_eq!(error.refusals(), [Refusal::Missing(id(version(1))), Refusal::DatabaseAhead(id(version(3)))]);
    assert_eq!(error.notes(), [Note::RepeatableGone(id(MigrationKey::Repeatable("views".into())))]);
    let allowed = Policy { database_ahead: DatabaseAhead::Allow, ..Policy::default() };
    let plan = planned(&migrations, &history[1..], &allowed).unwrap();
    assert_eq!(plan.notes[0], Note::DatabaseAhead(id(version(3))));
}

#[test]
fn late_is_what_is_older_than_something_begun() {
    let migrations = [migration(version(1), "select 1"), migration(version(2), "a; b; c")];
    let mut newer = row(version(2), "a; b; c", RowState::Applied);
    assert_eq!(only_refusal(&migrations, std::slice::from_ref(&newer)), Refusal::OutOfOrder(id(version(1))));
    let allowed = Policy { out_of_order: OutOfOrder::Allow, ..Policy::default() };
    let plan = planned(&migrations, std::slice::from_ref(&newer), &allowed).unwrap();
    assert_eq!(plan.notes, [Note::AppliedOutOfOrder(id(version(1)))]);
    newer.state = RowState::Failed;
    assert_eq!(planned(&migrations, std::slice::from_ref(&newer), &Policy::default()).unwrap().steps.len(), 2);
    (newer.statements_done, newer.prefix_checksum) = (1, prefix("a; b; c", 1));
    assert_eq!(only_refusal(&migrations, &[newer]), Refusal::OutOfOrder(id(version(1))));
}

#[test]
fn a_target_leaves_the_rest_and_must_be_there() {
    let keys = [version(1), version(2), MigrationKey::Repeatable("v".into()), MigrationKey::Seed("s".into())];
    let migrations = keys.map(|key| {
        migration(key.clone(), if key == MigrationKey::Repeatable("v".into()) { "-- whimbrel: repeatable" } else { "" })
    });
    let to = |target: &str| Policy { target: Some(target.parse().unwrap()), ..Policy::default() };
    assert_eq!(planned(&migrations, &[], &to("1")).unwrap().steps.len(), 1);
    assert_eq!(planned(&migrations, &[], &to("2.0")).unwrap().steps.len(), 2);
    assert_eq!(planned(&migrations, &[], &Policy::default()).unwrap().steps.len(), 4);
    let no_seeds = Policy { skip_seeds: true, ..Policy::default() };
    assert_eq!(planned(&migrations, &[], &no_seeds).unwrap().steps.len(), 3);
    let error = planned(&migrations, &[], &to("3")).unwrap_err();
    assert_eq!(error.refusals(), [Refusal::UnknownTarget("3".parse().unwrap())]);
}

#[test]
fn a_changed_repeatable_or_seed_runs_again() {
    for key in [MigrationKey::Repeatable("v".into()), MigrationKey::Seed("s".into())] {
        let migrations = [migration(key.clone(), "select 2")];
        let plan =
            planned(&migrations, &[row(key.clone(), "select 1", RowState::Applied)], &Policy::default()).unwrap();
        assert_eq!(plan.steps, [Step { migration: 0, mode: ClaimMode::Rerun { fence: 7 }, resume_from: 0 }]);
        let same = planned(&migrations, &[row(key, "select 2", RowState::Applied)], &Policy::default()).unwrap();
        assert_eq!(same.steps, []);
    }
}

const TEXT: &str = "create table if not exists t (a);\ninsert into t values (1);\ninsert into t values (2)";

fn stopped(state: RowState, done: u32) -> HistoryRow {
    let done_before = usize::try_from(done).unwrap();
    let prefix_checksum = prefix(TEXT, done_before).filter(|_| done > 0);
    HistoryRow { statements_done: done, prefix_checksum, ..row(version(1), TEXT, state) }
}

#[test]
fn a_failed_migration_goes_on_where_it_stopped() {
    let migrations = [migration(version(1), TEXT)];
    for done in 0..3 {
        let plan = planned(&migrations, &[stopped(RowState::Failed, done)], &Policy::default()).unwrap();
        assert_eq!(plan.steps, [Step { migration: 0, mode: ClaimMode::Takeover { fence: 7 }, resume_from: done }]);
    }
    // What stands behind the statements that are done may be corrected.
    let corrected = [migration(version(1), "create table if not exists t (a); insert into t values (3)")];
    let plan = planned(&corrected, &[stopped(RowState::Failed, 1)], &Policy::default()).unwrap();
    assert_eq!(plan.steps[0].resume_from, 1);
    let shrunk = only_refusal(&corrected, &[stopped(RowState::Failed, 2)]);
    assert!(matches!(shrunk, Refusal::PrefixEdited { done: 2, .. }), "{shrunk:?}");
    let gone = only_refusal(&[migration(version(1), "")], &[stopped(RowState::Failed, 1)]);
    assert!(gone.needs_a_person());
}

#[test]
fn an_interrupted_migration_goes_on_only_where_that_is_provably_safe() {
    let migrations = [migration(version(1), TEXT)];
    let repeatable = planned(&migrations, &[stopped(RowState::Running, 0)], &Policy::default()).unwrap();
    assert_eq!(repeatable.steps[0].resume_from, 0);
    let refusal = only_refusal(&migrations, &[stopped(RowState::Running, 1)]);
    let Refusal::Interrupted { next, total: 3, .. } = &refusal else { unreachable!("{refusal:?}") };
    assert_eq!((next.number, next.line, &*next.text), (2, 2, "insert into t values (1)"));
    // An edited file no longer tells which statement was under way.
    let edited = TEXT.replace("insert into t values (1)", "create table if not exists u (a)");
    let refusal = only_refusal(&[migration(version(1), &edited)], &[stopped(RowState::Running, 1)]);
    assert!(matches!(refusal, Refusal::InterruptedAndEdited { done: 1, total: 3, .. }), "{refusal:?}");
    let commented = [migration(version(1), &format!("-- note\n{TEXT}"))];
    assert_eq!(planned(&commented, &[stopped(RowState::Running, 0)], &Policy::default()).unwrap().steps.len(), 1);
}

#[test]
fn a_runner_at_work_is_waited_for() {
    let lease_left = Some(Duration::from_secs(3));
    let running = HistoryRow { lease_left, ..stopped(RowState::Running, 1) };
    let migrations = [migration(version(1), TEXT), migration(version(2), "")];
    let error = planned(&migrations, std::slice::from_ref(&running), &Policy::default()).unwrap_err();
    assert!(error.is_only_running());
    let other = [running, row(version(9), "", RowState::Applied)];
    assert!(!planned(&migrations, &other, &Policy::default()).unwrap_err().is_only_running());
}

#[test]
fn namespaces_run_in_the_given_order_and_others_are_left_alone() {
    let in_namespace = |namespace: &str, n: u32| {
        let mut migration = migration(version(n), "select 1");
        migration.id.namespace = Arc::from(namespace);
        migration
    };
    let migrations = [in_namespace("a", 1), in_namespace("a", 2), in_namespace("z", 1)];
    let mut foreign = row(version(9), "", RowState::Running);
    foreign.id.namespace = Arc::from("other");
    let assessment = assess(&["z", "a"], &migrations, &[foreign]);
    let order: Vec<String> = assessment.entries.iter().map(|entry| entry.id.to_string()).collect();
    assert_eq!(order, ["z:1".replace('1', "0001"), "a:0001".to_owned(), "a:0002".to_owned()]);
}

/// What happened to one version, folder and history apart.
#[derive(Debug, Clone)]
struct Case {
    file: Option<u8>,
    row: Option<(u8, RowState, u32, bool, u8)>,
}

fn text_of(content: u8) -> String {
    format!("insert into t values ({content}); create table if not exists u (a); drop table t")
}

fn key_of(n: usize) -> MigrationKey {
    match n {
        0..8 => version(u32::try_from(n).unwrap()),
        8 => MigrationKey::Repeatable("views".into()),
        _ => MigrationKey::Seed("seed".into()),
    }
}

fn row_of(n: usize, row_case: (u8, RowState, u32, bool, u8)) -> HistoryRow {
    let (content, state, done, leased, odd) = row_case;
    let text = text_of(content);
    let mut made = row(key_of(n), &text, state);
    made.statements_done = if state == RowState::Applied { 3 } else { done };
    made.prefix_checksum =
        usize::try_from(done).ok().filter(|done| (1..=3).contains(done)).and_then(|d| prefix(&text, d));
    made.lease_left = (leased && state == RowState::Running).then_some(Duration::from_secs(1));
    match odd {
        0 => made.checksum = Checksum::parse("md5:what"),
        1 => made.token_checksum = None,
        2 => made.fence = i64::MAX,
        3 => made.prefix_checksum = Some(Checksum::parse("?")),
        _ => {}
    }
    made
}

fn build(cases: &[Case]) -> (Vec<Migration>, Vec<HistoryRow>) {
    let with_key = |n: usize, content: u8| migration(key_of(n), &text_of(content));
    let migrations = cases.iter().enumerate().filter_map(|(n, case)| Some(with_key(n, case.file?)));
    let history = cases.iter().enumerate().filter_map(|(n, case)| Some(row_of(n, case.row?)));
    (migrations.collect(), history.collect())
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let state = prop_oneof![4 => Just(RowState::Applied), 1 => Just(RowState::Failed), 1 => Just(RowState::Running)];
    let done = prop_oneof![4 => 0..4_u32, 1 => Just(u32::MAX)];
    let row = (0..2_u8, state, done, any::<bool>(), 0..40_u8);
    let case = (proptest::option::weighted(0.8, 0..2_u8), proptest::option::of(row));
    proptest::collection::vec(case.prop_map(|(file, row)| Case { file, row }), 10)
}

fn policies() -> impl Strategy<Value = Policy> {
    (proptest::option::weighted(0.3, 0..9_u32), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(target, late, ahead, skip_seeds)| Policy {
            target: target.map(|n| n.to_string().parse().unwrap()),
            out_of_order: if late { OutOfOrder::Allow } else { OutOfOrder::Refuse },
            database_ahead: if ahead { DatabaseAhead::Allow } else { DatabaseAhead::Refuse },
            skip_seeds,
        },
    )
}

/// The history as it is after a plan was carried out.
fn carried_out(plan: &Plan, migrations: &[Migration], history: &[HistoryRow]) -> Vec<HistoryRow> {
    let mut after = history.to_vec();
    for step in &plan.steps {
        let migration = &migrations[step.migration];
        let text = migration.text().unwrap();
        after.retain(|row| row.id != migration.id);
        let done = HistoryRow {
            statements_done: 3,
            fence: step.mode.fence_after(),
            ..row(migration.id.key.clone(), &text, RowState::Applied)
        };
        after.push(done);
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_plan_is_the_same_whatever_the_order_of_the_rows(cases in cases(), policy in policies(), turn in 0..10_usize) {
        let (migrations, history) = build(&cases);
        let mut turned = history.clone();
        turned.rotate_left(turn.min(history.len()));
        turned.reverse();
        prop_assert_eq!(planned(&migrations, &history, &policy), planned(&migrations, &turned, &policy));
    }

    #[test]
    fn a_plan_holds_what_it_must_and_leads_to_an_empty_one(cases in cases(), policy in policies()) {
        let (migrations, history) = build(&cases);
        let Ok(plan) = planned(&migrations, &history, &policy) else { return Ok(()) };
        let ids: Vec<&MigrationId> = plan.steps.iter().map(|step| &migrations[step.migration].id).collect();
        prop_assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "in order, and each once: {:?}", ids);
        for step in &plan.steps {
            let migration = &migrations[step.migration];
            let row = history.iter().find(|row| row.id == migration.id);
            let applied = row.is_some_and(|row| row.state == RowState::Applied && row.checksum == migration.checksum);
            prop_assert!(!applied, "{} is applied", migration.id);
            prop_assert_eq!(row.is_none(), step.mode == ClaimMode::New);
            prop_assert!(row.is_none_or(|row| row.lease_left.is_none()), "someone is at work on {}", migration.id);
            match (&migration.id.key, &policy.target) {
                (MigrationKey::Version(version), Some(target)) => prop_assert!(version <= target),
                (MigrationKey::Version(_), None) => {}
                (MigrationKey::Seed(_), None) => prop_assert!(!policy.skip_seeds),
                (_, target) => prop_assert!(target.is_none()),
            }
        }
        let after = carried_out(&plan, &migrations, &history);
        let again = planned(&migrations, &after, &policy).map(|plan| plan.steps);
        prop_assert_eq!(again, Ok(Vec::new()));
    }

    #[test]
    fn every_reason_is_given_and_no_other(cases in cases(), policy in policies()) {
        let (migrations, history) = build(&cases);
        let file = |n: usize| migrations.iter().find(|m| m.id.key == key_of(n));
        let begun = |row: &&HistoryRow| row.state != RowState::Failed || row.statements_done > 0;
        let newest_begun = history.iter().filter(begun).filter_map(|row| row.id.version()).max();
        let newest_file = migrations.iter().filter_map(|m| m.id.version()).max();
        let mut expected = BTreeSet::new();
        if policy.target.as_ref().is_some_and(|target| !migrations.iter().any(|m| m.id.version() == Some(target))) {
            expected.insert("target".to_owned());
        }
        for (n, case) in cases.iter().enumerate() {
            let key = key_of(n);
            let row = history.iter().find(|row| row.id.key == key);
            let versioned = n < 8;
            let wanted = match &key {
                MigrationKey::Version(version) => policy.target.as_ref().is_none_or(|target| version <= target),
                MigrationKey::Repeatable(_) => policy.target.is_none(),
                MigrationKey::Seed(_) => policy.target.is_none() && !policy.skip_seeds,
            };
            let reason = match (file(n), row) {
                (None, None) => None,
                (Some(m), None) => (wanted && policy.out_of_order == OutOfOrder::Refuse && m.id.version().is_some_and(|v| newest_begun.is_some_and(|b| v < b))).then_some("late"),
                (None, Some(row)) if versioned && newest_file.is_some_and(|newest| row.id.version() <= Some(newest)) => Some("missing"),
                (None, Some(_)) => (versioned && policy.database_ahead == DatabaseAhead::Refuse).then_some("ahead"),
                (Some(m), Some(row)) => match row.state {
                    RowState::Applied => (versioned && row.checksum.is_known() && case.file != case.row.map(|r| r.0) && row.checksum != m.checksum).then_some("edited"),
                    RowState::Running if row.lease_left.is_some() => Some("running"),
                    RowState::Failed | RowState::Running if !wanted => None,
                    _ => {
                        let facts = facts_of(m, row);
                        let moved = row.statements_done > 0 && facts.prefix_checksum != row.prefix_checksum;
                        let interrupted = row.state == RowState::Running;
                        let unsafe_next = facts.next.is_some_and(|next| !next.safe_to_repeat);
                        let edited = row.token_checksum != Some(facts.token_checksum);
                        if moved { Some("prefix") } else { (interrupted && (edited || unsafe_next)).then_some("interrupted") }
                    }
                },
            };
            expected.extend(reason.map(|reason| format!("{reason} {}", id(key))));
        }
        let error = planned(&migrations, &history, &policy).err();
        let word = |refusal: &Refusal| match refusal {
            Refusal::UnknownTarget(_) => "target".to_owned(),
            Refusal::OutOfOrder(id) => format!("late {id}"),
            Refusal::Edited { id, .. } => format!("edited {id}"),
            Refusal::Missing(id) => format!("missing {id}"),
            Refusal::InsideCheckpoint { id, .. } => format!("inside {id}"),
            Refusal::DatabaseAhead(id) => format!("ahead {id}"),
            Refusal::Running { id, .. } => format!("running {id}"),
            Refusal::Interrupted { id, .. } | Refusal::InterruptedAndEdited { id, .. } => format!("interrupted {id}"),
            Refusal::PrefixEdited { id, .. } => format!("prefix {id}"),
            Refusal::Untracked(_) | Refusal::Tracked { .. } => "no matter of planning".to_owned(),
            Refusal::OtherHistory { .. } => "other history".to_owned(),
        };
        let given: Vec<String> = error.iter().flat_map(PlanError::refusals).map(word).collect();
        prop_assert_eq!(given.len(), expected.len(), "each once");
        prop_assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
