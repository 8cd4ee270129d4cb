//! The demo application and its organisation, which OfficeRND has from the start.

/// The client id of the demo application.
pub const DEMO_CLIENT_ID: &str = "Qm7RtX2bLw9ZsK4d";
/// The client secret of the demo application.
pub const DEMO_CLIENT_SECRET: &str = "v8YpN3cGh6TfJ1aWx5EuD0rBk2MzQ9sL";
/// The redirect URI of the demo application, besides any on loopback.
pub const DEMO_REDIRECT_URI: &str = "https://app.example/integration/connect";
/// The organisation of the demo application. Its administrator is the person at the consent page.
pub const DEMO_ORGANIZATION: &str = "demo-space";
/// The integration id that is returned with a code.
pub const DEMO_INTEGRATION: &str = "5f1d7c3e9b2a4c0012ab34cd";
/// The permissions of the demo application: every scope that it may request.
pub const DEMO_PERMISSIONS: [&str; 4] =
    ["officernd.api.read", "officernd.api.write", "flex.community.members.read", "flex.space.locations.read"];
