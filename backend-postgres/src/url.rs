//! Connection strings in libpq's two forms, read into parameters.
//!
//! An error here names a parameter and never shows a value: in a malformed string anything may be part of a password.

use std::collections::BTreeMap;

use whimbrel_core::{BackendError, BackendErrorKind};

/// Parameters by name.
pub(crate) type Parameters = BTreeMap<String, String>;

/// The parameters that this backend understands.
const KNOWN: &[&str] = &[
    "host",
    "hostaddr",
    "port",
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "fallback_application_name",
    "client_encoding",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "keepalives_retries",
    "passfile",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslsni",
    "sslnegotiation",
    "gssencmode",
];

/// The parameters of libpq that this backend refuses, and why.
const REFUSED: &[(&str, &str)] = &[
    ("service", "service files are not read: write the parameters into the URL"),
    ("sslpassword", "an encrypted client key is not supported: decrypt it"),
    ("sslcrl", "revocation lists are not supported"),
    ("sslcrldir", "revocation lists are not supported"),
    ("sslcompression", "compression of TLS is not supported"),
    ("ssl_min_protocol_version", "the least version is always TLS 1.2"),
    ("ssl_max_protocol_version", "the greatest version is always TLS 1.3"),
    ("sslcertmode", "say sslcert and sslkey, or leave them out"),
    ("require_auth", "it is not supported: let pg_hba.conf on the server decide, or use sslmode=verify-full"),
    ("requirepeer", "it is not supported"),
    ("requiressl", "say sslmode=require"),
    ("krbsrvname", "GSSAPI is not supported"),
    ("gsslib", "GSSAPI is not supported"),
    ("gssdelegation", "GSSAPI is not supported"),
    ("replication", "a replication connection runs no migrations"),
];

/// Reads either form.
pub(crate) fn parse(text: &str) -> Result<Parameters, BackendError> {
    let text = text.trim();
    let parameters = match text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
        Some(rest) if is_doubtful(rest) => return Err(doubtful()),
        Some(rest) => url(rest).map_err(|error| if has_late_at(rest) { doubtful() } else { error })?,
        None if text.is_empty() => Parameters::new(),
        None if text.contains("://") && !text.split("://").next().is_some_and(|scheme| scheme.contains('=')) => {
            return Err(
                invalid("the URL is not one of postgres").with_hint("it must begin with postgres:// or postgresql://")
            );
        }
        None => pairs(text)?,
    };
    Ok(parameters)
}

/// Whether an unencoded character of a password may have made the rest of it look like host, database or parameters.
///
/// A `@` after the authority ends is the sign: the database's name, or parameters without one before them, then hold
/// what was meant as a password. libpq would connect somewhere else with it; here nothing of it is used or shown.
fn is_doubtful(rest: &str) -> bool {
    let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = front.split_once('/').unwrap_or((front, ""));
    authority.matches('@').count() > 1
        || database.contains('@')
        || (query.contains('@') && !authority.contains('@') && !front.contains('/'))
}

/// Whether a `@` stands behind the authority: with any other error, that is the likelier explanation.
fn has_late_at(rest: &str) -> bool {
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    rest.rfind('@').is_some_and(|at| at > authority.len())
}

fn doubtful() -> BackendError {
    invalid("the URL's user and password cannot be told from its host").with_hint(
        "percent-encode special characters of a name or password: @ is %40, / is %2F, ? is %3F, # is %23, : is %3A",
    )
}

fn url(rest: &str) -> Result<Parameters, BackendError> {
    let mut parameters = Parameters::new();
    let (front, query) = rest.split_once('?').map_or((rest, None), |(front, query)| (front, Some(query)));
    let (authority, database) =
        front.split_once('/').map_or((front, ""), |(authority, database)| (authority, database));
    let hosts = match authority.split_once('@') {
        None => authority,
        Some((credentials, hosts)) => {
            let (user, password) =
                credentials.split_once(':').map_or((credentials, None), |(user, pw)| (user, Some(pw)));
            put_decoded(&mut parameters, "user", user)?;
            if let Some(password) = password {
                put_decoded(&mut parameters, "password", password)?;
            }
            hosts
        }
    };
    put_hosts(&mut parameters, hosts)?;
    put_decoded(&mut parameters, "dbname", database)?;
    for pair in query.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| invalid("a parameter of the URL has no `=`"))?;
        let (name, value) = (decode(name)?, decode(value)?);
        if name == "ssl" && value == "true" {
            parameters.insert("sslmode".to_owned(), "require".to_owned());
            continue;
        }
        check_name(&name)?;
        parameters.insert(name, value);
    }
    Ok(parameters)
}

fn put_decoded(parameters: &mut Parameters, name: &str, text: &str) -> Result<(), BackendError> {
    if !text.is_empty() {
        parameters.insert(name.to_owned(), decode(text)?);
    }
    Ok(())
}

/// `host[:port],[host[:port]]…`, an IPv6 address in brackets.
fn put_hosts(parameters: &mut Parameters, hosts: &str) -> Result<(), BackendError> {
    if hosts.is_empty() {
        return Ok(());
    }
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for host in hosts.split(',') {
        let (name, port) = match host.strip_prefix('[') {
            Some(address) => {
                let (address, after) = address
                    .split_once(']')
                    .ok_or_else(|| invalid("an IPv6 address has no closing bracket").with_hint("write it as [::1]"))?;
                (address, after.strip_prefix(':').unwrap_or(after))
            }
            None => host.split_once(':').unwrap_or((host, "")),
        };
        names.push(decode(name)?);
        ports.push(decode(port)?);
    }
    if names.iter().any(|name| !name.is_empty()) {
        parameters.insert("host".to_owned(), names.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        parameters.insert("port".to_owned(), ports.join(","));
    }
    Ok(())
}

fn decode(text: &str) -> Result<String, BackendError> {
    let wrong = || invalid("a percent-encoding in the URL is wrong").with_hint("write a plain % as %25");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let Some(([high, low], after)) = after.split_first_chunk::<2>().map(|(pair, after)| (*pair, after)) else {
            return Err(wrong());
        };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = digit(high).zip(digit(low)).map(|(high, low)| high * 16 + low).filter(|byte| *byte != 0);
        bytes.push(byte.ok_or_else(wrong)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| invalid("a percent-encoding in the URL is no UTF-8"))
}

/// `name = value` pairs; a value may stand in quotes, and a backslash takes the next character as it is.
fn pairs(text: &str) -> Result<Parameters, BackendError> {
    let mut parameters = Parameters::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| *c != '=' && !c.is_whitespace()) {
            name.push(c);
        }
        if name.is_empty() && chars.peek().is_none() {
            return Ok(parameters);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            return Err(invalid("a parameter has no `=`").with_hint("write `name=value` pairs, or a postgres:// URL"));
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let value = value(&mut chars)?;
        check_name(&name)?;
        parameters.insert(name, value);
    }
}

fn value(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, BackendError> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.peek() {
            None if quoted => return Err(invalid("a quoted value of the connection string has no end")),
            None => return Ok(value),
            Some('\'') if quoted => {
                chars.next();
                return Ok(value);
            }
            Some(c) if !quoted && c.is_whitespace() => return Ok(value),
            Some('\\') => {
                chars.next();
                value.extend(chars.next());
            }
            Some(_) => value.extend(chars.next()),
        }
    }
}

fn check_name(name: &str) -> Result<(), BackendError> {
    if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Err(invalid(format!("the connection parameter `{name}` is not supported")).with_hint(*why));
    }
    if KNOWN.contains(&name) {
        return Ok(());
    }
    let shown: String = name.chars().take(40).collect();
    Err(invalid(format!("there is no connection parameter `{shown}`"))
        .with_hint(format!("there are: {}", KNOWN.join(", "))))
}

/// An error of the configuration.
pub(crate) fn invalid(message: impl Into<String>) -> BackendError {
    BackendError::new(BackendErrorKind::Config, message)
}

#[cfg(test)]
mod tests;
