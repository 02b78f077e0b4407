#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use super::*;

fn with(text: &str, variables: &[(&str, &str)]) -> Result<Server, BackendError> {
    server(text, &|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

fn places(server: &Server) -> String {
    server.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn hosts_and_ports_pair_up() {
    assert_eq!(places(&with("postgres://a,b/", &[]).unwrap()), "a:5432 b:5432");
    assert_eq!(places(&with("host=a,b port=1", &[]).unwrap()), "a:1 b:1");
    assert_eq!(places(&with("postgres://a:1,b/", &[]).unwrap()), "a:1 b:5432");
    assert_eq!(places(&with("postgres://[::1]:1,%2Ftmp:2/", &[]).unwrap()), "[::1]:1 /tmp:2");
    assert_eq!(with("host=a hostaddr=10.0.0.1", &[]).unwrap().endpoints[0].address, Some("10.0.0.1".parse().unwrap()));
    for wrong in
        ["host=a,b port=1,2,3", "host=a hostaddr=1.1.1.1,1.1.1.2", "host=a port=0", "host=a port=70000", "hostaddr=x"]
    {
        assert!(with(wrong, &[]).is_err(), "{wrong}");
    }
}

#[test]
fn the_environment_fills_what_is_not_said() {
    let variables = [
        ("PGHOST", "envhost"),
        ("PGPORT", "6000"),
        ("PGUSER", "envuser"),
        ("PGPASSWORD", "envpw"),
        ("PGDATABASE", "envdb"),
        ("PGAPPNAME", "envapp"),
        ("PGSSLMODE", "disable"),
        ("PGOPTIONS", "-c x=y"),
        ("PGCONNECT_TIMEOUT", "7"),
        ("PGTARGETSESSIONATTRS", "read-write"),
    ];
    let all = with("", &variables).unwrap();
    assert_eq!((places(&all).as_str(), all.database()), ("envhost:6000", "envdb"));
    assert_eq!(all.base.get_user(), Some("envuser"));
    assert_eq!(all.base.get_password(), Some(&b"envpw"[..]));
    assert_eq!(all.base.get_application_name(), Some("envapp"));
    assert_eq!(all.base.get_options(), Some("-c x=y"));
    assert_eq!((all.tls_mode, all.timeout, all.target), (TlsMode::Disable, Duration::from_secs(7), Target::ReadWrite));
    let own =
        with("postgres://me:pw@h:1/d?sslmode=require&application_name=a&target_session_attrs=any", &variables).unwrap();
    assert_eq!((places(&own).as_str(), own.database(), own.tls_mode), ("h:1", "d", TlsMode::Require));
    assert_eq!((own.base.get_user(), own.base.get_application_name()), (Some("me"), Some("a")));
    assert_eq!(own.target, Target::Any);
    // An address of the environment is not that of a host which the URL names.
    assert_eq!(with("host=h", &[("PGHOSTADDR", "10.0.0.1")]).unwrap().endpoints[0].address, None);
}

#[test]
fn what_would_be_ignored_is_refused() {
    assert!(with("host=h", &[("PGSERVICE", "prod")]).map(|_| ()).unwrap_err().message().contains("PGSERVICE"));
    for wrong in [
        "sslmode=verify",
        "target_session_attrs=master",
        "channel_binding=yes",
        "gssencmode=require",
        "client_encoding=latin1",
        "keepalives=maybe",
        "connect_timeout=soon",
        "sslrootcert=system sslmode=require",
        "load_balance_hosts=round",
    ] {
        let error = with(&format!("host=h {wrong}"), &[]).map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), whimbrel_core::BackendErrorKind::Config, "{wrong}");
    }
}

#[test]
fn tls_follows_the_mode_and_the_place() {
    let attempts = |text: &str| {
        let server = with(text, &[]).unwrap();
        let own_root = matches!(server.tls.roots, Roots::File(_));
        server.tls_mode.attempts(&server.endpoints[0], own_root)
    };
    let plain = (SslMode::Disable, Verify::Nothing);
    let prefer = (SslMode::Prefer, Verify::Nothing);
    let full = (SslMode::Require, Verify::ChainAndHost);
    for (text, expected) in [
        ("host=db.example", vec![full]),
        ("host=localhost", vec![prefer, plain]),
        ("host=127.0.0.1", vec![prefer, plain]),
        ("host=::1", vec![prefer, plain]),
        ("host=localhost hostaddr=10.0.0.1", vec![full]),
        ("host=/tmp", vec![plain]),
        ("host=/tmp sslmode=verify-full", vec![plain]),
        ("host=db.example sslmode=disable", vec![plain]),
        ("host=db.example sslmode=allow", vec![plain, (SslMode::Require, Verify::Nothing)]),
        ("host=db.example sslmode=prefer", vec![prefer, plain]),
        ("host=db.example sslmode=require", vec![(SslMode::Require, Verify::Nothing)]),
        ("host=db.example sslmode=require sslrootcert=/ca", vec![(SslMode::Require, Verify::Chain)]),
        ("host=db.example sslmode=verify-ca", vec![(SslMode::Require, Verify::Chain)]),
        ("host=127.0.0.1 sslmode=verify-full", vec![full]),
        ("host=127.0.0.1 sslrootcert=system", vec![full]),
    ] {
        assert_eq!(attempts(text), expected, "{text}");
    }
}

#[test]
fn a_callers_configuration_keeps_its_values() {
    let config: Config =
        "host=a,b port=1,2 user=u password=pw dbname=d sslmode=require target_session_attrs=read-write keepalives=0 connect_timeout=3"
            .parse()
            .unwrap();
    let server = from_config(&config).unwrap();
    assert_eq!((places(&server).as_str(), server.database()), ("a:1 b:2", "d"));
    assert_eq!((server.tls_mode, server.target), (TlsMode::VerifyFull, Target::ReadWrite));
    assert_eq!((server.timeout, server.base.get_keepalives()), (Duration::from_secs(3), false));
    assert_eq!(server.base.get_password(), Some(&b"pw"[..]));
    assert!(from_config(&Config::new()).is_err());
}
