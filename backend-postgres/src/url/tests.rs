use super::*;

#[track_caller]
fn reads(text: &str, expected: &[(&str, &str)]) {
    let expected: Parameters = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    match parse(text) {
        Ok(parameters) => assert_eq!(parameters, expected, "{text}"),
        Err(error) => assert_eq!(error.to_string(), "", "{text}"),
    }
}

#[test]
fn urls() {
    reads("postgres://", &[]);
    reads("postgresql:///app", &[("dbname", "app")]);
    reads(
        "postgres://me:pw@db.example:5433/app?sslmode=require",
        &[
            ("user", "me"),
            ("password", "pw"),
            ("host", "db.example"),
            ("port", "5433"),
            ("dbname", "app"),
            ("sslmode", "require"),
        ],
    );
    reads("postgres://a,b:6000,c/x", &[("host", "a,b,c"), ("port", ",6000,"), ("dbname", "x")]);
    reads("postgres://[::1]:7000,[fe80::1%25eth0]/", &[("host", "::1,fe80::1%eth0"), ("port", "7000,")]);
    reads("postgres://%2Ftmp/app", &[("host", "/tmp"), ("dbname", "app")]);
    reads(
        "postgresql:///app?host=/tmp&port=1&user=u",
        &[("host", "/tmp"), ("port", "1"), ("user", "u"), ("dbname", "app")],
    );
    reads("postgres://me@/app?host=a%2Cb", &[("user", "me"), ("host", "a,b"), ("dbname", "app")]);
    reads("postgres://h/d?ssl=true", &[("host", "h"), ("dbname", "d"), ("sslmode", "require")]);
    reads("postgres://h/d?options=-c%20a%3Db@c", &[("host", "h"), ("dbname", "d"), ("options", "-c a=b@c")]);
}

#[test]
fn hostile_passwords() {
    for (encoded, password) in [
        ("p%40ss%2Fw%3A%23%3F", "p@ss/w:#?"),
        ("%27%22%20%5C%25", "'\" \\%"),
        ("p%C3%A4ssw%C3%B6rd", "pässwörd"),
        ("a:b", "a:b"),
        ("p+q", "p+q"),
    ] {
        reads(
            &format!("postgres://u:{encoded}@h/d"),
            &[("user", "u"), ("password", password), ("host", "h"), ("dbname", "d")],
        );
    }
}

#[test]
fn pairs_of_names_and_values() {
    reads("", &[]);
    reads("host=h port = 5 dbname=d", &[("host", "h"), ("port", "5"), ("dbname", "d")]);
    reads(r"password='it\'s \\ here' user=a\ b", &[("password", r"it's \ here"), ("user", "a b")]);
    reads("password='' host='/tmp'", &[("password", ""), ("host", "/tmp")]);
    reads("password=postgres://x", &[("password", "postgres://x")]);
}

#[test]
fn what_is_not_understood_is_named() {
    for (text, part) in [
        ("postgres://h/d?sslmod=require", "`sslmod`"),
        ("host=h service=prod", "`service`"),
        ("postgres://h/d?sslcrl=x", "`sslcrl`"),
        ("host", "has no `=`"),
        ("mysql://h/d", "not one of postgres"),
        ("host='h", "has no end"),
        ("postgres://u:%zz@h/d", "percent-encoding"),
        ("postgres://u:%0@h/d", "percent-encoding"),
        ("postgres://u:%00@h/d", "percent-encoding"),
        ("postgres://u:%ff@h/d", "no UTF-8"),
        ("postgres://[::1/d", "closing bracket"),
    ] {
        let error = parse(text).map_err(|error| (error.kind(), error.to_string()));
        assert!(
            matches!(&error, Err((BackendErrorKind::Config, message)) if message.contains(part)),
            "{text}: {error:?}"
        );
    }
}

#[test]
fn no_error_shows_a_part_of_a_password() {
    for text in [
        "postgres://u:hush@hush2@h/d",
        "postgres://u:hush/hush2@h/d?x",
        "postgres://u:hush?hush2=1@h/d",
        "postgres://u:hush?hush2@h/d",
        "postgres://u:hush%hush2@h/d",
        "postgres://u:hush@hush2/hush3@h/d",
        "postgres://u:12/hush3@h/d",
        "postgres://u:12?user=hush2@h/d",
        "password='hush2 host=h hush",
        "postgres://u:hush@h:hush2/d",
    ] {
        let told = match parse(text) {
            Err(error) => format!("{error} {:?} {error:?}", error.hint()),
            Ok(parameters) => match crate::config::server(text, &|_| None) {
                Err(error) => format!("{error} {:?} {error:?}", error.hint()),
                // What a message about the server would name.
                Ok(_) => format!("{:?}", ["host", "port", "user", "dbname"].map(|name| parameters.get(name))),
            },
        };
        assert!(!told.contains("hush"), "{text}: {told}");
    }
}
