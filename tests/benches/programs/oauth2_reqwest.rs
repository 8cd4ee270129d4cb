//! A token with oauth2 and its default client.

use oauth2::basic::BasicClient;
use oauth2::{ClientId, ClientSecret, TokenResponse, TokenUrl};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let client = BasicClient::new(ClientId::new("id".to_owned()))
        .set_client_secret(ClientSecret::new("secret".to_owned()))
        .set_token_uri(TokenUrl::new("https://login.example/token".to_owned()).unwrap());
    let http = oauth2::reqwest::Client::builder()
        .redirect(oauth2::reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = client.exchange_client_credentials().request_async(&http).await.unwrap();
    println!("{:?}", answer.expires_in());
}
