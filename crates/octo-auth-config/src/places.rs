//! The directories of a user's files, by the XDG base directory specification.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Fault, Origin, Problem};

/// The variables that name a user's directories, as they are set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    home: Option<OsString>,
    config: Option<OsString>,
    state: Option<OsString>,
}

impl Places {
    /// Keeps the value of a variable if it is one of these. An empty value counts as not set, as in the
    /// specification.
    pub(crate) fn note(&mut self, variable: &str, value: &OsString) {
        let slot = match variable {
            "HOME" => &mut self.home,
            "XDG_CONFIG_HOME" => &mut self.config,
            "XDG_STATE_HOME" => &mut self.state,
            _ => return,
        };
        *slot = (!value.is_empty()).then(|| value.clone());
    }

    /// Checks the directories that are set.
    pub(crate) fn check(&self) -> Vec<Fault> {
        let set = [("XDG_CONFIG_HOME", &self.config), ("XDG_STATE_HOME", &self.state)];
        let is_relative = |value: &OsString| !Path::new(value).is_absolute();
        set.into_iter()
            .filter(|(_, value)| value.as_ref().is_some_and(is_relative))
            .map(|(variable, _)| Fault {
                name: variable.to_owned(),
                origin: Some(Origin::Environment(variable.to_owned())),
                problem: Problem::Value("it is no absolute path: write it from the root on".to_owned()),
            })
            .collect()
    }

    /// Returns the path of the settings file, or `None` without a home directory.
    pub(crate) fn config(&self) -> Option<PathBuf> {
        Some(self.base(self.config.as_ref(), ".config")?.join("octo-auth/config.toml"))
    }

    /// Returns the directory for tokens, or `None` without a home directory.
    pub(crate) fn state(&self) -> Option<PathBuf> {
        let below_home =
            if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/state" };
        Some(self.base(self.state.as_ref(), below_home)?.join("octo-auth"))
    }

    fn base(&self, set: Option<&OsString>, below_home: &str) -> Option<PathBuf> {
        let home = || Some(Path::new(self.home.as_ref()?).join(below_home));
        let base = set.map(PathBuf::from).or_else(home)?;
        base.is_absolute().then_some(base)
    }
}
