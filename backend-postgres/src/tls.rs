//! TLS by rustls: what is verified, and against which authorities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_postgres_rustls::MakeRustlsConnect;
use whimbrel_core::{BackendError, BackendErrorKind};

/// What is verified of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verify {
    /// Nothing but that the server holds its key: only where somebody asked for it.
    Nothing,
    /// That a trusted authority signed it.
    Chain,
    /// And that it is of the host that was asked for.
    ChainAndHost,
}

/// Where the trusted authorities come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// `~/.postgresql/root.crt` where it is, the system's otherwise.
    Usual,
    /// The system's.
    System,
    /// A PEM file.
    File(PathBuf),
}

/// The TLS parameters of a connection.
#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    pub(crate) roots: Roots,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) sni: bool,
    pub(crate) home: Option<PathBuf>,
}

impl TlsOptions {
    /// Makes the connector; reads files.
    pub(crate) fn connector(&self, verify: Verify) -> Result<MakeRustlsConnect, BackendError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = self.verifier(verify, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| config("TLS cannot be set up").with_source(error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut made = match &self.certificate {
            None => builder.with_no_client_auth(),
            Some(certificate) => {
                let key = self.key.as_ref().ok_or_else(|| config("sslcert is given without sslkey"))?;
                let chain = certificates(certificate, "sslcert")?;
                builder.with_client_auth_cert(chain, private_key(key)?).map_err(|error| {
                    config("the client certificate and its key do not fit")
                        .with_hint("look at sslcert and sslkey")
                        .with_source(error)
                })?
            }
        };
        made.enable_sni = self.sni;
        Ok(MakeRustlsConnect::new(made))
    }

    fn verifier(
        &self,
        verify: Verify,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, BackendError> {
        if verify == Verify::Nothing {
            return Ok(Arc::new(Unverified(Arc::clone(provider))));
        }
        let roots = self.trusted()?;
        let mut store = RootCertStore::empty();
        let (taken, _) = store.add_parsable_certificates(roots.iter().cloned());
        if taken == 0 {
            return Err(config("there is no trusted certificate authority to verify the server with")
                .with_hint("give one with sslrootcert=FILE"));
        }
        let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
            .build()
            .map_err(|error| config("the trusted certificates cannot be used").with_source(error))?;
        Ok(Arc::new(Verifier { inner, roots, host: verify == Verify::ChainAndHost }))
    }

    fn trusted(&self) -> Result<Vec<CertificateDer<'static>>, BackendError> {
        match &self.roots {
            Roots::File(path) => certificates(path, "sslrootcert"),
            Roots::System => Ok(system_roots()),
            Roots::Usual => {
                let usual =
                    self.home.as_ref().map(|home| home.join(".postgresql/root.crt")).filter(|path| path.exists());
                usual.map_or_else(|| Ok(system_roots()), |path| certificates(&path, "sslrootcert"))
            }
        }
    }
}

fn system_roots() -> Vec<CertificateDer<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted certificate of the system cannot be read");
    }
    found.certs
}

fn certificates(path: &Path, parameter: &str) -> Result<Vec<CertificateDer<'static>>, BackendError> {
    let unreadable = |error: rustls_pki_types::pem::Error| {
        config(format!("the certificate file {} cannot be read", path.display()))
            .with_hint(format!("look at {parameter}"))
            .with_source(error)
    };
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if found.is_empty() {
        return Err(
            config(format!("there is no certificate in {}", path.display())).with_hint(format!("look at {parameter}"))
        );
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, BackendError> {
    refuse_readable_key(path)?;
    PrivateKeyDer::from_pem_file(path).map_err(|error| {
        config(format!("the key file {} cannot be read", path.display()))
            .with_hint("it must be an unencrypted key in PEM form")
            .with_source(error)
    })
}

#[cfg(unix)]
fn refuse_readable_key(path: &Path) -> Result<(), BackendError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Ok(file) = path.metadata() else { return Ok(()) };
    let others = if file.uid() == 0 { 0o037 } else { 0o077 };
    if file.permissions().mode() & others == 0 {
        return Ok(());
    }
    Err(config(format!("the key file {} can be read by others", path.display())).with_hint("say `chmod 600` on it"))
}

#[cfg(not(unix))]
fn refuse_readable_key(_: &Path) -> Result<(), BackendError> {
    Ok(())
}

fn config(message: impl Into<String>) -> BackendError {
    BackendError::new(BackendErrorKind::Config, message)
}

/// Takes any certificate, but only of a server that holds its key.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Verifies against authorities, with two things that libpq allows and the verifier within does not.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    roots: Vec<CertificateDer<'static>>,
    host: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at last, so the rest was right where only the name is wrong.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.host => Ok(ServerCertVerified::assertion()),
            // A self-signed server that is itself the trusted certificate. Its dates were looked at before.
            Err(error) if is_authority_as_server(&error) && self.roots.iter().any(|root| root == certificate) => {
                if self.host {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The library has no variant for it.
fn is_authority_as_server(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::Other(other)) if other.to_string().contains("CaUsedAsEndEntity"))
}
