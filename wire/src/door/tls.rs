//! TLS: certificate and key from files, and what records say about a connection.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::{CipherSuite, NamedGroup, ProtocolVersion, ServerConfig, ServerConnection};

/// How a connection is protected, as `tlsDetails` spells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFacts {
    pub version: String,
    pub cipher_suite: String,
    pub key_exchange: Option<String>,
}

/// Reads certificate chain and key.
pub(crate) fn config(certificate: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let named =
        |path: &Path, why: String| io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {why}", path.display()));
    let open = |path: &Path| -> io::Result<io::BufReader<std::fs::File>> {
        std::fs::File::open(path).map(io::BufReader::new).map_err(|e| named(path, e.to_string()))
    };
    let chain: Vec<_> = rustls_pemfile::certs(&mut open(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|e| named(certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(named(certificate, "holds no certificate in PEM form".into()));
    }
    let private = rustls_pemfile::private_key(&mut open(key)?)
        .map_err(|e| named(key, e.to_string()))?
        .ok_or_else(|| named(key, "holds no private key in PEM form".into()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|e| named(certificate, e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What was agreed on.
pub(crate) fn facts(connection: &ServerConnection) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    let key_exchange = connection.negotiated_key_exchange_group().map(|group| group_name(group.name()));
    TlsFacts { version: version.into(), cipher_suite: suite.map_or_else(String::new, suite_name), key_exchange }
}

/// AWS names the suites of TLS 1.3 as IANA does, and those of TLS 1.2 as OpenSSL does.
fn suite_name(suite: CipherSuite) -> String {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256".into(),
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384".into(),
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256".into(),
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256".into(),
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384".into(),
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305".into(),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256".into(),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384".into(),
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305".into(),
        other => format!("{other:?}"),
    }
}

fn group_name(group: NamedGroup) -> String {
    match group {
        NamedGroup::X25519 => "x25519".into(),
        other => format!("{other:?}"),
    }
}
