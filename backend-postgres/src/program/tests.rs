use std::time::Duration;

use whimbrel_core::backend::{Claim, ClaimMode, Fenced, Finish};
use whimbrel_core::{Checksum, MigrationId, MigrationKey};

use super::*;

fn id() -> MigrationId {
    MigrationId { namespace: "main".into(), key: MigrationKey::Seed("it's \\ here".into()) }
}

fn messages<'a>(steps: &'a [Step<'_>]) -> Vec<&'a Message> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Send(message) => Some(message),
            _ => None,
        })
        .collect()
}

fn operations(steps: &[Step<'_>]) -> Vec<Vec<usize>> {
    messages(steps).iter().map(|message| message.pieces.iter().map(|piece| piece.op).collect()).collect()
}

#[test]
fn a_transaction_is_one_message() {
    let id = id();
    let sum = Checksum::of_text("");
    let claim = Claim {
        id: &id,
        mode: ClaimMode::New,
        name: "n",
        checksum: &sum,
        token_checksum: &sum,
        statements_total: 1,
        statements_done: 0,
        lease: None,
        tool_version: "0",
        run_by: "me",
    };
    let finish = Finish { row: Fenced { id: &id, fence: 1 } };
    let timeout = Setting::LockTimeout(Duration::from_secs(5));
    let program = [
        Op::Begin,
        Op::Set(&timeout),
        Op::Claim(&claim),
        Op::Seal,
        Op::Statement("select 1 -- end"),
        Op::Unseal,
        Op::Finish(&finish),
        Op::Commit,
    ];
    let table = HistoryTable::default();
    let steps = plan(&program, Circle { open: false, shared: false }, &table);
    assert_eq!(operations(&steps), [vec![0, 1, 2, 3, 4, 5, 6, 7]]);
    let message = messages(&steps)[0];
    assert!(!message.alone);
    assert!(message.text.contains("select 1 -- end\n;\nrelease savepoint"), "{}", message.text);
    assert_eq!(message.pieces.iter().map(|piece| piece.completions).collect::<Vec<_>>(), [1, 1, 2, 1, 1, 1, 1, 1]);
    // The claim is the third and fourth completion.
    assert_eq!([0, 1, 2, 3, 4, 9, 99].map(|completions| message.piece_after(completions)), [0, 1, 2, 2, 3, 7, 7]);
}

#[test]
fn a_piece_of_a_transaction_goes_on_where_the_last_one_stopped() {
    let table = HistoryTable::default();
    assert_eq!(operations(&plan(&[Op::Begin, Op::Seal], Circle { open: false, shared: false }, &table)), [vec![0, 1]]);
    assert_eq!(
        operations(&plan(&[Op::Statement("a"), Op::Statement("b")], Circle { open: true, shared: false }, &table)),
        [vec![0, 1]]
    );
    let rest = [Op::Unseal, Op::Commit, Op::Statement("vacuum"), Op::Statement("c")];
    assert_eq!(operations(&plan(&rest, Circle { open: true, shared: false }, &table)), [vec![0, 1], vec![2], vec![3]]);
}

#[test]
fn a_change_of_how_strings_are_read_ends_its_message() {
    let table = HistoryTable::default();
    let text = "set local Standard_Conforming_Strings = off";
    let program = [Op::Begin, Op::Statement(text), Op::Statement(r"select 'a\'b'"), Op::Commit];
    assert_eq!(operations(&plan(&program, Circle { open: false, shared: false }, &table)), [vec![0, 1], vec![2, 3]]);
}

#[test]
fn operations_outside_a_transaction_go_alone() {
    let table = HistoryTable::default();
    let program = [Op::CreateHistory, Op::Statement("vacuum"), Op::Probe, Op::Rollback];
    let steps = plan(&program, Circle { open: false, shared: false }, &table);
    assert_eq!(operations(&steps), [vec![0], vec![1], vec![2], vec![3]]);
    assert_eq!(messages(&steps).iter().map(|message| message.alone).collect::<Vec<_>>(), [true, true, true, false]);
}

#[test]
fn counting_rows_and_what_is_impossible_cut_a_message() {
    let table = HistoryTable::default();
    let count = Measure::RowCounts(vec!["t".to_owned()]);
    let keys = Setting::ForeignKeys(false);
    let program = [Op::Begin, Op::Measure(&count), Op::Statement("a"), Op::Set(&keys), Op::Commit];
    let steps = plan(&program, Circle { open: false, shared: false }, &table);
    assert_eq!(operations(&steps), [vec![0], vec![2]]);
    assert!(matches!(&steps[1], Step::Count { op: 1, .. }));
    assert!(matches!(&steps[3], Step::Refuse { op: 3, error } if error.kind() == BackendErrorKind::Unsupported));
    assert_eq!(steps.len(), 4);
}

#[test]
fn a_position_belongs_to_a_statement_and_counts_characters() {
    let table = HistoryTable::default();
    let program = [Op::Begin, Op::Statement("select 'é🎉'"), Op::Statement("select ü, nope"), Op::Commit];
    let steps = plan(&program, Circle { open: false, shared: false }, &table);
    let message = messages(&steps)[0];
    let before = message.text.find("nope").map(|byte| message.text[..byte].chars().count()).unwrap_or_default();
    let position = |offset: usize| u32::try_from(before + 1 + offset).unwrap_or(u32::MAX);
    assert_eq!(message.locate(position(0)), Some((2, 11)));
    // At the end of a statement the server points at the separator behind it.
    assert_eq!(message.locate(position(4)), Some((2, 15)));
    assert_eq!(message.locate(position(5)), Some((2, 15)));
    assert_eq!(message.locate(1), Some((0, 1)));
    assert_eq!(message.locate(0), None);
    assert_eq!(message.locate(u32::MAX), Some((3, 7)));
    assert_eq!(message.piece_text(2), "select ü, nope");
}

#[test]
fn a_nul_in_a_statement_is_refused_at_its_place() {
    let table = HistoryTable::default();
    let steps = plan(&[Op::Begin, Op::Statement("sé\0x")], Circle { open: false, shared: false }, &table);
    assert!(matches!(&steps[1], Step::Refuse { op: 1, error } if error.position() == Some(3)));
}

#[test]
fn no_text_escapes_its_quotes() {
    let mut table = HistoryTable::default();
    table.set_schema("s\"; drop".to_owned());
    table.set_table("t'$$".to_owned());
    let id = id();
    let finish = Finish { row: Fenced { id: &id, fence: 7 } };
    let text = table.finish(&finish);
    assert!(text.contains("update \"s\"\"; drop\".\"t'$$\" set"), "{text}");
    assert!(text.contains(r"id =  E's:it''s \\ here' and fence = 7"), "{text}");
    let create = table.create();
    assert!(create.starts_with("do '") && create.contains("create schema if not exists \"s\"\"; drop\""), "{create}");
    assert!(create.contains("to_regclass(''\"s\"\"; drop\".\"t''''$$\"'')"), "{create}");
}

#[test]
fn the_locks_of_two_histories_and_purposes_differ_and_never_change() {
    let table = HistoryTable::default();
    let mut other = HistoryTable::default();
    other.set_table("other".to_owned());
    let keys = [table.run_key(), table.claim_key(), other.run_key(), other.claim_key()];
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key));
    }
    assert_eq!((table.run_key(), table.claim_key()), (RUN_KEY, CLAIM_KEY));
}

/// Releases of different age must exclude each other, so these stay.
const RUN_KEY: i64 = 3_155_054_938_820_613_552;
const CLAIM_KEY: i64 = 2_290_034_992_020_110_239;
