//! Where a database is, read from a URL.

use std::path::PathBuf;

use whimbrel_core::{BackendError, BackendErrorKind};

/// What may be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read only.
    Read,
    /// Read and write a file that is there.
    Write,
    /// As `Write`, and make the file (and its directory) when it is first written to.
    Create,
}

/// What a URL names.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Memory,
    File { path: PathBuf, access: Access },
    Remote { url: String, token: String },
}

/// Reads a URL; see [`SqliteBackend::from_url`](crate::SqliteBackend::from_url).
pub(crate) fn parse_url(url: &str) -> Result<Target, BackendError> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(config(format!("`{url}` is no database URL")).with_hint(format!("write `sqlite:{url}`")));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "sqlite" | "sqlite3" | "file" => local(rest),
        scheme @ ("libsql" | "http" | "https") => remote(scheme, rest),
        other => Err(config(format!("`{other}:` is no database URL of SQLite or libSQL"))
            .with_hint("write `sqlite:PATH`, `sqlite::memory:`, `file:PATH` or `libsql://HOST?authToken=TOKEN`")),
    }
}

fn local(rest: &str) -> Result<Target, BackendError> {
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path.strip_prefix("//") {
        Some(path) => path.strip_prefix("localhost/").map_or_else(|| path.to_owned(), |path| format!("/{path}")),
        None => path.to_owned(),
    };
    let mut access = Access::Create;
    let mut memory = false;
    for (name, value) in parameters(query)? {
        match (name.as_str(), value.as_str()) {
            ("mode", "ro") => access = Access::Read,
            ("mode", "rw") => access = Access::Write,
            ("mode", "rwc") => access = Access::Create,
            ("mode", "memory") => memory = true,
            ("mode", other) => {
                return Err(config(format!("`mode={other}` is unknown"))
                    .with_hint("write `mode=ro`, `mode=rw`, `mode=rwc` or `mode=memory`"));
            }
            (name, _) => {
                return Err(
                    config(format!("the URL's parameter `{name}` is unknown")).with_hint("only `mode` is known")
                );
            }
        }
    }
    let path = percent_decode(&path)?;
    if memory || path == ":memory:" {
        return Ok(Target::Memory);
    }
    if path.is_empty() {
        return Err(config("the URL names no file".to_owned()).with_hint("write `sqlite:PATH` or `sqlite::memory:`"));
    }
    Ok(Target::File { path: path.into(), access })
}

/// No message shows the rest of a URL of this kind: it may hold a token.
fn remote(scheme: &str, rest: &str) -> Result<Target, BackendError> {
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.strip_prefix("//").unwrap_or_default();
    if host.is_empty() || host.starts_with('/') {
        return Err(
            config(format!("the `{scheme}:` URL names no host")).with_hint("write `libsql://HOST?authToken=TOKEN`")
        );
    }
    if host.contains('@') {
        return Err(config(format!("the `{scheme}:` URL holds a user or password, which libSQL does not know"))
            .with_hint("write `libsql://HOST?authToken=TOKEN`"));
    }
    let mut token = String::new();
    for (name, value) in parameters(query)? {
        match name.as_str() {
            "authToken" => token = value,
            name => {
                return Err(
                    config(format!("the URL's parameter `{name}` is unknown")).with_hint("only `authToken` is known")
                );
            }
        }
    }
    Ok(Target::Remote { url: format!("{scheme}://{host}"), token })
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, BackendError> {
    let decode = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((percent_decode(name)?, percent_decode(value)?))
    };
    query.split('&').filter(|part| !part.is_empty()).map(decode).collect()
}

/// `%41` becomes `A`. The message of an error does not show the text: it may be a secret.
fn percent_decode(text: &str) -> Result<String, BackendError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digit = |at: usize| tail.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let byte = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        let Some(byte) = byte.filter(|byte| *byte != 0) else {
            return Err(config("the URL holds a `%` that is not followed by two hexadecimal digits".to_owned())
                .with_hint("write `%25` for a percent sign"));
        };
        bytes.push(byte);
        rest = tail.get(2..).unwrap_or_default();
    }
    String::from_utf8(bytes).map_err(|_| config("the URL is not UTF-8 once it is decoded".to_owned()))
}

fn config(message: String) -> BackendError {
    BackendError::new(BackendErrorKind::Config, message)
}

#[cfg(test)]
mod tests;
