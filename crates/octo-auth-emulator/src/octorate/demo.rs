//! The demo application and its properties, which Octorate has from the start.

/// The client id of the demo application.
pub const DEMO_CLIENT_ID: &str = "public_0123456789abcdef0123456789abcdef";
/// The client secret of the demo application.
pub const DEMO_CLIENT_SECRET: &str = "secret_fedcba9876543210fedcba9876543210ABCDEFGHIJ";
/// The redirect URI with which every application starts, as S2 states: without a trailing slash.
pub const DEMO_REDIRECT_URI: &str = "https://localhost";
/// The api key of the demo application under the old method, for `/identity/migrate`.
pub const DEMO_API_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// The property whose owner is at the consent page by default.
pub const DEMO_PROPERTY: &str = "100001";
/// A second property of the demo application.
pub const OTHER_PROPERTY: &str = "100002";
/// The e-mail address of [`DEMO_PROPERTY`]; creating another property with it is refused.
pub const DEMO_EMAIL: &str = "owner@aurora.example";
/// A network (master account) of the demo application; it contains [`OTHER_PROPERTY`].
pub const DEMO_NETWORK: &str = "Demo Network";
