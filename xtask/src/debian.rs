//! Where this machine gets Debian packages from.

#[cfg(test)]
mod tests;

use std::{fs, path::Path};

/// The keys of Debian's archive, where the source does not name others.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// A Debian mirror and the keys that its lists are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) uri: String,
    pub(crate) keyring: String,
}

/// The Debian suites that package this Postgres version, best first.
pub(crate) fn suites(major: u32) -> &'static [&'static str] {
    match major {
        13 => &["bullseye"],
        15 => &["bookworm"],
        17 => &["trixie"],
        18 => &["forky", "sid"],
        _ => &[],
    }
}

/// The suites whose PgBouncer goes with this Postgres version, best first: those that package both, else what is stable.
pub(crate) fn pooler_suites(major: u32) -> &'static [&'static str] {
    match suites(major) {
        [] => &["trixie", "bookworm"],
        suites => suites,
    }
}

/// The mirrors of the machine's own apt configuration, without those of security updates and of other vendors.
pub(crate) fn mirrors() -> Vec<Mirror> {
    let mut found = Vec::new();
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(folder) = fs::read_dir("/etc/apt/sources.list.d") {
        let mut parts: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
        parts.sort();
        files.extend(parts);
    }
    for file in files {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let mirrors = match file.extension().and_then(|extension| extension.to_str()) {
            Some("sources") => from_stanzas(&text),
            Some("list") => from_lines(&text),
            _ => Vec::new(),
        };
        for mirror in mirrors {
            if !found.contains(&mirror) {
                found.push(mirror);
            }
        }
    }
    found
}

/// The newer form: stanzas of `Key: value`, a value going on in indented lines.
fn from_stanzas(text: &str) -> Vec<Mirror> {
    let without_comments: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).map(str::trim_end).collect();
    without_comments.split(|line| line.is_empty()).filter_map(from_stanza).flatten().collect()
}

fn from_stanza(lines: &[&str]) -> Option<Vec<Mirror>> {
    let enabled = field(lines, "Enabled").is_none_or(|value| !["no", "false", "0"].contains(&value.as_str()));
    let types = field(lines, "Types")?;
    let is_source = enabled
        && types.split_whitespace().any(|kind| kind == "deb")
        && is_debian(&field(lines, "Suites")?, &field(lines, "Components")?);
    let keyring = field(lines, "Signed-By").filter(|path| path.starts_with('/'));
    let keyring = keyring.and_then(|paths| paths.split_whitespace().next().map(str::to_owned));
    let uris = field(lines, "URIs")?;
    let mirrors = uris
        .split_whitespace()
        .filter(|uri| is_fetched(uri))
        .map(|uri| Mirror { uri: uri.to_owned(), keyring: keyring.clone().unwrap_or_else(|| KEYRING.to_owned()) });
    is_source.then(|| mirrors.collect())
}

/// A field's value with its continuation lines; names are in any case.
fn field(lines: &[&str], name: &str) -> Option<String> {
    let is_field = |line: &&&str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
    let at = lines.iter().position(|line| is_field(&line))?;
    let (_, first) = lines.get(at)?.split_once(':')?;
    let more = lines.iter().skip(at + 1).take_while(|line| line.starts_with([' ', '\t'])).map(|line| line.trim());
    Some([first.trim()].into_iter().chain(more).collect::<Vec<_>>().join(" ").trim().to_owned())
}

/// The older form: `deb [option=value …] uri suite component…`.
fn from_lines(text: &str) -> Vec<Mirror> {
    text.lines().filter_map(from_line).collect()
}

fn from_line(line: &str) -> Option<Mirror> {
    let rest = line.split('#').next()?.trim().strip_prefix("deb")?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (options, rest) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let keyring = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by="));
    let keyring = keyring.and_then(|paths| paths.split(',').next()).filter(|path| path.starts_with('/'));
    let components: Vec<&str> = words.collect();
    (is_debian(suite, &components.join(" ")) && is_fetched(uri))
        .then(|| Mirror { uri: uri.to_owned(), keyring: keyring.unwrap_or(KEYRING).to_owned() })
}

/// Whether a source has Debian's releases: told by their names, since the mirror's name says nothing.
fn is_debian(suites: &str, components: &str) -> bool {
    const NAMES: &[&str] = &[
        "bullseye",
        "bookworm",
        "trixie",
        "forky",
        "duke",
        "sid",
        "oldoldstable",
        "oldstable",
        "stable",
        "testing",
        "unstable",
    ];
    suites.split_whitespace().any(|suite| NAMES.contains(&suite))
        && components.split_whitespace().any(|component| component == "main")
}

fn is_fetched(uri: &str) -> bool {
    ["http://", "https://", "file:", "ftp://"].iter().any(|scheme| uri.starts_with(scheme))
}
