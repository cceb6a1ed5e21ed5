//! TLS under `https`: whom a node trusts, and what is wrong with those whom it does not.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

use super::error::FetchError;

/// Makes sure who is at the other end of a connection, and speaks with nobody else from then on.
///
/// # Errors
/// If the host's certificate is not for it, not valid now, or signed by nobody whom the node trusts.
pub(super) async fn secure(
    stream: TcpStream,
    host: &str,
) -> Result<TlsStream<TcpStream>, FetchError> {
    let failed = |source| failure(host, source);
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|source| failed(io::Error::other(source)))?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|source| failed(io::Error::other(source)))?
        .with_root_certificates(trusted().await?)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, stream).await.map_err(failed)
}

/// Mozilla's authorities, and those of the file that a variable names: a lab's own.
async fn trusted() -> Result<RootCertStore, FetchError> {
    let authorities = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    let mut trusted: RootCertStore = authorities.collect();
    if let Some(path) = std::env::var_os(OWN).filter(|path| !path.is_empty()) {
        add(&mut trusted, Path::new(&path)).await?;
    }
    Ok(trusted)
}

async fn add(trusted: &mut RootCertStore, path: &Path) -> Result<(), FetchError> {
    let wrong = |why: String| FetchError::Authorities {
        path: path.to_owned(),
        why,
    };
    let text = tokio::fs::read(path).await;
    let text = text.map_err(|error| wrong(error.to_string()))?;
    let before = trusted.len();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        let added = trusted.add(certificate);
        added.map_err(|error| wrong(error.to_string()))?;
    }
    if trusted.len() == before {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    Ok(())
}

/// Explains a failure, and its remedy.
fn failure(host: &str, source: io::Error) -> FetchError {
    let inner = source.get_ref();
    let Some(Error::InvalidCertificate(wrong)) = inner.and_then(|e| e.downcast_ref::<Error>())
    else {
        let host = host.to_owned();
        return FetchError::Tls { host, source };
    };
    let why = match wrong {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "has expired; give the server a new one".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet; look at this machine's clock".to_owned()
        }
        CertificateError::NotValidForName => "is for another name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("is for other names: {}", presented.join(", "))
        }
        CertificateError::UnknownIssuer => format!(
            "is signed by nobody whom the node trusts; name a file of the signer's certificate, in \
             PEM, in the node's {OWN}"
        ),
        other => format!("is refused: {other}"),
    };
    let host = host.to_owned();
    FetchError::Certificate { host, why }
}

/// The variable that names a file of more authorities, as OpenSSL has it (`SSL_CTX_load_verify_locations(3)`).
const OWN: &str = "SSL_CERT_FILE";
