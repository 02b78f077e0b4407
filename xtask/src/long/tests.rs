use std::collections::BTreeSet;
use std::fs;

use super::{Count, PARTS, counted};
use crate::root;

#[test]
fn a_count_is_found_in_what_a_test_prints() {
    let count = |done, of, unit: &str| Some(Count { done, of, unit: unit.to_owned() });
    assert_eq!(counted("long part: 37 of 50 kills\n"), count(37, Some(50), "kills"));
    assert_eq!(counted("test fuzz ... long part: 81200 rounds"), count(81_200, None, "rounds"));
    for line in ["37 of 50 kills", "long part: many", "long part: some of 50 kills", "long part: 3 of all kills"] {
        assert_eq!(counted(line), None, "{line}");
    }
}

#[test]
fn less_than_all_is_told() {
    assert!(counted("long part: 50 of 50 kills").is_some_and(|count| count.is_all()));
    assert!(counted("long part: 49 of 50 kills").is_some_and(|count| !count.is_all()));
    assert!(counted("long part: 0 rounds").is_some_and(|count| count.is_all()));
}

#[test]
fn parts_have_names_and_tests_of_their_own() {
    let names: BTreeSet<_> = PARTS.iter().map(|part| part.name).collect();
    let tests: BTreeSet<_> = PARTS.iter().map(|part| part.test).collect();
    assert_eq!((names.len(), tests.len()), (PARTS.len(), PARTS.len()));
}

#[test]
fn the_test_of_a_part_is_there_and_tells_a_count() {
    for part in PARTS {
        let path: Vec<&str> = part.test.split("::").collect();
        let name = path.last().copied().unwrap_or_default();
        let folder = root().join(if part.binary == "suite" { "tests/tests/suite" } else { "core/tests/core" });
        // A module of its own, or one below it.
        let files = (1..path.len()).map(|depth| folder.join(path[..depth].join("/")).with_extension("rs"));
        let text: String = files.filter_map(|file| fs::read_to_string(file).ok()).collect();
        assert!(text.contains(&format!("fn {name}(")) && text.contains(".tell"), "{}: {}", part.name, part.test);
    }
}
