//! A request and an answer with octo-auth-core.

use octo_auth_core::{Client, Now, Profile, Scopes, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?;
    let exchange = client.client_credentials(&Scopes::none())?;
    println!("{:?}", exchange.request());
    let now = Now { wall: Timestamp::from_unix_seconds(1_767_225_600), boot: std::time::Duration::ZERO };
    let response = http::Response::new(r#"{"access_token":"T","token_type":"Bearer"}"#);
    println!("{:?}", exchange.read(&response, now, now)?.value.lifetime());
    Ok(())
}
