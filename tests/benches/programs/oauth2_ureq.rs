//! A token with oauth2 and ureq 2.

use oauth2::basic::BasicClient;
use oauth2::{ClientId, ClientSecret, TokenResponse, TokenUrl};

fn main() {
    let client = BasicClient::new(ClientId::new("id".to_owned()))
        .set_client_secret(ClientSecret::new("secret".to_owned()))
        .set_token_uri(TokenUrl::new("https://login.example/token".to_owned()).unwrap());
    let http = oauth2::ureq::AgentBuilder::new().redirects(0).build();
    let answer = client.exchange_client_credentials().request(&http).unwrap();
    println!("{:?}", answer.expires_in());
}
