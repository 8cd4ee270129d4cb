//! The URL of one endpoint, taken apart into the base URL, the path and the fixed parameters a profile holds.

use super::{BaseUrl, Host, Parameter, ProfileError, ProfileProblem, Template, Text};

/// An endpoint given as one URL.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) base: BaseUrl,
    pub(super) path: Text,
    pub(super) parameters: Vec<Parameter>,
}

impl Endpoint {
    /// Reads the URL of an endpoint that has no query.
    pub(super) fn new(field: &str, url: &str) -> Result<Self, ProfileError> {
        let fault = |cause| ProfileError::new(field, ProfileProblem::Url(cause));
        BaseUrl::new(url.to_owned()).map_err(fault)?;
        let authority = url.find("://").map_or(0, |at| at + 3);
        let path = url[authority..].find('/').map_or(url.len(), |at| authority + at);
        let base = BaseUrl::new(url[..path].to_owned()).map_err(fault)?;
        let path = if path == url.len() { "/" } else { &url[path..] };
        Ok(Self { base, path: path.to_owned().into(), parameters: Vec::new() })
    }

    /// Reads the URL of an endpoint whose query becomes fixed parameters.
    pub(super) fn with_query(field: &str, url: &str) -> Result<Self, ProfileError> {
        let (url, query) = url.split_once('?').unwrap_or((url, ""));
        let mut endpoint = Self::new(field, url)?;
        if query.contains('#') {
            return Err(ProfileError::new(field, ProfileProblem::Url(super::BaseUrlError::Fragment)));
        }
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = Template::new(value.into_owned())
                .map_err(|cause| ProfileError::new(field, ProfileProblem::Template(cause)))?;
            endpoint.parameters.push(Parameter { name: name.into_owned().into(), value });
        }
        Ok(endpoint)
    }

    /// Gives the host entry of this endpoint under a name.
    pub(super) fn host(&self, name: Text, source: &'static str) -> Host {
        Host { name, url: self.base.clone(), source: source.into() }
    }
}
