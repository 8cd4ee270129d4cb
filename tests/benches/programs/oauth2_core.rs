//! A request with oauth2, and an answer from a client that sends nothing.

use oauth2::basic::BasicClient;
use oauth2::{ClientId, ClientSecret, HttpRequest, HttpResponse, TokenResponse, TokenUrl};

fn main() {
    let client = BasicClient::new(ClientId::new("id".to_owned()))
        .set_client_secret(ClientSecret::new("secret".to_owned()))
        .set_token_uri(TokenUrl::new("https://login.example/token".to_owned()).unwrap());
    let send = |request: HttpRequest| -> Result<HttpResponse, std::io::Error> {
        println!("{request:?}");
        Ok(oauth2::http::Response::new(br#"{"access_token":"T","token_type":"bearer"}"#.to_vec()))
    };
    let answer = client.exchange_client_credentials().request(&send).unwrap();
    println!("{:?}", answer.expires_in());
}
