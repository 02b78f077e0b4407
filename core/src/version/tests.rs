#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

#[test]
fn orders_numerically_and_prints_as_written() {
    let mut list = ["10", "9", "0010.1", "1.10", "1.9", "20261122160000", "0000", "1.0.1"].map(version);
    list.sort();
    let printed: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(printed, ["0000", "1.0.1", "1.9", "1.10", "9", "10", "0010.1", "20261122160000"]);
}

#[test]
fn texts_of_every_length_stay_as_they_are_in_the_same_room() {
    for length in 1..=MAX_VERSION_LENGTH {
        let text = "7".repeat(length);
        assert_eq!(version(&text).as_str(), text);
    }
    assert_eq!(size_of::<Version>(), 3 * size_of::<usize>());
    assert_eq!(size_of::<crate::MigrationKey>(), size_of::<Version>());
}

#[test]
fn zeros_that_say_nothing_do_not_count() {
    for (left, right) in
        [("1", "0001"), ("1.0", "1"), ("0", "0000"), ("0.0", "0"), ("10", "10.0.0"), ("1.20", "01.020.0")]
    {
        assert_eq!(version(left), version(right), "{left} and {right}");
        assert_eq!(version(left).canonical(), version(right).canonical());
    }
    for (left, right) in [("1", "10"), ("10", "100"), ("1.2", "1.20"), ("0.1", "1")] {
        assert_ne!(version(left), version(right), "{left} and {right}");
    }
}

#[test]
fn refuses_what_is_no_version() {
    for text in ["", ".", "1.", ".1", "1..2", "a", "1a", "-1", "1 ", "١"] {
        assert!(text.parse::<Version>().is_err(), "{text:?}");
    }
    assert!("1".repeat(MAX_VERSION_LENGTH).parse::<Version>().is_ok());
    assert!("1".repeat(MAX_VERSION_LENGTH + 1).parse::<Version>().is_err());
}

proptest! {
    #[test]
    fn agrees_with_numbers(a in prop::collection::vec(0u64..300, 1..4), b in prop::collection::vec(0u64..300, 1..4), pad in 0usize..4) {
        let write = |n: &[u64], pad: usize| n.iter().map(|n| format!("{n:0pad$}")).collect::<Vec<_>>().join(".");
        let strip = |n: &[u64]| { let mut n = n.to_vec(); while n.len() > 1 && n.last() == Some(&0) { n.pop(); } n };
        let (va, vb) = (version(&write(&a, pad)), version(&write(&b, 0)));
        prop_assert_eq!(va.cmp(&vb), strip(&a).cmp(&strip(&b)));
        prop_assert_eq!(va == vb, va.canonical() == vb.canonical());
        let set: HashSet<_> = [va.clone(), version(&va.canonical())].into();
        prop_assert_eq!(set.len(), 1);
    }
}
