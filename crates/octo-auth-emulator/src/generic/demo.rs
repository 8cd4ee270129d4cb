//! The demo clients, which every generic server has from the start.

/// The client id of the confidential demo client.
pub const DEMO_CLIENT_ID: &str = "demo-client";
/// The secret of the confidential demo client. Its special characters show whether a client form-encodes before base64.
pub const DEMO_CLIENT_SECRET: &str = "demo+secret:100% & more";
/// The client id of the public demo client, which has no secret and must use PKCE.
pub const PUBLIC_CLIENT_ID: &str = "public-demo-client";
/// The redirect URI of both demo clients, besides any on loopback.
pub const DEMO_REDIRECT_URI: &str = "https://client.example/callback";
