//! TLS connections; the certificate of the server is verified.

use std::sync::Arc;

use octo_auth_core::Store;
use octo_auth_engines::Postgres;
use octo_auth_store_postgres::blocking::PostgresStore;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;

use crate::world::{code, config, in_schema, name};

fn trusting(certificate: &rcgen::Certificate) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth()
}

#[test]
fn a_server_is_reached_over_tls_and_only_one_whose_certificate_is_trusted() {
    if !Postgres::is_installed() {
        println!("skipped: it needs PostgreSQL");
        return;
    }
    let made = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (own, other) = (made(), made());
    let server = Postgres::with_tls(&own.cert.pem(), &own.signing_key.serialize_pem()).unwrap();
    let mut config = config(&server);
    config.ssl_mode(SslMode::Require);
    let open =
        |trusted| PostgresStore::connect(config.clone(), in_schema("inns").tls(trusting(trusted))).unwrap();
    let store = open(&own.cert);
    store.migrate().unwrap();
    assert_eq!(store.load(&name("inn")).unwrap(), None);
    assert!(
        store.doctor().unwrap().iter().any(|found| found.code == "tls" && found.text.contains("uses TLS"))
    );
    assert_eq!(code(&open(&other.cert).load(&name("inn")).unwrap_err()), "tls");
    let usual = PostgresStore::connect(config, in_schema("inns")).unwrap();
    assert_eq!(code(&usual.load(&name("inn")).unwrap_err()), "tls");
}
