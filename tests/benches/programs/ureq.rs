//! A token with ureq alone.

use ureq::tls::{RootCerts, TlsConfig};

fn main() {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    let form = [("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "secret")];
    let mut answer = agent.post("https://login.example/token").send_form(form).unwrap();
    let answer: serde_json::Value = answer.body_mut().read_json().unwrap();
    println!("{}", answer["expires_in"]);
}
