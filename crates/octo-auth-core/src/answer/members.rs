//! The members of a JSON object, read without trusting it.
//!
//! Only the members asked for are kept, each as a slice of the input; the rest is skipped. So the memory used
//! does not grow with the number of members, and a number is never converted before somebody asks for it.
//! A member that stands twice is noticed, escaped names included.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::de::StrRead;
use serde_json::value::RawValue;

use crate::error::ErrorKind;

/// The members asked for, in the order of the names.
pub(crate) struct Members<'a> {
    slots: Vec<Slot<'a>>,
}

/// One member asked for.
#[derive(Clone, Copy)]
struct Slot<'a> {
    raw: Option<&'a str>,
    again: Again,
}

/// Whether a member stands a second time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    No,
    Same,
    Different,
}

/// One value of a JSON object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A string with its quotes and escapes.
    String(&'a str),
    Array(&'a str),
    Object(&'a str),
}

impl<'a> Members<'a> {
    /// Reads the named members of a JSON object.
    pub(crate) fn read(text: &'a str, names: &[&str]) -> Result<Self, ErrorKind> {
        if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Err(ErrorKind::EmptyBody);
        }
        let (slots, read) = Self::fill(text, names);
        match read {
            Ok(()) => Ok(Self { slots }),
            Err(error) if error.is_data() && serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                Err(ErrorKind::NotObject)
            }
            Err(_) => Err(ErrorKind::NotJson),
        }
    }

    /// Reads the named members of a JSON object that may be cut off: those that are complete.
    pub(crate) fn of_beginning(text: &'a str, names: &[&str]) -> Self {
        Self { slots: Self::fill(text, names).0 }
    }

    /// Reads the named members of the complete JSON object with which a text begins.
    pub(crate) fn first(text: &'a str, names: &[&str]) -> serde_json::Result<Self> {
        let (slots, read) = Self::fill_from(&mut serde_json::Deserializer::from_str(text), names);
        read.map(|()| Self { slots })
    }

    fn fill(text: &'a str, names: &[&str]) -> (Vec<Slot<'a>>, serde_json::Result<()>) {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let (slots, read) = Self::fill_from(&mut deserializer, names);
        (slots, read.and_then(|()| deserializer.end()))
    }

    fn fill_from(
        deserializer: &mut serde_json::Deserializer<StrRead<'a>>,
        names: &[&str],
    ) -> (Vec<Slot<'a>>, serde_json::Result<()>) {
        let mut slots = vec![Slot { raw: None, again: Again::No }; names.len()];
        let read = deserializer.deserialize_any(Object { names, slots: &mut slots });
        (slots, read)
    }

    /// All members of a small object with their names, raw.
    pub(crate) fn all(text: &'a str) -> Vec<(String, &'a str)> {
        Self::every(text).unwrap_or_default()
    }

    /// All members of an object with their names, raw; an error for a text that is not one object.
    pub(crate) fn every(text: &'a str) -> serde_json::Result<Vec<(String, &'a str)>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Every)?;
        deserializer.end()?;
        Ok(members)
    }

    /// The value of the member with this place in the names; nothing if it is absent.
    pub(crate) fn value(&self, index: usize) -> Option<Value<'a>> {
        Some(Value::of(self.slots.get(index)?.raw?))
    }

    /// Whether the member stands a second time.
    pub(crate) fn again(&self, index: usize) -> Again {
        self.slots.get(index).map_or(Again::No, |slot| slot.again)
    }

    /// Whether one of the members asked for contains a byte.
    pub(crate) fn contain(&self, byte: u8) -> bool {
        self.slots.iter().filter_map(|slot| slot.raw).any(|raw| raw.as_bytes().contains(&byte))
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

    /// The text of a string; nothing for other values and for lone surrogates.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::String(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    /// The text of a string, or any other value as it is written; `None` for `null` and for lone surrogates.
    pub(crate) fn text_or_json(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::String(_) => self.text(),
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(raw) | Self::Array(raw) | Self::Object(raw) => Some(raw.to_owned()),
        }
    }

    /// The elements of an array of strings.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        match self {
            Self::Array(raw) => serde_json::from_str(raw).ok(),
            _ => None,
        }
    }

    /// The raw elements of an array; none for other values.
    pub(crate) fn elements(self) -> Vec<&'a str> {
        let Self::Array(raw) = self else { return Vec::new() };
        let elements: Vec<&RawValue> = serde_json::from_str(raw).unwrap_or_default();
        elements.into_iter().map(RawValue::get).collect()
    }

    /// The first element of an array, raw.
    pub(crate) fn first_element(self) -> Option<&'a str> {
        self.elements().first().copied()
    }

    /// A text or a whole number, as text: ids come as either.
    pub(crate) fn id(self) -> Option<String> {
        match self {
            Self::Number(raw) if raw.len() <= 20 && raw.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(raw.to_owned())
            }
            _ => self.text(),
        }
    }
}

/// Fills the slots of the names; what was read before an error stays.
struct Object<'n, 'de> {
    names: &'n [&'n str],
    slots: &'n mut [Slot<'de>],
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(place) = map.next_key_seed(Place { names: self.names })? {
            let Some(slot) = place.and_then(|index| self.slots.get_mut(index)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw = map.next_value::<&'de RawValue>()?.get();
            match slot.raw {
                None => slot.raw = Some(raw),
                // Decided already; comparing once more with a long first value would be quadratic.
                Some(_) if slot.again == Again::Different => {}
                Some(first) if same_value(first, raw) => slot.again = slot.again.or_same(),
                Some(_) => slot.again = Again::Different,
            }
        }
        Ok(())
    }
}

/// Collects every member of an object.
struct Every;

impl<'de> Visitor<'de> for Every {
    type Value = Vec<(String, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            members.push((name, raw.get()));
        }
        Ok(members)
    }
}

impl Again {
    fn or_same(self) -> Self {
        if self == Self::Different { self } else { Self::Same }
    }
}

/// Whether two raw values are the same; strings are compared without their escapes.
fn same_value(left: &str, right: &str) -> bool {
    left == right || matches!((Value::of(left).text(), Value::of(right).text()), (Some(l), Some(r)) if l == r)
}

/// Finds the place of a member's name among the names asked for.
struct Place<'n> {
    names: &'n [&'n str],
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Place<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.names.iter().position(|wanted| *wanted == name))
    }
}
