use std::collections::HashSet;

use super::cases;

#[test]
fn every_case_has_a_name_of_its_own() {
    let names: Vec<String> = cases().iter().map(|case| format!("{case:?}")).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    assert!(names.len() > 100, "the kit has {} cases", names.len());
}

/// The macro and the list hold the same names, because every module declares its cases in one way.
#[test]
fn the_macro_lists_every_case() {
    let source = include_str!("../cases.rs");
    for case in cases() {
        let needle = format!("            {}\n", case.name);
        assert!(source.contains(&needle), "`{case:?}` is missing in conformance_tests!");
    }
}
