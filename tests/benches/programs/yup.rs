//! A token with yup-oauth2.

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let secret = yup_oauth2::read_authorized_user_secret("user.json").await.unwrap();
    let authenticator = yup_oauth2::AuthorizedUserAuthenticator::builder(secret).build().await.unwrap();
    let token = authenticator.token(&["https://www.googleapis.com/auth/cloud-platform"]).await.unwrap();
    println!("{:?}", token.expiration_time());
}
