//! Certificates made on the spot, and a bridge that lets the byte-level client speak TLS without knowing it.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};
use relay_net::tls::{Certificate, ServedCertificate, TlsConfig};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, version};

pub const NAME: &str = "relay.test";
const DAY: Duration = Duration::from_secs(86_400);

/// A certificate authority of one test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Chain and key, PEM.
pub struct Issued {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "test authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for [`NAME`] that holds from `from_days` until `until_days`, both counted from now.
    pub fn issue(&self, from_days: i32, until_days: i32) -> Issued {
        let at = |days: i32| match u32::try_from(days) {
            Ok(days) => SystemTime::now() + DAY * days,
            Err(_) => SystemTime::now() - DAY * days.unsigned_abs(),
        };
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        (params.not_before, params.not_after) = (at(from_days).into(), at(until_days).into());
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// Who trusts this authority alone.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder.with_protocol_versions(versions).unwrap().with_root_certificates(roots);
        Arc::new(config.with_no_client_auth())
    }

    pub fn client_13(&self) -> Arc<ClientConfig> {
        self.client(&[&version::TLS13])
    }
}

impl Issued {
    pub fn certificate(&self) -> Certificate {
        Certificate::from_pem((self.chain.as_bytes(), "chain"), (self.key.as_bytes(), "key")).unwrap()
    }

    /// Writes both into `folder`.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
        std::fs::write(&chain, &self.chain).unwrap();
        std::fs::write(&key, &self.key).unwrap();
        (chain, key)
    }
}

pub fn tls_config(certificate: Certificate) -> TlsConfig {
    TlsConfig { certificate: ServedCertificate::new(Some(certificate)), hsts_max_age_s: 0, redirect: None }
}

pub async fn connect(to: SocketAddr, config: Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(to).await?;
    socket.set_nodelay(true)?;
    TlsConnector::from(config).connect(ServerName::try_from(NAME).unwrap(), socket).await
}

/// Listens on an address of its own; what comes there goes to `to` over TLS, and the other way.
pub fn bridge(to: SocketAddr, config: Arc<ClientConfig>) -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((mut plain, _)) = listener.accept().await {
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                plain.set_nodelay(true).unwrap();
                if let Ok(mut secure) = connect(to, config).await {
                    let _ = copy_bidirectional(&mut plain, &mut secure).await;
                }
            });
        }
    });
    address
}
