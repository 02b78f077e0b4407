//! The password file: `host:port:database:user:password`, a line for each, `*` for any.

use std::path::{Path, PathBuf};

use whimbrel_core::{BackendError, BackendErrorKind};

/// A password file, and whether somebody named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passfile {
    pub(crate) path: PathBuf,
    /// Named in the URL or in `PGPASSFILE`: it must then be usable.
    pub(crate) named: bool,
}

/// What a password is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) user: &'a str,
}

impl Passfile {
    /// The password of the first line that fits.
    pub(crate) fn find(&self, wanted: Wanted<'_>) -> Result<Option<String>, BackendError> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if !self.named && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return self.unusable("cannot be read", "look at passfile and PGPASSFILE", Some(error)),
        };
        if others_may_read(&self.path) {
            return self.unusable("can be read by others", "say `chmod 600` on it", None);
        }
        Ok(search(&text, wanted))
    }

    fn unusable(&self, why: &str, hint: &str, error: Option<std::io::Error>) -> Result<Option<String>, BackendError> {
        let message = format!("the password file {} {why}", self.path.display());
        if !self.named {
            tracing::warn!("{message}, so it is not used: {hint}");
            return Ok(None);
        }
        let unusable = BackendError::new(BackendErrorKind::Config, message).with_hint(hint);
        Err(match error {
            Some(error) => unusable.with_source(error),
            None => unusable,
        })
    }
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

fn search(text: &str, wanted: Wanted<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let [host, number, database, user, password] = fields.as_slice() else { return None };
        let fits = |field: &Field, value: &str| field.any || field.text == value;
        let all = fits(host, wanted.host)
            && fits(number, &port)
            && fits(database, wanted.database)
            && fits(user, wanted.user);
        (all && !password.text.is_empty()).then(|| password.text.clone())
    })
}

#[derive(Debug, Default)]
struct Field {
    text: String,
    /// A lone unescaped `*`.
    any: bool,
}

/// Five fields at colons that no backslash stands before; the last one goes to the end of the line.
fn fields(line: &str) -> Vec<Field> {
    let mut fields = vec![Field::default()];
    let mut raw_star = false;
    let mut chars = line.trim_end_matches('\r').chars();
    while let Some(c) = chars.next() {
        let last = fields.len() == 5;
        let Some(field) = fields.last_mut() else { break };
        match c {
            ':' if !last => {
                field.any = raw_star && field.text == "*";
                raw_star = false;
                fields.push(Field::default());
            }
            '\\' => field.text.extend(chars.next()),
            _ => {
                raw_star |= c == '*';
                field.text.push(c);
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted<'a>() -> Wanted<'a> {
        Wanted { host: "db.example", port: 5432, database: "app", user: "me" }
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# db.example:5432:app:me:commented\nother:5432:app:me:no\n*:5433:*:*:no\ndb.example:*:app:me:p\\:w\\\\:d é\n*:*:*:*:late";
        assert_eq!(search(text, wanted()).as_deref(), Some("p:w\\:d é"));
    }

    #[test]
    fn stars_fit_anything_unless_they_are_escaped() {
        assert_eq!(search("*:*:*:*:secret", wanted()).as_deref(), Some("secret"));
        assert_eq!(search("\\*:*:*:*:secret", wanted()), None);
        assert_eq!(search("db*:*:*:*:secret", wanted()), None);
        assert_eq!(search("db.example:5432:app:secret", wanted()), None);
    }
}
