use super::{Rule, inherits_lints, names, permits_unsafe, violation};

const RULE: Rule =
    Rule { subject: "it", arguments: &["--package", "it"], present: &["good"], absent: &["bad", "worse"] };

#[test]
fn a_rule_sees_what_must_not_be_there() {
    let listing = "it v0.1.0 (/somewhere/it)\ngood v1.0.0\nbadge v1.0.0 (*)\n\nworse v2.0.0 (proc-macro)\n";
    let failure = violation(&RULE, &names(listing));
    assert!(failure.as_deref().is_some_and(|text| text.starts_with("it depends on worse\n")), "{failure:?}");
    assert_eq!(violation(&RULE, &names("it v0.1.0\ngood v1.0.0\nbadge v1.0.0\n")), None);
}

#[test]
fn a_rule_does_not_hold_for_an_empty_tree() {
    assert!(violation(&RULE, &names("it v0.1.0\n")).is_some_and(|text| text.contains("no longer depends on good")));
}

#[test]
fn only_an_attribute_permits_unsafe_code() {
    let level = "expect";
    assert!(permits_unsafe(&format!("#![{level}(unsafe_code, reason = \"x\")]")));
    assert!(permits_unsafe(&format!("#[{level}(\n    clippy::panic,\n    unsafe_code\n)]\nfn f() {{}}")));
    assert!(!permits_unsafe(&format!("// #[{level}(unsafe_code)]\nfn f() {{}}")));
    assert!(!permits_unsafe("#![deny(unsafe_code)]"));
    assert!(!permits_unsafe(&format!("#[{level}(clippy::panic)] let unsafe_code = 1;")));
}

#[test]
fn both_ways_to_take_the_lints_count() {
    assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
    assert!(inherits_lints("[package]\nlints.workspace = true\n"));
    assert!(!inherits_lints("[package]\nversion.workspace = true\n\n[lints.rust]\nunsafe_code = \"warn\"\n"));
}
