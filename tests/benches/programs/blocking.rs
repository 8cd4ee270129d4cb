//! A token with octo-auth-blocking.

use octo_auth_blocking::{TokenManager, Client, TokenSpec, Profile, Scopes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?;
    let tokens = TokenManager::new(client)?.tokens(TokenSpec::client_credentials(&Scopes::none()))?;
    println!("{:?}", tokens.get()?.validity());
    Ok(())
}
