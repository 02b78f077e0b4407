//! TLS: what each `sslmode` verifies, against a server with a certificate of a test's own authority.

use std::path::Path;
use std::process::Command;

use whimbrel_tests::postgres::own_server;

use super::*;

#[tokio::test]
async fn every_mode_verifies_what_it_says() {
    needs_postgres!();
    let folder = tempfile::tempdir().unwrap();
    make_certificates(folder.path());
    let server = own_server(&[]).await;
    switch_tls_on(&server.admin().await, folder.path(), "server").await;
    let database = server.fresh_database().await;
    let authority = folder.path().join("ca.pem").display().to_string();
    let stranger = folder.path().join("stranger.pem").display().to_string();
    let ours = format!("&sslrootcert={authority}");
    let theirs = format!("&sslrootcert={stranger}");
    let address = server.host().replace("localhost", "127.0.0.1");
    let other_name = format!("&host=db.example&hostaddr={address}");
    for (more, expected) in [
        ("sslmode=disable".to_owned(), Ok("f")),
        ("sslmode=allow".to_owned(), Ok("f")),
        ("sslmode=prefer".to_owned(), Ok("t")),
        ("sslmode=require".to_owned(), Ok("t")),
        (format!("sslmode=require{theirs}"), Err("sslrootcert")),
        (format!("sslmode=verify-full{ours}"), Ok("t")),
        (format!("sslmode=verify-full{theirs}"), Err("sslrootcert")),
        ("sslmode=verify-full".to_owned(), Err("sslrootcert")),
        (format!("sslmode=verify-full{ours}{other_name}"), Err("another host")),
        (format!("sslmode=verify-ca{ours}{other_name}"), Ok("t")),
        (format!("sslmode=verify-ca{theirs}{other_name}"), Err("sslrootcert")),
        (format!("sslmode=require{other_name}"), Ok("t")),
        (format!("sslmode=require&sslsni=0&channel_binding=require{ours}"), Ok("t")),
    ] {
        let url = format!("{}?{more}", database.url());
        let connected = PostgresBackend::from_url(&url).unwrap().connect().await;
        match (connected, expected) {
            (Ok(session), Ok(secured)) => assert_eq!(is_secured(session).await, secured, "{more}"),
            (Err(error), Err(part)) => {
                assert_eq!(error.kind(), BackendErrorKind::Authentication, "{more}: {error}");
                assert!(error.hint().unwrap().contains(part), "{more}: {error} {:?}", error.hint());
            }
            (Ok(_), Err(_)) => unreachable!("{more} was let through"),
            (Err(error), Ok(_)) => unreachable!("{more}: {error} {:?}", error.hint()),
        }
    }
    interrupts_through_tls(&format!("{}?sslmode=verify-full{ours}", database.url())).await;

    // A server that signed its own certificate is trusted by exactly that certificate.
    switch_tls_on(&server.admin().await, folder.path(), "own").await;
    let own = folder.path().join("own.pem").display().to_string();
    let connect = async |more: &str| {
        let url = format!("{}?{more}", database.url());
        PostgresBackend::from_url(&url).unwrap().connect().await.map(|_| ()).map_err(|error| error.kind())
    };
    let mut waited = 0;
    while connect(&format!("sslmode=verify-full{ours}")).await.is_ok() {
        waited += 1;
        assert!(waited < 100, "the server did not take its own certificate");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(connect(&format!("sslmode=verify-full&sslrootcert={own}")).await, Ok(()));
    assert_eq!(connect(&format!("sslmode=verify-ca&sslrootcert={own}{other_name}")).await, Ok(()));
    let wrong = connect(&format!("sslmode=verify-full&sslrootcert={own}{other_name}")).await;
    assert_eq!(wrong, Err(BackendErrorKind::Authentication));
}

async fn is_secured(mut session: Box<dyn Session>) -> String {
    let mut heard = Heard::default();
    let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    session.run(&[Op::Query(sql)], &mut heard).await.unwrap();
    match &heard.done[0].1 {
        OpOutcome::Rows { rows, .. } => rows[0][0].clone().unwrap(),
        other => unreachable!("{other:?}"),
    }
}

async fn interrupts_through_tls(url: &str) {
    let mut session = PostgresBackend::from_url(url).unwrap().connect().await.unwrap();
    let asked = session.interrupt().interrupt();
    let task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        asked.await;
    });
    let halted = session.run(&[Op::Statement("select pg_sleep(20)")], &mut Heard::default()).await.unwrap_err();
    assert_eq!(halted.error.kind(), BackendErrorKind::Interrupted);
    task.await.unwrap();
}

/// An authority, a certificate of the server that it signed, and the authority of a stranger.
fn make_certificates(folder: &Path) {
    let script = "set -e
        key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
        for ca in ca stranger; do key $ca; openssl req -x509 -new -key $ca.key -subj /CN=$ca -days 2 -out $ca.pem; done
        key server
        key own; openssl req -x509 -new -key own.key -subj /CN=own -days 2 -out own.pem \\
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1,IP:172.17.0.1
        openssl req -new -key server.key -subj /CN=server -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:172.17.0.1\\nbasicConstraints=CA:FALSE\\n' > server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem";
    let made = Command::new("sh").arg("-c").arg(script).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "this test needs the openssl program: {}", String::from_utf8_lossy(&made.stderr));
}

/// Hands the files to the server through SQL: it may run in a container.
async fn switch_tls_on(admin: &Client, folder: &Path, identity: &str) {
    for (kind, name) in [("pem", "server.crt"), ("key", "server.key")] {
        let text = std::fs::read_to_string(folder.join(format!("{identity}.{kind}"))).unwrap();
        let lines: Vec<String> = text.lines().map(|line| format!("('{line}')")).collect();
        // In the data folder, where the server looks for them.
        let sql = format!("copy (values {}) to program 'umask 077; cat > {name}'", lines.join(", "));
        admin.batch_execute(&sql).await.unwrap();
    }
    admin.batch_execute("alter system set ssl = on").await.unwrap();
    admin.batch_execute("select pg_reload_conf()").await.unwrap();
    let mut waited = 0;
    while first(admin, "show ssl").await.as_deref() != Some("on") {
        waited += 1;
        assert!(waited < 100, "the server did not take its certificate");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
