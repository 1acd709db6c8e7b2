//! Whom the client trusts: a named bundle, or what the machine trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// Where distributions keep the certificates they trust.
const MACHINE_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// Why no TLS connection can be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("read certificates {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error("no bundle of trusted certificates was found; name one with --ca-bundle or AWS_CA_BUNDLE")]
    NoBundle,
}

/// A configuration that trusts `bundle`, or what the machine trusts.
pub fn trust(bundle: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let file = match bundle {
        Some(file) => file.to_owned(),
        None => MACHINE_BUNDLES.iter().map(PathBuf::from).find(|file| file.exists()).ok_or(TrustError::NoBundle)?,
    };
    let unreadable = |why: String| TrustError::Unreadable { file: file.clone(), why };
    let pem = std::fs::read(&file).map_err(|e| unreadable(e.to_string()))?;
    let certificates: Result<Vec<CertificateDer<'static>>, _> = rustls_pemfile::certs(&mut pem.as_slice()).collect();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates.map_err(|e| unreadable(e.to_string()))?);
    if added == 0 {
        return Err(unreadable("there is no certificate in it".into()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| unreadable(e.to_string()))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}
