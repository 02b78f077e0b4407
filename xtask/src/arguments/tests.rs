use super::{TestOptions, Verb, parse};

fn parsed(line: &str) -> Result<Verb, String> {
    parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

fn test(majors: &[u32]) -> TestOptions {
    TestOptions { majors: majors.to_vec(), checks: true, ..TestOptions::default() }
}

#[test]
fn nothing_said_means_both_usual_versions() {
    assert_eq!(parsed("test"), Ok(Verb::Test(test(&[15, 17]))));
}

#[test]
fn a_long_run_has_all_versions_but_a_named_one_wins() {
    assert_eq!(parsed("test --long"), Ok(Verb::Test(TestOptions { long: true, ..test(&[15, 13, 17, 18]) })));
    let named = TestOptions { long: true, ..test(&[17]) };
    assert_eq!(parsed("test --postgres 17 --long --postgres 17"), Ok(Verb::Test(named)));
    assert_eq!(parsed("test --postgres=13 --postgres 18"), Ok(Verb::Test(test(&[13, 18]))));
}

#[test]
fn a_long_part_runs_alone() {
    let one = TestOptions { long: true, parts: vec!["fuzz".to_owned()], checks: false, ..test(&[15]) };
    assert_eq!(parsed("test --part fuzz"), Ok(Verb::Test(one.clone())));
    let budget = TestOptions { budget: Some(30), majors: Vec::new(), ..one };
    assert_eq!(parsed("test --long --sqlite-only --part fuzz --budget 30"), Ok(Verb::Test(budget)));
    for line in
        ["test --part fizz", "test --part", "test --budget 30", "test --long --budget soon", "test --long --budget 0"]
    {
        assert!(parsed(line).is_err(), "{line}");
    }
}

#[test]
fn filters_are_handed_on_as_they_are() {
    let filters = vec!["--long".to_owned(), "--help".to_owned(), "a::b".to_owned()];
    let expected = TestOptions { filters, ..test(&[]) };
    assert_eq!(parsed("test --sqlite-only -- --long --help a::b"), Ok(Verb::Test(expected)));
}

#[test]
fn what_is_not_understood_is_refused() {
    let lines =
        ["test 15", "test --postgres", "test --postgres 12", "tset", "check now", "test --sqlite-only --postgres 15"];
    for line in lines {
        assert!(parsed(line).is_err(), "{line}");
    }
}

#[test]
fn help_is_there_for_every_verb() {
    for line in ["", "--help", "help", "test --help", "bench -h"] {
        assert_eq!(parsed(line), Ok(Verb::Help), "{line}");
    }
}

#[test]
fn the_benchmark_gets_its_own_arguments() {
    let rest = vec!["--peers".to_owned()];
    assert_eq!(parsed("bench --postgres 15 --peers"), Ok(Verb::Bench { major: 15, rest: rest.clone() }));
    assert_eq!(parsed("bench --peers"), Ok(Verb::Bench { major: 17, rest }));
}
