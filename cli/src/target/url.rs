//! Paths in the URLs of SQLite files.

use std::path::{Path, PathBuf};

/// The URL with its path relative to `folder`, where it names a SQLite file by a relative path; `~/` is `home`.
/// Every other URL as it is.
pub(super) fn relative_to(url: &str, folder: &Path, home: Option<&Path>) -> String {
    let Some((scheme, path, query)) = local_file(url) else { return url.to_owned() };
    let base = match (path.strip_prefix("~/"), home) {
        (Some(_), Some(home)) => home,
        _ => folder,
    };
    let rest = if base == folder { path } else { path.trim_start_matches("~/") };
    match base.to_str() {
        Some(base) if !is_absolute(path) && !base.is_empty() => {
            format!("{scheme}:{}/{rest}{query}", percent_encode(base.trim_end_matches('/')))
        }
        _ => url.to_owned(),
    }
}

/// Both URLs name the same database: they are equal, or they name the same file.
pub(super) fn same_database(a: &str, b: &str) -> bool {
    let file = |url: &str| local_file(url).map(|(_, path, _)| whole(Path::new(path)));
    a == b || matches!((file(a), file(b)), (Some(a), Some(b)) if a == b)
}

/// Scheme, path and query of a URL of a SQLite file.
fn local_file(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once(':')?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(end);
    let path = path.strip_prefix("//").unwrap_or(path);
    let named = matches!(scheme, "sqlite" | "file") && !path.is_empty() && path != ":memory:";
    (named && !query.contains("mode=memory") && !path.starts_with("localhost/")).then_some((scheme, path, query))
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || Path::new(path).is_absolute()
}

/// The path in full, through links as far as it is there.
fn whole(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.canonicalize(), absolute.parent(), absolute.file_name()) {
        (Ok(whole), ..) => whole,
        (Err(_), Some(folder), Some(name)) => folder.canonicalize().unwrap_or_else(|_| folder.to_owned()).join(name),
        _ => absolute,
    }
}

/// What would end the path or stand for another character, written as `%` and two digits.
fn percent_encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '%' => encoded.push_str("%25"),
            '?' => encoded.push_str("%3F"),
            '#' => encoded.push_str("%23"),
            c => encoded.push(c),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_files_are_relative_to_the_folder() {
        let home = Path::new("/home/ada");
        for (url, folder, expected) in [
            ("sqlite:app.db", "", "sqlite:app.db"),
            ("sqlite:app.db", "..", "sqlite:../app.db"),
            ("file:data/app.db?mode=ro", "/srv/a b", "file:/srv/a b/data/app.db?mode=ro"),
            ("sqlite:app.db", "/odd/100%?#", "sqlite:/odd/100%25%3F%23/app.db"),
            ("sqlite:/var/app.db", "/srv", "sqlite:/var/app.db"),
            ("sqlite:///var/app.db", "/srv", "sqlite:///var/app.db"),
            ("sqlite:~/app.db", "/srv", "sqlite:/home/ada/app.db"),
            ("sqlite::memory:", "/srv", "sqlite::memory:"),
            ("sqlite:x?mode=memory", "/srv", "sqlite:x?mode=memory"),
            ("postgres://localhost/app", "/srv", "postgres://localhost/app"),
            ("libsql://host", "/srv", "libsql://host"),
        ] {
            assert_eq!(relative_to(url, Path::new(folder), Some(home)), expected, "{url} in {folder}");
        }
    }

    #[test]
    fn the_same_file_is_the_same_database() {
        assert!(same_database("sqlite:app.db", "file:./app.db"));
        assert!(same_database("postgres://h/a", "postgres://h/a"));
        assert!(!same_database("sqlite:app.db", "sqlite:other.db"));
        assert!(!same_database("postgres://h/a", "postgres://h/b"));
        assert!(!same_database("sqlite::memory:", "sqlite:memory"));
    }
}
