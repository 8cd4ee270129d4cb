//! A token with octo-auth-blocking.

use octo_auth_blocking::{Accounts, Client, Key, Profile, Scopes};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::new(Profile::rfc6749("https://login.example/token")?, "id", "secret")?;
    let tokens = Accounts::new(client)?.tokens(Key::client_credentials(&Scopes::none()))?;
    println!("{:?}", tokens.get()?.validity());
    Ok(())
}
