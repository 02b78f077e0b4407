//! The directive `keep-rows`: tables that must have as many rows after a migration as before it.

/// A table whose rows are counted before and after a migration's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTable {
    /// Its name before, `schema.name` where it is qualified.
    pub before: String,
    /// Its name after: another one where the migration renames it.
    pub after: String,
}

/// Reads `users, "User Data", old=new, audit.log`: names as SQL writes them, an unquoted one as it is.
pub(super) fn read(value: &str) -> Option<Vec<KeptTable>> {
    let mut tables = Vec::new();
    let mut rest = value;
    loop {
        let (before, after_name) = qualified(rest)?;
        let (after, more) = match after_name.trim_start().strip_prefix('=') {
            Some(renamed) => qualified(renamed)?,
            None => (before.clone(), after_name),
        };
        tables.push(KeptTable { before, after });
        rest = more.trim_start();
        if rest.is_empty() {
            return Some(tables);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// One name, or two with a dot between, and what follows.
fn qualified(text: &str) -> Option<(String, &str)> {
    let (first, rest) = part(text.trim_start())?;
    match rest.strip_prefix('.') {
        Some(rest) => part(rest).map(|(second, rest)| (format!("{first}.{second}"), rest)),
        None => Some((first, rest)),
    }
}

fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c.is_whitespace() || ",=.\"".contains(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    loop {
        let (piece, after) = rest.split_once('"')?;
        name.push_str(piece);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return (!name.is_empty()).then_some((name, after)),
        }
    }
}
