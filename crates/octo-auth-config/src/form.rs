//! Checks whether a text is a value of a form.

use std::path::Path;
use std::time::Duration;

use crate::error::Problem;
use crate::table::Form;

/// Checks a text from any source.
pub(crate) fn check(form: Form, text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::Empty);
    }
    if text.contains(char::is_control) {
        return Err(Problem::ControlCharacter);
    }
    let is_of_form = match form {
        Form::Text | Form::Secret | Form::Url | Form::Urls | Form::Words | Form::Addresses => true,
        Form::Duration => duration(text).is_some(),
        Form::Number => text.parse::<u32>().is_ok() && !text.starts_with('+'),
        Form::Flag => matches!(text, "true" | "false"),
        Form::OneOf(texts) => texts.contains(&text),
        Form::Path => Path::new(text).is_absolute(),
    };
    if is_of_form { Ok(()) } else { Err(Problem::Form(expected(form))) }
}

/// Reads a duration such as `1h30m`: whole numbers, each with its unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // The library accepts a zero without a unit.
    let has_unit = text.ends_with(|letter: char| letter.is_ascii_alphabetic());
    if is_plain && has_unit { humantime::parse_duration(text).ok() } else { None }
}

/// Describes the values of a form.
pub(crate) fn expected(form: Form) -> String {
    match form {
        Form::Duration => "a duration with a unit, such as `300s`, `5m` or `1h30m`".to_owned(),
        Form::Number => format!("a whole number from 0 to {}", u32::MAX),
        Form::OneOf([only]) => format!("`{only}`"),
        Form::OneOf(texts) => format!("one of `{}`", texts.join("`, `")),
        Form::Urls | Form::Words | Form::Addresses => "a text, or an array of texts".to_owned(),
        Form::Flag => "true or false".to_owned(),
        Form::Path => "an absolute path".to_owned(),
        Form::Text | Form::Secret | Form::Url => "a text".to_owned(),
    }
}
