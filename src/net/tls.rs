//! TLS by rustls: the server's certificate, optional client certificates, and the certificate's hash for channel
//! binding.
//!
//! Owns: [`TlsOptions`], [`Tls`]. Specification: ssl-tcp.html; RFC 5929 section 4 (tls-server-end-point).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio_rustls::TlsAcceptor;

/// Whether connections are, may or must be encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    #[default]
    Off,
    Prefer,
    Require,
}

/// What the operator has decided about TLS.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    pub mode: TlsMode,
    /// PEM: the certificate, then its chain.
    pub certificate: Option<PathBuf>,
    /// PEM: the private key.
    pub key: Option<PathBuf>,
    /// PEM: the authorities whose certificates clients must show. None: clients need no certificate.
    pub client_ca: Option<PathBuf>,
    /// A client's certificate must be its user's: the common name is the user's name (clientcert=verify-full).
    pub verify_user: bool,
}

/// A ready acceptor.
#[derive(Clone)]
pub struct Tls {
    pub acceptor: TlsAcceptor,
    /// tls-server-end-point: the hash of our certificate.
    pub certificate_hash: Arc<[u8]>,
    /// Clients must show a certificate, so they must encrypt as well.
    pub needs_certificate: bool,
    /// It must be the user's.
    pub verify_user: bool,
}

impl Tls {
    /// Whether the client's certificate, if it has to be, is that user's.
    pub fn is_of(&self, certificate: Option<&[u8]>, user: &str) -> bool {
        !self.verify_user || certificate.and_then(common_name) == Some(user)
    }
}

impl Tls {
    /// Loads certificate and key; `None` when TLS is off. The error names the key and the file.
    pub fn load(options: &TlsOptions) -> Result<Option<Self>, String> {
        if options.mode == TlsMode::Off {
            return Ok(None);
        }
        let (Some(certificate), Some(key)) = (&options.certificate, &options.key) else {
            return Err("tls needs tls_cert_file and tls_key_file".to_owned());
        };
        let chain = certificates("TLS_CERT_FILE", certificate)?;
        let Some(first) = chain.first() else {
            return Err(format!("TLS_CERT_FILE = {}: there is no certificate in it", certificate.display()));
        };
        let certificate_hash = end_point_hash(first).into();
        let private_key = PrivateKeyDer::from_pem_file(key).map_err(|e| unreadable("TLS_KEY_FILE", key, &e))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        let builder = match &options.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for ca in certificates(CLIENT_CA, path)? {
                    roots.add(ca).map_err(|e| unreadable(CLIENT_CA, path, &e))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|e| unreadable(CLIENT_CA, path, &e))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder.with_single_cert(chain, private_key).map_err(|e| {
            format!("TLS_CERT_FILE = {} and TLS_KEY_FILE = {}: {e}", certificate.display(), key.display())
        })?;
        Ok(Some(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate_hash,
            needs_certificate: options.client_ca.is_some(),
            verify_user: options.verify_user,
        }))
    }
}

const CLIENT_CA: &str = "TLS_CLIENT_CA_FILE";

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|e| unreadable(key, path, &e))
}

fn unreadable(key: &str, path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("cannot use {key} = {}: {error}", path.display())
}

/// The certificate hashed with its signature's own hash; SHA-256 stands in for MD5 and SHA-1.
fn end_point_hash(certificate: &[u8]) -> Vec<u8> {
    // The last arcs of sha384/512WithRSAEncryption and ecdsa-with-SHA384/512.
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let algorithm = signature_algorithm(certificate).unwrap_or_default();
    match (algorithm.strip_prefix(RSA), algorithm.strip_prefix(ECDSA)) {
        (Some([0x0c]), _) | (_, Some([0x03])) => Sha384::digest(certificate).to_vec(),
        (Some([0x0d]), _) | (_, Some([0x04])) => Sha512::digest(certificate).to_vec(),
        _ => Sha256::digest(certificate).to_vec(),
    }
}

/// The OID of Certificate.signatureAlgorithm (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = der_element(certificate)?;
    let (_, rest) = der_element(body)?;
    let (algorithm, _) = der_element(rest)?;
    Some(der_element(algorithm)?.0)
}

/// The subject's first common name, as PostgreSQL takes it; none if it has a NUL in it or is no UTF-8.
fn common_name(certificate: &[u8]) -> Option<&str> {
    const VERSION: u8 = 0xa0;
    const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    const IA5: u8 = 0x16;
    let (body, _) = der_element(certificate)?;
    let (mut fields, _) = der_element(body)?;
    if fields.first() == Some(&VERSION) {
        fields = der_element(fields)?.1;
    }
    // Serial number, signature, issuer, validity.
    for _ in 0..4 {
        fields = der_element(fields)?.1;
    }
    let (mut subject, _) = der_element(fields)?;
    while !subject.is_empty() {
        let (mut set, rest) = der_element(subject)?;
        subject = rest;
        while !set.is_empty() {
            let (attribute, more) = der_element(set)?;
            set = more;
            let (kind, value) = der_element(attribute)?;
            if kind == COMMON_NAME {
                let known = matches!(value.first(), Some(&(UTF8 | PRINTABLE | IA5)));
                let name = std::str::from_utf8(der_element(value)?.0).ok();
                return name.filter(|name| known && !name.contains('\0'));
            }
        }
    }
    None
}

/// The content of the first DER element, and what follows it.
fn der_element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let first = *bytes.get(1)?;
    let (length, header) = match first {
        0..=0x7f => (first as usize, 2),
        0x81..=0x84 => {
            let count = (first & 0x7f) as usize;
            let digits = bytes.get(2..2 + count)?;
            (digits.iter().fold(0usize, |n, b| n << 8 | *b as usize), 2 + count)
        }
        _ => return None,
    };
    let end = header.checked_add(length)?;
    Some((bytes.get(header..end)?, bytes.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_name_is_found_and_garbage_is_not_fatal() {
        let mut parameters = rcgen::CertificateParams::new(vec!["other".to_owned()]).unwrap();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, "organization");
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "jürgen");
        let made = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(common_name(made.der()), Some("jürgen"));
        for end in 0..made.der().len() {
            let _ = common_name(&made.der()[..end]);
        }
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "postgres\0evil");
        let made = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(common_name(made.der()), None);
    }

    #[test]
    fn the_signature_algorithm_is_found_and_garbage_is_not_fatal() {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let oid = signature_algorithm(made.cert.der()).unwrap();
        assert_eq!(oid, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);
        assert_eq!(end_point_hash(made.cert.der()), Sha256::digest(made.cert.der()).to_vec());
        for bad in [&b""[..], b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x03\x30\x01"] {
            assert_eq!(signature_algorithm(bad), None);
        }
    }
}
