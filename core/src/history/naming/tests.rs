#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use super::*;

fn id(namespace: &str, key: &str) -> MigrationId {
    MigrationId { namespace: namespace.into(), key: key.parse().unwrap() }
}

#[test]
fn each_word_stands_once() {
    for (namespace, key, name, called, arguments) in [
        ("main", "0001", "add_boards", "0001 add_boards", "0001"),
        ("main", "seed seed", "seed", "seed seed", "seed seed"),
        ("main", "repeatable views", "views", "repeatable views", "repeatable views"),
        ("library", "1.4", "a", "library:1.4 a", "1.4 --namespace library"),
        ("library", "seed boards", "boards", "library:seed boards", "seed boards --namespace library"),
        ("it's", "seed a b", "a b", "it's:seed a b", "seed 'a b' --namespace 'it'\\''s'"),
    ] {
        let id = id(namespace, key);
        assert_eq!((id.called(name).as_str(), id.arguments().as_str()), (called, arguments));
    }
}

#[test]
fn what_is_no_version_and_no_name_is_refused() {
    for text in ["", "seed", "seeds boards", "views", "0001 add_boards"] {
        assert!(text.parse::<MigrationKey>().is_err(), "{text}");
    }
    assert_eq!("0007".parse::<MigrationKey>().unwrap(), "7".parse().unwrap());
}
