//! Which certificates are taken, what is said about the others, and how one follows another.

mod support;

use relay_net::tls::{Certificate, KeyFiles, Look, ServedCertificate, TlsConfig, TlsError};
use relay_net::{NetLimits, ServerConfig};
use std::time::SystemTime;
use support::endpoints::Behaviour;
use support::tls::{Authority, connect, tls_config};
use support::{config, relay_with};
use tempfile::TempDir;

fn load(folder: &TempDir) -> Result<Certificate, TlsError> {
    KeyFiles::new(folder.path().join("chain.pem"), folder.path().join("key.pem")).load(SystemTime::now())
}

#[test]
fn every_defect_of_the_files_has_its_name_and_its_way_out() {
    let authority = Authority::new();
    let good = authority.issue(-1, 30);
    let folder = TempDir::new().unwrap();
    let (chain, key) = good.write(folder.path());
    load(&folder).expect("the good ones are taken");

    let defect = |what: &str, change: &dyn Fn()| {
        change();
        let error = load(&folder).unwrap_err();
        good.write(folder.path());
        assert!(!error.hint().is_empty());
        (error, what.to_owned())
    };
    let write = |path: &std::path::Path, text: &str| std::fs::write(path, text).unwrap();
    let other = authority.issue(-1, 30);
    let table = [
        defect("there is no such file", &|| std::fs::remove_file(&chain).unwrap()),
        defect("there is no such file", &|| std::fs::remove_file(&key).unwrap()),
        defect("there is no certificate", &|| write(&chain, "")),
        defect("there is no certificate", &|| write(&chain, &good.key)),
        defect("is malformed", &|| write(&chain, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        defect("is malformed", &|| write(&chain, &good.chain.repeat(11))),
        defect("no usable private key", &|| write(&key, "")),
        defect("no usable private key", &|| write(&key, &good.chain)),
        defect("does not belong to the certificate", &|| write(&key, &other.key)),
        defect("expired 2 days ago", &|| drop(authority.issue(-9, -2).write(folder.path()))),
        defect("is not valid yet", &|| drop(authority.issue(2, 9).write(folder.path()))),
        defect("is larger than", &|| write(&key, &" ".repeat(300_000))),
    ];
    for (error, what) in table {
        assert!(error.to_string().contains(&what), "{what}: {error}");
    }
    load(&folder).expect("and the good ones again");
}

#[test]
fn a_look_tells_what_is_new_once() {
    let authority = Authority::new();
    let folder = TempDir::new().unwrap();
    let (chain, key) = authority.issue(-1, 30).write(folder.path());
    let mut files = KeyFiles::new(chain.clone(), key);
    let now = SystemTime::now();
    files.load(now).unwrap();
    assert!(matches!(files.look(now), Look::Unchanged));
    std::fs::write(&chain, "half a file").unwrap();
    assert!(matches!(files.look(now), Look::Bad(TlsError::NoCertificate { .. })));
    assert!(matches!(files.look(now), Look::Unchanged), "said once");
    std::fs::remove_file(&chain).unwrap();
    assert!(matches!(files.look(now), Look::Bad(TlsError::Unreadable { .. })));
    assert!(matches!(files.look(now), Look::Unchanged), "said once");
    authority.issue(-1, 60).write(folder.path());
    assert!(matches!(files.look(now), Look::Changed(_)));
    assert!(matches!(files.look(now), Look::Unchanged));
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_stay() {
    let first = Authority::new();
    let second = Authority::new();
    let tls = tls_config(first.issue(-1, 30).certificate());
    let served = tls.certificate.clone();
    let days = |served: &ServedCertificate| served.facts(SystemTime::now()).unwrap().left_s / 86_400;
    assert!((29..=30).contains(&days(&served)), "{}", days(&served));
    let relay = relay_with(Behaviour::Echo, ServerConfig { tls: Some(tls), ..config(NetLimits::default()) }).await;
    let address = relay.server.local_addr();
    let open = connect(address, first.client_13()).await.unwrap();
    assert!(connect(address, second.client_13()).await.is_err(), "the control");
    served.set(second.issue(-1, 90).certificate());
    assert!((89..=90).contains(&days(&served)), "{}", days(&served));
    connect(address, second.client_13()).await.unwrap();
    assert!(connect(address, first.client_13()).await.is_err());
    relay.until("the old connection is open", |stats| stats.connections_open >= 1).await;
    drop(open);
}

#[tokio::test]
async fn without_a_certificate_handshakes_fail_until_there_is_one() {
    let authority = Authority::new();
    let served = ServedCertificate::new(None);
    assert_eq!(served.facts(SystemTime::now()), None);
    let tls = TlsConfig { certificate: served.clone(), hsts_max_age_s: 0, redirect: None };
    let relay = relay_with(Behaviour::Echo, ServerConfig { tls: Some(tls), ..config(NetLimits::default()) }).await;
    assert!(connect(relay.server.local_addr(), authority.client_13()).await.is_err());
    served.set(authority.issue(-1, 30).certificate());
    connect(relay.server.local_addr(), authority.client_13()).await.unwrap();
}

#[test]
fn what_proves_a_domain_can_be_shown_and_is_no_certificate_to_serve() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["relay.test".to_owned()]).unwrap();
    params.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(&[7; 32])];
    let (chain, key) = (params.self_signed(&key).unwrap().pem(), key.serialize_pem());
    let (chain, key) = ((chain.as_bytes(), "chain"), (key.as_bytes(), "key"));
    assert!(ServedCertificate::new(None).begin_challenge("relay.test", &Certificate::of_check(chain, key).unwrap()));
    assert!(matches!(Certificate::from_pem(chain, key), Err(TlsError::Malformed { .. })));
}

#[tokio::test]
async fn who_checks_a_domain_is_shown_what_was_made_for_it_and_nothing_else() {
    let authority = Authority::new();
    let tls = tls_config(Authority::new().issue(-1, 30).certificate());
    let served = tls.certificate.clone();
    let relay = relay_with(Behaviour::Echo, ServerConfig { tls: Some(tls), ..config(NetLimits::default()) }).await;
    let mut checker = (*authority.client_13()).clone();
    checker.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    let checker = std::sync::Arc::new(checker);
    let address = relay.server.local_addr();
    assert!(connect(address, checker.clone()).await.is_err(), "nothing is under check");
    assert!(served.begin_challenge("Relay.Test", &authority.issue(-1, 1).certificate()));
    connect(address, checker.clone()).await.unwrap();
    assert!(connect(address, authority.client_13()).await.is_err(), "others get the relay's own certificate");
    served.end_challenge("relay.test");
    assert!(connect(address, checker).await.is_err());
    let stats = relay.until("counted", |stats| stats.tls_challenges_total == 1).await;
    assert_eq!(stats.tls_handshakes_total, 0);
}
