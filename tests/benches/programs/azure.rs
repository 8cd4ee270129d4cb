//! A token with azure_identity.

use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::ClientSecretCredential;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secret = Secret::new("secret");
    let credential = ClientSecretCredential::new("tenant", "client".to_owned(), secret, None).unwrap();
    let token = credential.get_token(&["https://management.azure.com/.default"], None).await.unwrap();
    println!("{:?}", token.expires_on);
}
