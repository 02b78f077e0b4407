#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn a_name_that_is_taken_is_left_to_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("app.db");
    let taken = folder.path().join("app.db.M.at-1.backup");
    fs::write(&taken, "old").unwrap();
    let partial = Partial::create(&database, "M").unwrap();
    fs::write(&partial.path, "new").unwrap();
    fs::write(&database, "").unwrap();
    let published = partial.publish(&database, "M", Some(&"1".parse().unwrap())).unwrap();
    assert_eq!(published, folder.path().join("app.db.M.at-1-2.backup"));
    assert_eq!((fs::read(&taken).unwrap(), fs::read(&published).unwrap()), (b"old".to_vec(), b"new".to_vec()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "the partial name is gone");
}

#[test]
fn a_copy_without_a_name_goes_with_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("app.db");
    let (first, second) = (Partial::create(&database, "M").unwrap(), Partial::create(&database, "M").unwrap());
    assert_ne!(first.path, second.path);
    assert!(first.path.to_str().unwrap().ends_with(".partial"));
    drop((first, second));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_not_there_is_no_unreachable_database() {
    let folder = tempfile::tempdir().unwrap();
    let error = Partial::create(&folder.path().join("nowhere/app.db"), "M").err().unwrap();
    assert_eq!(error.kind(), BackendErrorKind::Statement);
    assert!(error.hint().unwrap().contains("or migrate without one"), "{error}");
}
