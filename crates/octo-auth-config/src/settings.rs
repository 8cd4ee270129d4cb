//! Reads the settings.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{ConfigError, Fault, Origin, Problem};
use crate::places::Places;
use crate::shared_file::shared_mode;
use crate::table::{CONFIG, Form, PREFIX, SETTINGS, Setting};
use crate::{file, form};

/// The longest file in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The settings of a program. Each value was read and checked.
#[derive(Clone)]
pub struct Settings {
    values: BTreeMap<&'static str, Value>,
    pub(crate) places: Places,
}

#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) text: Zeroizing<String>,
    pub(crate) origin: Origin,
}

impl Settings {
    /// Reads the file and the environment of this process.
    ///
    /// The file is `file`. If that is `None`, it is the one that `OCTO_AUTH_CONFIG` names, or the one in the
    /// user's directory if that exists.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of the file and of the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let environment: Vec<_> = std::env::vars_os().collect();
        let named = environment.iter().find(|(name, _)| name == CONFIG).map(|(_, value)| value);
        let (path, is_named) = match (file, named) {
            (Some(path), _) => (Some(path.to_owned()), true),
            (None, Some(value)) if value.is_empty() => {
                let origin = Some(Origin::Environment(CONFIG.to_owned()));
                return Err(Fault { name: CONFIG.to_owned(), origin, problem: Problem::Empty }.into());
            }
            (None, Some(value)) => (Some(PathBuf::from(value)), true),
            (None, None) => (places(&environment).config(), false),
        };
        // A file that exists and cannot be read must not be left out: it may say that the store is sealed.
        let Some(path) = path.filter(|path| is_named || !is_missing(path)) else {
            return Self::read(None, environment);
        };
        let shown = path.display().to_string();
        let (text, others) = read(&path).map_err(|why| Fault {
            name: "config".to_owned(),
            origin: None,
            problem: Problem::Unreadable(format!("{path:?}: {why}")),
        })?;
        let settings = Self::read(Some((&shown, &text)), environment)?;
        let is_secret =
            |name: &&str| Setting::named(name).is_some_and(|setting| setting.form == Form::Secret);
        let in_file = |value: &Value| matches!(value.origin, Origin::File { .. });
        let secret = settings.values.iter().find(|(name, value)| is_secret(name) && in_file(value));
        match (secret, others) {
            (Some((name, value)), Some(mode)) => {
                let (name, origin) = ((*name).to_owned(), Some(value.origin.clone()));
                Err(Fault { name, origin, problem: Problem::Permissions(path, mode) }.into())
            }
            _ => Ok(settings),
        }
    }

    /// Reads the content of a file and these variables. Errors show the given name of the file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every fault of both.
    pub fn read(
        file: Option<(&str, &str)>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let environment: Vec<_> = environment.into_iter().collect();
        let places = places(&environment);
        let (mut values, mut faults) = (BTreeMap::new(), places.check());
        let in_file = file.map(|(name, text)| file::entries(name, text)).transpose()?;
        for entry in in_file.into_iter().flatten() {
            take(
                &entry.name,
                Setting::named(&entry.name),
                entry.text,
                entry.origin,
                &mut values,
                &mut faults,
            );
        }
        for (variable, value) in &environment {
            let Some((variable, setting)) = named(variable) else { continue };
            let text = value.to_str().map(|text| Zeroizing::new(text.to_owned()));
            let origin = Origin::Environment(variable.clone());
            take(&variable, setting, text.ok_or(Problem::NotUtf8), origin, &mut values, &mut faults);
        }
        if let Some(secret) =
            values.get("client_secret").filter(|_| values.contains_key("client_secret_file"))
        {
            let (name, origin) = ("client_secret".to_owned(), Some(secret.origin.clone()));
            faults.insert(0, Fault { name, origin, problem: Problem::Twice("client_secret_file") });
        }
        ConfigError::all(faults)?;
        Ok(Self { values, places })
    }

    /// Sets a setting, and overrides the file and the environment. A secret also overrides a file that contains
    /// it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the setting does not exist or the text does not have its form. Also for a secret in an
    /// argument, because other users of the computer can see arguments.
    pub fn with(mut self, name: &str, text: &str, origin: Origin) -> Result<Self, ConfigError> {
        let setting = Setting::named(name);
        let is_seen = matches!(origin, Origin::Argument(_));
        let text = match setting {
            Some(Setting { form: Form::Secret, .. }) if is_seen => {
                let why =
                    "a secret is not taken from an argument, where other users of this computer can see it";
                Err(Problem::Value(why.to_owned()))
            }
            _ => Ok(Zeroizing::new(text.to_owned())),
        };
        if name == "client_secret" {
            self.values.remove("client_secret_file");
        }
        let mut faults = Vec::new();
        take(name, setting, text, origin, &mut self.values, &mut faults);
        ConfigError::all(faults)?;
        Ok(self)
    }

    /// Returns the source of a setting's value, or `None` if it is not set.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.values.get(name).map(|value| &value.origin)
    }

    /// Returns the text of a setting that is not a secret, or `None` if it is not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let setting = Setting::named(name).filter(|setting| setting.form != Form::Secret)?;
        self.text(setting.name)
    }

    /// Returns the value of a setting, if it is set.
    pub(crate) fn value(&self, name: &'static str) -> Option<&Value> {
        self.values.get(name)
    }

    pub(crate) fn text(&self, name: &'static str) -> Option<&str> {
        self.value(name).map(|value| value.text.as_str())
    }

    /// Returns a fault of a setting, with the place where it is set.
    pub(crate) fn fault(&self, name: &'static str, problem: Problem) -> ConfigError {
        let origin = self.value(name).map(|value| value.origin.clone());
        Fault { name: name.to_owned(), origin, problem }.into()
    }

    /// Returns a fault of a value that cannot be used.
    pub(crate) fn unusable(&self, name: &'static str, why: impl Into<String>) -> ConfigError {
        self.fault(name, Problem::Value(why.into()))
    }

    /// Returns the text of a required setting.
    pub(crate) fn needed(&self, name: &'static str, remedy: &str) -> Result<&str, ConfigError> {
        self.text(name).ok_or_else(|| self.fault(name, Problem::Missing(remedy.to_owned())))
    }
}

/// Shows the source of each value, and no value.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.values.iter().map(|(name, value)| (name, &value.origin))).finish()
    }
}

/// Returns whether there is no file, nor a link to a missing one.
fn is_missing(path: &Path) -> bool {
    let kind = path.symlink_metadata().map_err(|error| error.kind());
    matches!(kind, Err(ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn places(environment: &[(OsString, OsString)]) -> Places {
    let mut places = Places::default();
    for (variable, value) in environment {
        if let Some(variable) = variable.to_str() {
            places.note(variable, value);
        }
    }
    places
}

/// Returns the name of a variable that begins with the prefix, with its setting if there is one.
fn named(variable: &OsStr) -> Option<(String, Option<&'static Setting>)> {
    let variable = variable.to_string_lossy();
    if !variable.starts_with(PREFIX) || variable == CONFIG {
        return None;
    }
    let setting = SETTINGS.iter().find(|setting| setting.variable() == variable);
    Some((variable.into_owned(), setting))
}

/// Accepts a value, or records its fault.
fn take(
    name: &str,
    setting: Option<&'static Setting>,
    text: Result<Zeroizing<String>, Problem>,
    origin: Origin,
    values: &mut BTreeMap<&'static str, Value>,
    faults: &mut Vec<Fault>,
) {
    let taken = match setting {
        None => Err(Problem::Unknown(nearest(name))),
        Some(setting) => text.and_then(|text| {
            let checked = form::check(setting.form, &text);
            values.insert(setting.name, Value { text, origin: origin.clone() });
            checked
        }),
    };
    if let Err(problem) = taken {
        faults.push(Fault { name: name.to_owned(), origin: Some(origin), problem });
    }
}

/// Returns the setting name that was probably meant. At most a third of its letters differ.
fn nearest(name: &str) -> Option<String> {
    let is_variable = name.starts_with(PREFIX);
    let spelt = |setting: &Setting| if is_variable { setting.variable() } else { setting.name.to_owned() };
    let distance = |spelt: &String| strsim::osa_distance(spelt, name);
    let nearest = SETTINGS.iter().map(spelt).min_by_key(distance)?;
    let letters = nearest.len() - if is_variable { PREFIX.len() } else { 0 };
    (distance(&nearest) <= letters / 3).then_some(nearest)
}

/// Returns the text of a file, and its mode if other users can read or change it.
pub(crate) fn read(path: &Path) -> std::io::Result<(Zeroizing<String>, Option<u32>)> {
    let file = File::open(path)?;
    let mode = shared_mode(&file)?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(std::io::Error::other(format!("it is longer than {LONGEST} bytes")));
    }
    Ok((text, mode))
}
