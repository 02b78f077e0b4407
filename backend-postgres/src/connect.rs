//! Opening a connection: hosts in turn, TLS as configured, one limit of time around each, and a task that keeps it.

use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use whimbrel_core::{BackendError, BackendErrorKind, Notice};

use crate::config::{Attempt, Endpoint, Place, Server, Target};
use crate::error::{chain, of_connect, of_session};
use crate::interrupt::Canceller;
use crate::passfile::Wanted;
use crate::pooler;
use crate::session::{Connected, Link};

/// The oldest server that this backend works with.
const OLDEST: u32 = 13;

/// Connects to the first server that will do.
pub(crate) async fn connect(server: &Server, database: Option<&str>) -> Result<Connected, BackendError> {
    let mut endpoints: Vec<&Endpoint> = server.endpoints.iter().collect();
    if server.shuffle {
        let random = RandomState::new();
        endpoints.sort_by_cached_key(|endpoint| {
            let mut hasher = random.build_hasher();
            hasher.write(endpoint.to_string().as_bytes());
            hasher.finish()
        });
    }
    let wishes: &[Target] = match server.target {
        Target::PreferStandby => &[Target::Standby, Target::Any],
        ref target => std::slice::from_ref(target),
    };
    let mut failures = Vec::new();
    for wish in wishes {
        for endpoint in &endpoints {
            match connect_to(server, endpoint, database, *wish).await {
                Ok(connected) => return Ok(connected),
                Err(error) if error.kind() == BackendErrorKind::Unreachable => failures.push((*endpoint, error)),
                Err(error) => return Err(error),
            }
        }
    }
    Err(all_failed(failures))
}

fn all_failed(mut failures: Vec<(&Endpoint, BackendError)>) -> BackendError {
    let text = |(endpoint, error): &(&Endpoint, BackendError)| format!("{endpoint}: {}", error.message());
    let message = failures.iter().map(text).collect::<Vec<_>>().join("; ");
    let Some((_, last)) = failures.pop() else {
        return BackendError::new(BackendErrorKind::Config, "no host is configured");
    };
    let mut error = BackendError::new(BackendErrorKind::Unreachable, message);
    if let Some(code) = last.code() {
        error = error.with_code(code);
    }
    error = error.with_hint(last.hint().unwrap_or("is the server running, and do host and port fit?"));
    error.with_source(last)
}

async fn connect_to(
    server: &Server,
    endpoint: &Endpoint,
    database: Option<&str>,
    wish: Target,
) -> Result<Connected, BackendError> {
    let config = config_for(server, endpoint, database)?;
    let own_root = matches!(server.tls.roots, crate::tls::Roots::File(_));
    let attempts = server.tls_mode.attempts(endpoint, own_root);
    let mut failure = None;
    for attempt in attempts {
        let opened = tokio::time::timeout(server.timeout, open(server, config.clone(), attempt, wish)).await;
        match opened {
            Ok(Ok(connected)) => return Ok(connected),
            // `prefer` and `allow`: pg_hba.conf may want the other way.
            Ok(Err(error)) if error.code() == Some("28000") => failure = Some(failure.unwrap_or(error)),
            Ok(Err(error)) => return Err(failure.unwrap_or(error)),
            Err(_) => {
                let message = format!("no answer within {} s", server.timeout.as_secs());
                return Err(BackendError::new(BackendErrorKind::Unreachable, message).with_hint(
                    "is it a postgres server? a firewall may swallow packets; connect_timeout sets the limit",
                ));
            }
        }
    }
    Err(failure.unwrap_or_else(|| BackendError::new(BackendErrorKind::Internal, "no way to connect was tried")))
}

fn config_for(server: &Server, endpoint: &Endpoint, database: Option<&str>) -> Result<Config, BackendError> {
    let mut config = server.base.clone();
    match &endpoint.host {
        Place::Tcp(host) => config.host(host),
        #[cfg(unix)]
        Place::Socket(folder) => config.host_path(folder),
        #[cfg(not(unix))]
        Place::Socket(_) => return Err(crate::url::invalid("there are no unix sockets on this system")),
    };
    if let Some(address) = endpoint.address {
        config.hostaddr(address);
    }
    config.port(endpoint.port);
    if let Some(database) = database {
        config.dbname(database);
    }
    if config.get_password().is_none()
        && let Some(passfile) = &server.passfile
    {
        let folder;
        let host = match &endpoint.host {
            Place::Tcp(host) => host.as_str(),
            Place::Socket(path) if path.as_os_str() == "/tmp" || path.as_os_str() == "/var/run/postgresql" => {
                "localhost"
            }
            Place::Socket(path) => {
                folder = path.display().to_string();
                &folder
            }
        };
        let database = database.unwrap_or(server.database());
        let user = server.base.get_user().unwrap_or("");
        if let Some(password) = passfile.find(Wanted { host, port: endpoint.port, database, user })? {
            config.password(password);
        }
    }
    Ok(config)
}

async fn open(
    server: &Server,
    mut config: Config,
    (mode, verify): Attempt,
    wish: Target,
) -> Result<Connected, BackendError> {
    config.ssl_mode(mode);
    let opened = if mode == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(of_connect)?;
        Opened::new(client, connection, None)
    } else {
        let tls = server.tls.connector(verify)?;
        let (client, connection) = config.connect(tls.clone()).await.map_err(of_connect)?;
        Opened::new(client, connection, Some(tls))
    };
    check_version(&opened.version)?;
    check_target(&opened.client, wish).await?;
    let token = opened.client.cancel_token();
    let announced = pooler::announced(&token).await;
    let canceller = Canceller::Token(token, opened.tls);
    Ok(Connected {
        link: Link::Own(opened.client),
        version: short_version(&opened.version),
        notices: Some(opened.notices),
        lost: opened.lost,
        task: Some(opened.task),
        canceller,
        announced,
    })
}

struct Opened {
    client: Client,
    tls: Option<MakeRustlsConnect>,
    version: String,
    notices: UnboundedReceiver<Notice>,
    lost: Arc<OnceLock<String>>,
    task: JoinHandle<()>,
}

impl Opened {
    fn new<S, T>(client: Client, connection: Connection<S, T>, tls: Option<MakeRustlsConnect>) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let version = connection.parameter("server_version").unwrap_or_default().to_owned();
        let (sender, notices) = unbounded_channel();
        let lost = Arc::new(OnceLock::new());
        let task = tokio::spawn(keep(connection, sender, Arc::clone(&lost)));
        Self { client, tls, version, notices, lost, task }
    }
}

/// Moves what comes and goes until the session or the connection ends.
async fn keep<S, T>(mut connection: Connection<S, T>, notices: UnboundedSender<Notice>, lost: Arc<OnceLock<String>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notice(notice))) => {
                // Nobody may be there any more to hear it.
                let _ = notices.send(as_notice(&notice));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                let _ = lost.set(chain(&error));
                return;
            }
            None => return,
        }
    }
}

fn as_notice(notice: &DbError) -> Notice {
    let detail: Vec<&str> = [notice.detail(), notice.hint()].into_iter().flatten().collect();
    Notice {
        severity: notice.severity().to_owned(),
        message: notice.message().to_owned(),
        code: Some(notice.code().code().to_owned()),
        detail: (!detail.is_empty()).then(|| detail.join("\n")),
    }
}

/// The number alone: `15.18` of `15.18 (Debian 15.18-0+deb12u1)`.
pub(crate) fn short_version(full: &str) -> String {
    full.split_whitespace().next().unwrap_or("of an unknown version").to_owned()
}

/// # Errors
///
/// [`Unsupported`](BackendErrorKind::Unsupported) for a server older than 13. One that does not tell is let through.
pub(crate) fn check_version(full: &str) -> Result<(), BackendError> {
    let digits: String = full.chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(major) if major < OLDEST => {
            let message = format!(
                "the server is PostgreSQL {}, and the oldest that is supported is {OLDEST}",
                short_version(full)
            );
            Err(BackendError::new(BackendErrorKind::Unsupported, message).with_hint("upgrade the server"))
        }
        _ => Ok(()),
    }
}

async fn check_target(client: &Client, wish: Target) -> Result<(), BackendError> {
    if matches!(wish, Target::Any | Target::PreferStandby) {
        return Ok(());
    }
    let sql = "select pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
    let rows = client.simple_query(sql).await.map_err(|error| of_session(error, Default::default()))?;
    let row = rows.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        _ => None,
    });
    let (standby, read_only) = row.unwrap_or((false, false));
    let (fits, what) = match wish {
        Target::ReadWrite => (!read_only, "does not take writes"),
        Target::ReadOnly => (read_only, "takes writes"),
        Target::Primary => (!standby, "is a standby"),
        Target::Standby => (standby, "is no standby"),
        Target::Any | Target::PreferStandby => (true, ""),
    };
    if fits {
        return Ok(());
    }
    Err(BackendError::new(
        BackendErrorKind::Unreachable,
        format!("the server {what}, and target_session_attrs asks for another"),
    )
    .with_hint("name the right server among the hosts"))
}
