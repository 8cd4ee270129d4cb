//! Other libraries that cache tokens, each set up offline: with a transport in memory if possible, otherwise with a
//! server on loopback.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::{
    Identity, IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityCache,
    SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, ClientOptions, HttpClient, Request, StatusCode, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use google_cloud_auth::credentials::{CacheableResource, Credentials, user_account};
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderValue};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use yup_oauth2::authenticator::Authenticator;
use yup_oauth2::external_account::ExternalAccountSecret;
use yup_oauth2::{CustomHyperClientBuilder, ExternalAccountAuthenticator};

use crate::server::{Origin, Server, TOKEN};

const DAY: Duration = Duration::from_secs(86_400);

/// Returns the header of a token.
pub(crate) fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).unwrap_or(HeaderValue::from_static("none"))
}

/// The lazy cache of the AWS SDK, with an identity that contains a token.
pub(crate) struct Aws {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

#[derive(Debug)]
struct Held(String);

#[derive(Debug)]
struct Resolver(Arc<Origin>);

impl ResolveIdentity for Resolver {
    fn resolve_identity<'a>(&'a self, _: &'a RuntimeComponents, _: &'a ConfigBag) -> IdentityFuture<'a> {
        IdentityFuture::new(async {
            self.0.answer().await;
            Ok(Identity::new(Held("a".repeat(TOKEN)), Some(SystemTime::now() + DAY)))
        })
    }
}

impl Aws {
    pub(crate) fn new(origin: &Arc<Origin>) -> Result<Self> {
        Self::with_partitions(origin, 64)
    }

    /// Creates a cache for the tokens of this count of accounts.
    pub(crate) fn with_partitions(origin: &Arc<Origin>, count: usize) -> Result<Self> {
        // The other components are never used.
        let components = RuntimeComponentsBuilder::for_tests()
            .with_time_source(Some(SystemTimeSource::new()))
            .with_sleep_impl(Some(TokioSleep::new()))
            .build()?;
        Ok(Self {
            cache: IdentityCache::lazy().max_partitions(count).build(),
            resolver: Self::account(origin),
            components,
            config: ConfigBag::base(),
        })
    }

    /// Returns one account.
    pub(crate) fn account(origin: &Arc<Origin>) -> SharedIdentityResolver {
        SharedIdentityResolver::new(Resolver(origin.clone()))
    }

    pub(crate) async fn identity(&self, account: &SharedIdentityResolver) -> Result<Identity> {
        let found = self.cache.resolve_cached_identity(account.clone(), &self.components, &self.config).await;
        found.map_err(|error| anyhow!("{error}"))
    }

    pub(crate) async fn header(&self) -> Result<HeaderValue> {
        let identity = self.identity(&self.resolver).await?;
        identity.data::<Held>().map(|held| bearer(&held.0)).context("another identity")
    }
}

/// `ClientSecretCredential` of azure_identity over a transport in memory.
#[derive(Clone)]
pub(crate) struct Azure(Arc<ClientSecretCredential>);

#[derive(Debug)]
struct InMemory(Arc<Origin>);

#[async_trait]
impl HttpClient for InMemory {
    async fn execute_request(&self, _: &Request) -> azure_core::Result<AsyncRawResponse> {
        Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), self.0.answer().await))
    }
}

impl Azure {
    pub(crate) fn new(origin: &Arc<Origin>) -> Result<Self> {
        let client_options = ClientOptions {
            transport: Some(Transport::new(Arc::new(InMemory(origin.clone())))),
            ..ClientOptions::default()
        };
        let options = ClientSecretCredentialOptions { client_options };
        let secret = Secret::new("secret");
        Ok(Self(ClientSecretCredential::new("tenant", "client".to_owned(), secret, Some(options))?))
    }

    pub(crate) async fn header(&self) -> Result<HeaderValue> {
        let token = self.0.get_token(&["https://api.example/.default"], None).await?;
        Ok(bearer(token.token.secret()))
    }
}

/// The credentials of a user in google-cloud-auth.
#[derive(Clone)]
pub(crate) struct Google(Credentials);

impl Google {
    /// From here on, it requests its first token in the background.
    pub(crate) fn new(server: &Server) -> Result<Self> {
        Ok(Self(user_account::Builder::new(user()).with_token_uri(server.url()).build()?))
    }

    pub(crate) async fn header(&self) -> Result<HeaderValue> {
        match self.0.headers(Extensions::new()).await? {
            CacheableResource::New { data, .. } => data.get(AUTHORIZATION).cloned().context("no header"),
            CacheableResource::NotModified => Err(anyhow!("no header")),
        }
    }
}

fn user() -> serde_json::Value {
    json!({ "type": "authorized_user", "client_id": "id", "client_secret": "secret", "refresh_token": "refresh" })
}

/// An external account in yup-oauth2, with its storage in memory.
#[derive(Clone)]
pub(crate) struct Yup(Authenticator<HttpConnector>);

impl Yup {
    /// `file` is a file with any text, which represents the token of the other identity provider.
    pub(crate) async fn new(server: &Server, file: &std::path::Path) -> Result<Self> {
        std::fs::write(file, "subject")?;
        let secret = json!({
            "type": "external_account", "audience": "api", "subject_token_type": "jwt",
            "token_url": server.url(), "credential_source": { "file": file },
        });
        let secret: ExternalAccountSecret = serde_json::from_value(secret)?;
        let client = HyperClient::builder(TokioExecutor::new()).build_http::<String>();
        let client = CustomHyperClientBuilder::from(client);
        Ok(Self(ExternalAccountAuthenticator::with_client(secret, client).build().await?))
    }

    pub(crate) async fn header(&self) -> Result<HeaderValue> {
        let token = self.0.token(&["read"]).await?;
        token.token().map(bearer).context("no token")
    }
}
