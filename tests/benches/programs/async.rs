//! A token with octo-auth-async.

use octo_auth_async::{TokenManager, Client, TokenSpec, Profile, Scopes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?;
    let tokens = TokenManager::new(client)?.tokens(TokenSpec::client_credentials(&Scopes::none()))?;
    println!("{:?}", tokens.get().await?.validity());
    Ok(())
}
