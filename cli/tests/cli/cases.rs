//! One test for each case file; one that is forgotten here is an error.

macro_rules! cases {
    ($($name:ident)*) => {
        $(#[test] fn $name() { crate::case::run(stringify!($name)); })*

        #[test]
        fn every_case_is_run() {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/cases");
            let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<String> = names.map(|name| name.into_string().unwrap().replace(".txt", "")).collect();
            names.sort_unstable();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

cases! {
    adopt
    ahead
    all_at_once
    arguments
    backup
    baseline
    config_errors
    databases
    diff_of_other_tools
    dry_run
    errors_with_caret
    failure_json
    first_run
    generate
    hostile
    init_and_new
    namespace
    out_of_order
    part_way
    precedence
    quiet_and_verbose
    refusals
    schema_commands
    secrets
    seeds_that_fail
    shared
    status_json
    to_and_seeds
    transaction_all
    unreachable
}
