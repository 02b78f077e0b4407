use super::Tally;

#[test]
fn closing_lines_are_summed_and_others_are_not() {
    let mut tally = Tally::default();
    tally.read("test result: ok. 9 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 7.19s\n");
    tally.read("noise test result: FAILED. 8 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s");
    tally.read("test says::five_passed ... ok");
    tally.read("5 passed; 6 failed");
    assert_eq!(tally, Tally { passed: 17, failed: 3, skipped: 3 });
    assert_eq!(tally.to_string(), "17 passed, 3 failed, 3 skipped");
}
