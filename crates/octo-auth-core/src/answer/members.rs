//! The members of an untrusted JSON object.
//!
//! Only the requested members are kept, each as a slice of the input; the rest is skipped. So memory does not
//! grow with the number of members, and a number is converted only on request. Duplicate members are
//! detected, even if their names are escaped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use crate::error::ErrorKind;
use crate::text::all_bytes;

/// The number of members whose slots need no separate allocation.
const USUAL: usize = 16;

/// The maximum nesting depth of arrays and objects.
const DEEPEST: usize = 128;

/// The requested members, by the positions of their names.
pub(crate) struct Members<'a> {
    usual: [Slot<'a>; USUAL],
    more: Vec<Slot<'a>>,
}

/// One requested member.
#[derive(Clone, Copy, Default)]
struct Slot<'a> {
    raw: Option<&'a str>,
    again: Again,
}

/// Whether a member occurs a second time.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Again {
    #[default]
    No,
    Same,
    Different,
}

/// One value of a JSON object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// A number as written.
    Number(&'a str),
    /// A string with its quotes and escapes.
    String(&'a str),
    Array(&'a str),
    Object(&'a str),
}

impl<'a> Members<'a> {
    /// Reads the named members of a JSON object.
    pub(crate) fn read(text: &'a str, names: &[&str]) -> Result<Self, ErrorKind> {
        Self::find(text, names.len(), place_in(names))
    }

    /// Reads the members of a JSON object whose names have a position below `count`.
    pub(crate) fn find(
        text: &'a str,
        count: usize,
        place: impl Fn(&str) -> Option<usize>,
    ) -> Result<Self, ErrorKind> {
        let begin = text.trim_ascii_start();
        if begin.is_empty() {
            return Err(ErrorKind::EmptyBody);
        }
        let mut members = Self::empty(count);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let object = Object { place, members: &mut members, deepest: DEEPEST - 1 };
        match deserializer.deserialize_any(object).and_then(|()| deserializer.end()) {
            Ok(()) => Ok(members),
            Err(_) if !begin.starts_with('{') && is_value(text) => Err(ErrorKind::NotObject),
            Err(_) => Err(ErrorKind::NotJson),
        }
    }

    /// Reads the named members of a JSON object that may be cut off. Only complete members are returned.
    pub(crate) fn of_beginning(text: &'a str, names: &[&str]) -> Self {
        Self::fill(text, names).0
    }

    /// Reads the named members of the complete JSON object at the beginning of a text.
    pub(crate) fn first(text: &'a str, names: &[&str]) -> serde_json::Result<Self> {
        let (members, read) = Self::fill(text, names);
        read.map(|()| members)
    }

    fn fill(text: &'a str, names: &[&str]) -> (Self, serde_json::Result<()>) {
        let mut members = Self::empty(names.len());
        let object = Object { place: place_in(names), members: &mut members, deepest: usize::MAX };
        let read = serde_json::Deserializer::from_str(text).deserialize_any(object);
        (members, read)
    }

    fn empty(count: usize) -> Self {
        let none = Slot::default();
        Self { usual: [none; USUAL], more: vec![none; count.saturating_sub(USUAL)] }
    }

    fn slot(&self, place: usize) -> Option<&Slot<'a>> {
        self.usual.get(place).or_else(|| self.more.get(place - USUAL))
    }

    fn slot_mut(&mut self, place: usize) -> Option<&mut Slot<'a>> {
        match self.usual.get_mut(place) {
            Some(slot) => Some(slot),
            None => self.more.get_mut(place - USUAL),
        }
    }

    /// Returns all members of a small object with their names, raw.
    pub(crate) fn all(text: &'a str) -> Vec<(Cow<'a, str>, &'a str)> {
        Self::every(text).unwrap_or_default()
    }

    /// Returns all members of an object with their names, raw; an error if the text is not one object.
    pub(crate) fn every(text: &'a str) -> serde_json::Result<Vec<(Cow<'a, str>, &'a str)>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Every)?;
        deserializer.end()?;
        Ok(members)
    }

    /// Returns the value of the member at this position; `None` if it is absent.
    pub(crate) fn value(&self, place: usize) -> Option<Value<'a>> {
        Some(Value::of(self.slot(place)?.raw?))
    }

    /// Returns whether the member occurs a second time.
    pub(crate) fn again(&self, place: usize) -> Again {
        self.slot(place).map_or(Again::No, |slot| slot.again)
    }

    /// Returns whether one of the first `count` members contains a byte.
    pub(crate) fn contain(&self, count: usize, byte: u8) -> bool {
        let raw = (0..count).filter_map(|place| self.slot(place)?.raw);
        raw.into_iter().any(|raw| raw.as_bytes().contains(&byte))
    }
}

impl<'a> Value<'a> {
    pub(crate) fn of(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            Some(b'"') => Self::String(raw),
            Some(b'{') => Self::Object(raw),
            Some(b'[') => Self::Array(raw),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(raw),
        }
    }

    /// Returns whether it is `null` or an empty string.
    pub(crate) fn is_empty(self) -> bool {
        matches!(self, Self::Null | Self::String("\"\""))
    }

    /// Returns the text of a string; `None` for other values and for lone surrogates.
    pub(crate) fn text(self) -> Option<String> {
        self.borrowed_text().map(Cow::into_owned)
    }

    /// As [`Value::text`], but borrowed if the string has no escapes.
    pub(crate) fn borrowed_text(self) -> Option<Cow<'a, str>> {
        let Self::String(raw) = self else { return None };
        match raw.strip_prefix('"')?.strip_suffix('"')? {
            plain if all_bytes(plain, |byte| byte != b'\\') => Some(Cow::Borrowed(plain)),
            _ => serde_json::from_str(raw).ok().map(Cow::Owned),
        }
    }

    /// Returns the text of a string, or any other value as written; `None` for `null` and for lone
    /// surrogates.
    pub(crate) fn text_or_json(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::String(_) => self.text(),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(raw) | Self::Array(raw) | Self::Object(raw) => Some(raw.to_owned()),
        }
    }

    /// Returns the elements of an array of strings.
    pub(crate) fn texts(self) -> Option<Vec<Cow<'a, str>>> {
        let Self::Array(raw) = self else { return None };
        let texts: Vec<Text<'_>> = serde_json::from_str(raw).ok()?;
        Some(texts.into_iter().map(|Text(text)| text).collect())
    }

    /// Returns the raw elements of an array; empty for other values.
    pub(crate) fn elements(self) -> Vec<&'a str> {
        let Self::Array(raw) = self else { return Vec::new() };
        let elements: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
        elements.into_iter().map(RawValue::get).collect()
    }

    /// Returns the first element of an array, raw.
    pub(crate) fn first_element(self) -> Option<&'a str> {
        self.elements().first().copied()
    }

    /// Returns a string or an integer as text: servers send ids as either.
    pub(crate) fn id(self) -> Option<String> {
        match self {
            Self::Number(raw) if raw.len() <= 20 && raw.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(raw.to_owned())
            }
            _ => self.text(),
        }
    }
}

/// Fills the slots of the names that have a position. Members read before an error are kept.
struct Object<'m, 'de, F> {
    place: F,
    members: &'m mut Members<'de>,
    /// The maximum nesting depth of arrays and objects in a member.
    deepest: usize,
}

impl<'de, F: Fn(&str) -> Option<usize>> Visitor<'de> for Object<'_, 'de, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(place) = map.next_key_seed(Place(&self.place))? {
            let raw = map.next_value::<&'de RawValue>()?.get();
            if is_too_deep(raw, self.deepest) {
                return Err(A::Error::custom("arrays and objects lie too deep in one another"));
            }
            let Some(slot) = place.and_then(|place| self.members.slot_mut(place)) else { continue };
            match slot.raw {
                None => slot.raw = Some(raw),
                // This is decided already. Comparing again with a long first value would take quadratic time.
                Some(_) if slot.again == Again::Different => {}
                Some(first) if same_value(first, raw) => slot.again = Again::Same,
                Some(_) => slot.again = Again::Different,
            }
        }
        Ok(())
    }
}

/// Collects every member of an object.
struct Every;

impl<'de> Visitor<'de> for Every {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), raw)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            members.push((name, raw.get()));
        }
        Ok(members)
    }
}

/// A string, borrowed if it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// Returns whether two raw values are equal. Strings are compared after unescaping.
fn same_value(left: &str, right: &str) -> bool {
    let text = |raw| Value::of(raw).borrowed_text();
    left == right || matches!((text(left), text(right)), (Some(left), Some(right)) if left == right)
}

/// Returns a function that finds the position of a name in a list.
fn place_in(names: &[&str]) -> impl Fn(&str) -> Option<usize> {
    |name| names.iter().position(|wanted| *wanted == name)
}

/// Returns whether a text is one JSON value that is not nested too deeply.
fn is_value(text: &str) -> bool {
    !is_too_deep(text.trim_ascii_start(), DEEPEST) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns whether arrays and objects are nested deeper than in any real answer. Parsers of most languages
/// reject this too.
fn is_too_deep(value: &str, deepest: usize) -> bool {
    if value.len() <= deepest || !value.starts_with(['[', '{']) {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in value.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > deepest {
            return true;
        }
    }
    false
}

/// Finds the position of a member's name.
struct Place<'f, F>(&'f F);

impl<'de, F: Fn(&str) -> Option<usize>> DeserializeSeed<'de> for Place<'_, F> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<F: Fn(&str) -> Option<usize>> Visitor<'_> for Place<'_, F> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0(name))
    }
}
