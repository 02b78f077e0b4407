//! Where the server is and how to reach it: parameters, the environment and the usual values become a [`Server`].

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};
use whimbrel_core::BackendError;

use crate::passfile::Passfile;
use crate::tls::{Roots, TlsOptions, Verify};
use crate::url::{Parameters, invalid, parse};

/// How long connecting to one host may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const APPLICATION_NAME: &str = "whimbrel";
const DEFAULT_PORT: u16 = 5432;

/// One place where a server may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: Place,
    /// The address to connect to in place of the host's.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

/// A host or the folder of a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(String),
    Socket(PathBuf),
}

impl Endpoint {
    /// Whether nobody but this machine can listen in.
    pub(crate) fn is_local(&self) -> bool {
        match (&self.host, self.address) {
            (Place::Socket(_), _) => true,
            (Place::Tcp(_), Some(address)) => address.is_loopback(),
            (Place::Tcp(host), None) => {
                host.eq_ignore_ascii_case("localhost")
                    || IpAddr::from_str(host).is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Place::Tcp(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Place::Tcp(host) => write!(f, "{host}:{}", self.port),
            Place::Socket(folder) => write!(f, "{}:{}", folder.display(), self.port),
        }
    }
}

/// What `sslmode` says; [`Usual`](Self::Usual) where nobody says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Usual,
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
    /// A caller's `Config` that prefers TLS: verified where the server is remote, plain where it offers none.
    PreferVerified,
}

/// One way to open a connection.
pub(crate) type Attempt = (SslMode, Verify);

impl TlsMode {
    /// The ways to try, in order. libpq does not verify in `allow`, `prefer` and `require`, and neither do we where one
    /// of them was asked for; with no word about it a remote server is verified in full.
    pub(crate) fn attempts(self, endpoint: &Endpoint, own_root: bool) -> Vec<Attempt> {
        const PLAIN: Attempt = (SslMode::Disable, Verify::Nothing);
        const PREFER: Attempt = (SslMode::Prefer, Verify::Nothing);
        const FULL: Attempt = (SslMode::Require, Verify::ChainAndHost);
        if matches!(endpoint.host, Place::Socket(_)) {
            return vec![PLAIN];
        }
        match self {
            Self::Disable => vec![PLAIN],
            Self::Allow => vec![PLAIN, (SslMode::Require, Verify::Nothing)],
            Self::Prefer => vec![PREFER, PLAIN],
            Self::Require if own_root => vec![(SslMode::Require, Verify::Chain)],
            Self::Require => vec![(SslMode::Require, Verify::Nothing)],
            Self::VerifyCa => vec![(SslMode::Require, Verify::Chain)],
            Self::VerifyFull => vec![FULL],
            Self::Usual | Self::PreferVerified if endpoint.is_local() => vec![PREFER, PLAIN],
            Self::Usual => vec![FULL],
            Self::PreferVerified => vec![(SslMode::Prefer, Verify::ChainAndHost)],
        }
    }
}

/// Which of several servers will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// A server, configured.
#[derive(Clone)]
pub(crate) struct Server {
    /// Everything but hosts, password and TLS.
    pub(crate) base: Config,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) passfile: Option<Passfile>,
    pub(crate) tls_mode: TlsMode,
    pub(crate) tls: TlsOptions,
    pub(crate) target: Target,
    pub(crate) shuffle: bool,
    pub(crate) timeout: Duration,
}

impl Server {
    /// The database's name; the server takes the user's where none is given.
    pub(crate) fn database(&self) -> &str {
        self.base.get_dbname().or(self.base.get_user()).unwrap_or("postgres")
    }
}

/// Reads a variable of the environment.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Parameters that a variable gives where the connection string does not.
const VARIABLES: &[(&str, &str)] = &[
    ("PGHOST", "host"),
    ("PGHOSTADDR", "hostaddr"),
    ("PGPORT", "port"),
    ("PGUSER", "user"),
    ("PGPASSWORD", "password"),
    ("PGPASSFILE", "passfile"),
    ("PGDATABASE", "dbname"),
    ("PGOPTIONS", "options"),
    ("PGAPPNAME", "application_name"),
    ("PGCONNECT_TIMEOUT", "connect_timeout"),
    ("PGCHANNELBINDING", "channel_binding"),
    ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
    ("PGSSLMODE", "sslmode"),
    ("PGSSLROOTCERT", "sslrootcert"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLSNI", "sslsni"),
    ("PGSSLNEGOTIATION", "sslnegotiation"),
    ("PGGSSENCMODE", "gssencmode"),
];

/// Variables that change what libpq does and that we do not follow: better refused than ignored.
const REFUSED_VARIABLES: &[&str] =
    &["PGSERVICE", "PGREQUIREAUTH", "PGREQUIREPEER", "PGREQUIRESSL", "PGSSLCRL", "PGSSLCRLDIR"];

/// Reads a connection string, with the environment's values where it says nothing.
pub(crate) fn server(text: &str, environment: Environment<'_>) -> Result<Server, BackendError> {
    let mut parameters = parse(text)?;
    if let Some(name) = REFUSED_VARIABLES.iter().find(|name| environment(name).is_some_and(|value| !value.is_empty())) {
        return Err(invalid(format!("the variable {name} is set, and its meaning is not supported"))
            .with_hint("unset it, and say what you need in the URL"));
    }
    // A host in the string is not to be reached at an address of the environment.
    let host_given = parameters.contains_key("host") || parameters.contains_key("hostaddr");
    for (variable, name) in VARIABLES {
        let unwanted = host_given && matches!(*name, "host" | "hostaddr");
        if let Some(value) = environment(variable).filter(|value| !value.is_empty() && !unwanted) {
            parameters.entry((*name).to_owned()).or_insert(value);
        }
    }
    let home = environment("HOME").or_else(|| environment("USERPROFILE")).map(PathBuf::from);
    Reading { parameters, environment, home }.server()
}

struct Reading<'a> {
    parameters: Parameters,
    environment: Environment<'a>,
    home: Option<PathBuf>,
}

impl Reading<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// One of some words; the error names the parameter and the words, not the value.
    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)], usual: T) -> Result<T, BackendError> {
        let Some(value) = self.get(name) else { return Ok(usual) };
        words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            invalid(format!("the value of `{name}` is not one that it takes"))
                .with_hint(format!("it takes: {}", all.join(", ")))
        })
    }

    fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, BackendError> {
        self.get(name)
            .map(|value| {
                value.trim().parse().map_err(|_| invalid(format!("the value of `{name}` is no number that it takes")))
            })
            .transpose()
    }

    fn server(&self) -> Result<Server, BackendError> {
        if let Some(encoding) = self.get("client_encoding") {
            let plain = encoding.to_ascii_lowercase().replace('-', "");
            if !matches!(plain.as_str(), "utf8" | "auto" | "unicode") {
                return Err(invalid("the client encoding is always UTF-8").with_hint("leave client_encoding out"));
            }
        }
        self.word("gssencmode", &[("disable", ()), ("prefer", ())], ())?;
        let timeout = match self.number::<i64>("connect_timeout")? {
            None => CONNECT_TIMEOUT,
            // libpq waits for ever there; a session that never comes helps nobody.
            Some(seconds) if seconds <= 0 => Duration::from_secs(24 * 3600),
            Some(seconds) => Duration::from_secs(seconds.unsigned_abs().max(2)),
        };
        Ok(Server {
            base: self.base(timeout)?,
            endpoints: self.endpoints()?,
            passfile: self.passfile(),
            tls_mode: self.tls_mode()?,
            tls: self.tls()?,
            target: self.target()?,
            shuffle: self.word("load_balance_hosts", &[("disable", false), ("random", true)], false)?,
            timeout,
        })
    }

    fn base(&self, timeout: Duration) -> Result<Config, BackendError> {
        let mut config = Config::new();
        let user = self.get("user").map(str::to_owned);
        if let Some(user) = user.or_else(|| (self.environment)("USER")).or_else(|| (self.environment)("LOGNAME")) {
            config.user(user);
        }
        if let Some(password) = self.get("password") {
            config.password(password);
        }
        if let Some(database) = self.get("dbname") {
            config.dbname(database);
        }
        if let Some(options) = self.get("options") {
            config.options(options);
        }
        let name = self.get("application_name").or_else(|| self.get("fallback_application_name"));
        config.application_name(name.unwrap_or(APPLICATION_NAME)).connect_timeout(timeout);
        let binding = [
            ("disable", ChannelBinding::Disable),
            ("prefer", ChannelBinding::Prefer),
            ("require", ChannelBinding::Require),
        ];
        config.channel_binding(self.word("channel_binding", &binding, ChannelBinding::Prefer)?);
        let negotiation = [("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)];
        config.ssl_negotiation(self.word("sslnegotiation", &negotiation, SslNegotiation::Postgres)?);
        self.keepalives(&mut config)?;
        Ok(config)
    }

    /// Without them a network that goes silent is not noticed for hours.
    fn keepalives(&self, config: &mut Config) -> Result<(), BackendError> {
        let seconds = |name: &str, usual: u64| -> Result<Duration, BackendError> {
            Ok(Duration::from_secs(self.number::<u64>(name)?.filter(|seconds| *seconds > 0).unwrap_or(usual)))
        };
        let retries = match self.number("keepalives_count")? {
            Some(count) => Some(count),
            None => self.number("keepalives_retries")?,
        };
        config
            .keepalives(self.word("keepalives", &[("0", false), ("1", true)], true)?)
            .keepalives_idle(seconds("keepalives_idle", 30)?)
            .keepalives_interval(seconds("keepalives_interval", 10)?)
            .keepalives_retries(retries.filter(|count| *count > 0).unwrap_or(3));
        match self.number::<u64>("tcp_user_timeout")? {
            None => config.tcp_user_timeout(Duration::from_secs(60)),
            Some(0) => config,
            Some(ms) => config.tcp_user_timeout(Duration::from_millis(ms)),
        };
        Ok(())
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).map_or_else(Vec::new, |value| value.split(',').map(str::trim).collect())
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, BackendError> {
        let hosts = self.list("host");
        let addresses = self.list("hostaddr");
        let ports = self.list("port");
        let count = hosts.len().max(addresses.len()).max(1);
        if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
            return Err(invalid("`host` and `hostaddr` name different numbers of servers"));
        }
        if ports.len() > 1 && ports.len() != count {
            return Err(invalid("`port` and `host` name different numbers of servers"));
        }
        (0..count)
            .map(|index| {
                let port = ports.get(index).or(ports.first()).copied().unwrap_or("");
                let port = if port.is_empty() { Ok(DEFAULT_PORT) } else { port.parse() };
                let port = port.ok().filter(|port| *port != 0);
                let port = port.ok_or_else(|| {
                    invalid("a value of `port` is not a number from 1 to 65535").with_hint("leave it out for 5432")
                })?;
                let address: Option<IpAddr> = match addresses.get(index).copied().filter(|address| !address.is_empty())
                {
                    None => None,
                    Some(address) => {
                        Some(address.parse().map_err(|_| invalid("a value of `hostaddr` is no IP address"))?)
                    }
                };
                let host = match (hosts.get(index).copied().filter(|host| !host.is_empty()), address) {
                    (Some(host), _) => place(host),
                    (None, Some(address)) => Place::Tcp(address.to_string()),
                    (None, None) => usual_place(port),
                };
                Ok(Endpoint { host, address, port })
            })
            .collect()
    }

    fn passfile(&self) -> Option<Passfile> {
        let named = self.get("passfile").map(|path| Passfile { path: PathBuf::from(path), named: true });
        named.or_else(|| self.home.as_ref().map(|home| Passfile { path: home.join(".pgpass"), named: false }))
    }

    fn tls_mode(&self) -> Result<TlsMode, BackendError> {
        let modes = [
            ("disable", TlsMode::Disable),
            ("allow", TlsMode::Allow),
            ("prefer", TlsMode::Prefer),
            ("require", TlsMode::Require),
            ("verify-ca", TlsMode::VerifyCa),
            ("verify-full", TlsMode::VerifyFull),
        ];
        let mode = self.word("sslmode", &modes, TlsMode::Usual)?;
        if self.get("sslrootcert") != Some("system") {
            return Ok(mode);
        }
        match mode {
            TlsMode::Usual | TlsMode::VerifyFull => Ok(TlsMode::VerifyFull),
            _ => Err(invalid("sslrootcert=system goes with sslmode=verify-full only")),
        }
    }

    fn tls(&self) -> Result<TlsOptions, BackendError> {
        let usual = |name: &str| {
            self.home.as_ref().map(|home| home.join(".postgresql").join(name)).filter(|path| path.exists())
        };
        let file = |name: &str, usual_name: &str| self.get(name).map(PathBuf::from).or_else(|| usual(usual_name));
        Ok(TlsOptions {
            roots: match self.get("sslrootcert") {
                None => Roots::Usual,
                Some("system") => Roots::System,
                Some(path) => Roots::File(PathBuf::from(path)),
            },
            certificate: file("sslcert", "postgresql.crt"),
            key: file("sslkey", "postgresql.key"),
            sni: self.word("sslsni", &[("0", false), ("1", true)], true)?,
            home: self.home.clone(),
        })
    }

    fn target(&self) -> Result<Target, BackendError> {
        let words = [
            ("any", Target::Any),
            ("read-write", Target::ReadWrite),
            ("read-only", Target::ReadOnly),
            ("primary", Target::Primary),
            ("standby", Target::Standby),
            ("prefer-standby", Target::PreferStandby),
        ];
        self.word("target_session_attrs", &words, Target::Any)
    }
}

fn place(host: &str) -> Place {
    if host.starts_with('/') { Place::Socket(PathBuf::from(host)) } else { Place::Tcp(host.to_owned()) }
}

/// Where a server on this machine listens.
fn usual_place(port: u16) -> Place {
    let sockets = ["/var/run/postgresql", "/tmp"].map(Path::new);
    let found = sockets.into_iter().find(|folder| cfg!(unix) && folder.join(format!(".s.PGSQL.{port}")).exists());
    found.map_or_else(|| Place::Tcp("localhost".to_owned()), |folder| Place::Socket(folder.to_owned()))
}

/// A caller's configuration, with what it leaves out.
pub(crate) fn from_config(config: &Config) -> Result<Server, BackendError> {
    let hosts = config.get_hosts();
    let addresses = config.get_hostaddrs();
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(invalid("the configuration names different numbers of hosts and addresses"));
    }
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(invalid("the configuration names no host"));
    }
    let ports = config.get_ports();
    if ports.len() > 1 && ports.len() != count {
        return Err(invalid("the configuration names different numbers of hosts and ports"));
    }
    let endpoints = (0..count)
        .map(|index| {
            let address = addresses.get(index).copied();
            Endpoint {
                host: match (hosts.get(index), address) {
                    (Some(Host::Tcp(host)), _) => Place::Tcp(host.clone()),
                    #[cfg(unix)]
                    (Some(Host::Unix(path)), _) => Place::Socket(path.clone()),
                    (_, Some(address)) => Place::Tcp(address.to_string()),
                    (_, None) => Place::Tcp("localhost".to_owned()),
                },
                address,
                port: ports.get(index).or(ports.first()).copied().unwrap_or(DEFAULT_PORT),
            }
        })
        .collect();
    let timeout = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    Ok(Server {
        base: without_place(config, timeout),
        endpoints,
        passfile: None,
        tls_mode: match config.get_ssl_mode() {
            SslMode::Disable => TlsMode::Disable,
            SslMode::Require => TlsMode::VerifyFull,
            _ => TlsMode::PreferVerified,
        },
        tls: TlsOptions {
            roots: Roots::Usual,
            certificate: None,
            key: None,
            sni: true,
            home: std::env::var_os("HOME").map(PathBuf::from),
        },
        target: match config.get_target_session_attrs() {
            TargetSessionAttrs::ReadWrite => Target::ReadWrite,
            TargetSessionAttrs::ReadOnly => Target::ReadOnly,
            _ => Target::Any,
        },
        shuffle: config.get_load_balance_hosts() == LoadBalanceHosts::Random,
        timeout,
    })
}

/// A configuration without its hosts, which are tried one by one.
fn without_place(config: &Config, timeout: Duration) -> Config {
    let mut base = Config::new();
    if let Some(user) = config.get_user() {
        base.user(user);
    }
    if let Some(password) = config.get_password() {
        base.password(password);
    }
    if let Some(database) = config.get_dbname() {
        base.dbname(database);
    }
    if let Some(options) = config.get_options() {
        base.options(options);
    }
    base.application_name(config.get_application_name().unwrap_or(APPLICATION_NAME))
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .connect_timeout(timeout)
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle());
    if let Some(interval) = config.get_keepalives_interval() {
        base.keepalives_interval(interval);
    }
    if let Some(retries) = config.get_keepalives_retries() {
        base.keepalives_retries(retries);
    }
    if let Some(timeout) = config.get_tcp_user_timeout() {
        base.tcp_user_timeout(*timeout);
    }
    base
}

#[cfg(test)]
mod tests;
