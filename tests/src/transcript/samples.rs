//! Sample answers, as the providers' documents and published samples show them.

/// Token answers of Octorate and OfficeRND, and one for each tolerated spelling.
pub(super) const TOKENS: [&str; 11] = [
    r#"{"access_token":"token","refresh_token":"myrefreshtoken","expireDate":"2026-01-01T17:41:51.178Z"}"#,
    r#"{"access_token":"token","expireDate":"2026-01-01T17:41:51.178Z"}"#,
    r#"{"access_token":"token","refresh_token":"r","expires_in":86400,"token_type":"bearer"}"#,
    r#"{"access_token":"d84b5bc0","token_type":"Bearer","expires_in":3599,"scope":" officernd.api.write"}"#,
    r#"{"access_token":"d84b5bc0","token_type":"Bearer","expires_in":3599,"refresh_token":"next"}"#,
    r#"{"accessToken":"token","expires_in":60}"#,
    r#"{"access_token":"one","accessToken":"other"}"#,
    r#"{"access_token":"token"}"#,
    r#"{"access_token":"token","token_type":"mac"}"#,
    r#"{"access_token":"token","token_type":"bearer","expires_in":60,"expireDate":"2026-01-01T01:00:00Z"}"#,
    r#"{"token":{"access_token":"token"}}"#,
];

/// Token answers of OctoTable, which uses `type` for the token type.
pub(super) const OCTOTABLE_TOKENS: [&str; 2] = [
    r#"{"access_token":"YOUR_ACCESS_TOKEN","expires_in":1440,"type":"Bearer"}"#,
    r#"{"access_token":"token","type":"mac"}"#,
];

/// Error bodies, each with a documented or reported status.
pub(super) const ERRORS: [(u16, &str); 10] = [
    (
        400,
        r#"{"element":"$.networkName","message":"Master account not found","nested":[],"type":"ApiParamsExemption"}"#,
    ),
    (403, r#"{"message":"errNoResourcesForIdentity","nested":[],"type":"ApiSecurityException"}"#),
    (
        404,
        r#"{"success":false,"error":{"code":"RESOURCE_NOT_FOUND","message":"No such table","class_name":"X"}}"#,
    ),
    (400, r#"{"message":"the application lacks the permission"}"#),
    (401, r#"{"error":"invalid_client","error_description":"unknown client"}"#),
    (400, r#"{"error":"invalid_grant"}"#),
    (401, ""),
    (415, ""),
    (429, "Too many requests, please try again later"),
    (550, r#"{"type":"ApiPartnerServerError","message":"m"}"#),
];

/// Refusals of the providers' APIs.
pub(super) const REFUSALS: [(u16, &str); 12] = [
    (401, ""),
    (401, r#"{"type":"ApiKeyInvalid","message":"m"}"#),
    (403, r#"{"type":"ApiLoginExpired","message":"Expired Token"}"#),
    (403, r#"{"type":"ApiSecurityException","message":"errNoResourcesForIdentity"}"#),
    (403, r#"{"type":"ApiQuotaException","message":"You've reached your quota limits"}"#),
    (403, r#"{"type":"WrongEnviroment","message":"m"}"#),
    (403, "Caller not in requested role"),
    (403, r#"{"success":false,"error":{"code":"FORBIDDEN","message":"m"}}"#),
    (404, ""),
    (429, ""),
    (500, ""),
    (550, r#"{"type":"ApiPartnerServerError","message":"m"}"#),
];

/// Answers of OctoTable's client creation.
pub(super) const CREATED_CLIENT: &str = r#"{"data":[{"client_id":"public_89","client_secret":"12404a0a","id":124,"username":"yourcompany100@demo.com","password":"yourCompany123!","properties":[{"enabled":true,"id":999641,"name":"Your Company SPA","position":{},"sandbox":true}],"redirect_uri":"http://your-webdite:80/main-page"}]}"#;

/// Answers of Octorate's property creation.
pub(super) const CREATED_PROPERTY: [(u16, &str); 4] = [
    (200, r#"{"status":"CREATED_ACCOMMODATION","id":"16997","refresh_token":"ffd7ML"}"#),
    (
        200,
        r#"{"status":"created","id":"323218","refresh_token":"ffd7ML","refresh_properties":["142322","323218"]}"#,
    ),
    (412, r#"{"status":"existing","id":"219642"}"#),
    (412, r#"{"status":"other","id":"219642"}"#),
];

/// Octorate's API configuration.
pub(super) const CONFIGURATION: &str = r#"{"environment":"SANDBOX","redirectUri":["https://localhost"],"active":true,"authorizationPages":[{"description":"Octorate Identity page","url":"https://admin.octorate.com/octobook/identity/oauth.xhtml"}]}"#;

/// The answer of RFC 7662 section 2.2, shortened.
pub(super) const INTROSPECTION: &str = r#"{"active":true,"client_id":"l238j323ds-23ij4","username":"jdoe","scope":"read write","sub":"Z5O3","exp":1419356238,"iat":1419350238}"#;
