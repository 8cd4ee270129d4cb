//! The settings file: names and texts, each with its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use crate::error::{Fault, Origin, Problem};
use crate::form;
use crate::table::{Form, Setting};

/// A value in the file.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// The text, or the reason why there is none.
    pub(crate) text: Result<Zeroizing<String>, Problem>,
}

/// Reads all values.
///
/// # Errors
///
/// A [`Fault`] if the text is not valid TOML. It shows no part of the text.
pub(crate) fn entries(file: &str, text: &str) -> Result<Vec<Entry>, Fault> {
    let reader = Reader { file, text };
    let table = DeTable::parse(text).map_err(|error| Fault {
        name: "config".to_owned(),
        origin: Some(reader.origin(&error.span().unwrap_or_default())),
        problem: Problem::NotToml(error.message().to_owned()),
    })?;
    let mut found = Vec::new();
    reader.walk(table.get_ref(), "", &mut found);
    Ok(found)
}

struct Reader<'t> {
    file: &'t str,
    text: &'t str,
}

impl Reader<'_> {
    fn walk(&self, table: &DeTable<'_>, parent: &str, found: &mut Vec<Entry>) {
        for (key, value) in table {
            let name = if parent.is_empty() {
                key.get_ref().to_string()
            } else {
                format!("{parent}.{}", key.get_ref())
            };
            match value.get_ref() {
                DeValue::Table(inner) => self.walk(inner, &name, found),
                _ => {
                    let form = Setting::named(&name).map_or(Form::Text, |setting| setting.form);
                    found.push(Entry { text: read(form, value), origin: self.origin(&key.span()), name });
                }
            }
        }
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Origin::File { file: self.file.to_owned(), line: before.matches('\n').count() + 1 }
    }
}

/// Returns the text of a TOML value: a string itself, or the text that other types of this form stand for.
fn read(form: Form, value: &Spanned<DeValue<'_>>) -> Result<Zeroizing<String>, Problem> {
    let wrong = || Problem::Form(form::expected(form));
    match (form, value.get_ref()) {
        (_, DeValue::String(text)) => Ok(Zeroizing::new(text.to_string())),
        (Form::Flag, DeValue::Boolean(flag)) => Ok(Zeroizing::new(flag.to_string())),
        (Form::Number, DeValue::Integer(number)) => Ok(Zeroizing::new(number.as_str().to_owned())),
        (Form::Urls | Form::Words | Form::Addresses, DeValue::Array(values)) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Ok(text.to_string()),
                _ => Err(wrong()),
            });
            let separator = if form == Form::Addresses { "," } else { " " };
            Ok(Zeroizing::new(texts.collect::<Result<Vec<_>, _>>()?.join(separator)))
        }
        _ => Err(wrong()),
    }
}
