use std::collections::HashSet;

use super::cases;

#[test]
fn every_case_has_a_name_of_its_own() {
    let names: Vec<String> = cases().iter().map(|case| format!("{case:?}")).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    assert!(names.len() > 100, "the kit has {} cases", names.len());
}

#[test]
fn a_group_is_about_one_thing() {
    let groups: HashSet<_> = cases().iter().map(|case| case.group).collect();
    let kinds: HashSet<_> = cases().iter().map(|case| (case.group, case.about as u8)).collect();
    assert_eq!(groups.len(), kinds.len());
}
