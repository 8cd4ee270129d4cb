//! A token with reqwest alone.

#[tokio::main(flavor = "current_thread")]
async fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let form = [("grant_type", "client_credentials"), ("client_id", "id"), ("client_secret", "secret")];
    let answer = reqwest::Client::new().post("https://login.example/token").form(&form).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    println!("{}", answer["expires_in"]);
}
