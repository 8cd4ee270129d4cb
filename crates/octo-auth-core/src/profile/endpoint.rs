//! The URL of one endpoint, split into the base URL, the path and the query.

use std::borrow::Cow;

use super::{BaseUrl, BaseUrlError, Parameter, ProfileError, ProfileProblem, Template, Text};

/// An endpoint given as one URL.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) base: BaseUrl,
    pub(super) path: Text,
    pub(super) query: Option<Text>,
}

impl Endpoint {
    /// Parses the URL of an endpoint. Its query, if it has one, is kept unchanged.
    pub(super) fn new(field: &str, url: &str) -> Result<Self, ProfileError> {
        let fault = |cause| ProfileError::new(field, ProfileProblem::Url(cause));
        let (url, query) = match url.split_once('?') {
            Some((_, query)) if query.contains('#') => return Err(fault(BaseUrlError::Fragment)),
            Some((url, query)) => (url, Some(query).filter(|query| !query.is_empty())),
            None => (url, None),
        };
        BaseUrl::new(url.to_owned()).map_err(fault)?;
        let authority = url.find("://").map_or(0, |at| at + 3);
        let path = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let base = BaseUrl::new(url[..path].to_owned()).map_err(fault)?;
        let path = if path == url.len() { "/" } else { &url[path..] };
        Ok(Self { base, path: path.to_owned().into(), query: query.map(|query| query.to_owned().into()) })
    }

    /// Returns the query as fixed parameters, for a call whose parameters are in the query.
    pub(super) fn parameters(&self, field: &str) -> Result<Vec<Parameter>, ProfileError> {
        let query = self.query.as_deref().unwrap_or_default();
        let parameter = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
            let value = Template::new(value.into_owned())
                .map_err(|cause| ProfileError::new(field, ProfileProblem::Template(cause)))?;
            Ok(Parameter { name: name.into_owned().into(), value })
        };
        form_urlencoded::parse(query.as_bytes()).map(parameter).collect()
    }
}
