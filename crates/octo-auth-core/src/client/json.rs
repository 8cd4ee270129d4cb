//! A JSON object built from a list of dotted names, in the order of the list.
//!
//! It is written directly into the request's bytes: a tree of values would leave copies of passwords behind.

use std::borrow::Cow;

/// One member of the object. A dot in its path creates a nested object.
pub(super) struct Member<'a> {
    pub(super) path: &'a str,
    pub(super) value: Written<'a>,
}

/// A value to write.
pub(super) enum Written<'a> {
    /// Written as an escaped string.
    Text(Cow<'a, str>),
    /// Written unchanged: it is JSON already.
    Raw(&'a str),
}

/// Returns the object with these members. Members of one nested object must be adjacent in the list.
pub(super) fn object(members: &[Member<'_>]) -> Vec<u8> {
    let room = members.iter().map(|member| member.path.len() + 6 * member.value.length() + 16).sum();
    let mut out = Vec::with_capacity(room);
    let mut open: Vec<&str> = Vec::new();
    out.push(b'{');
    for member in members {
        let mut parents: Vec<&str> = member.path.split('.').collect();
        let name = parents.pop().unwrap_or_default();
        let shared = open.iter().zip(&parents).take_while(|(left, right)| left == right).count();
        out.extend(open.drain(shared..).map(|_| b'}'));
        for parent in parents.drain(shared..) {
            key(&mut out, parent);
            out.push(b'{');
            open.push(parent);
        }
        key(&mut out, name);
        match &member.value {
            Written::Text(text) => string(&mut out, text),
            Written::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
        }
    }
    out.extend(open.iter().map(|_| b'}'));
    out.push(b'}');
    out
}

impl Written<'_> {
    fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Raw(raw) => raw.len(),
        }
    }
}

fn key(out: &mut Vec<u8>, name: &str) {
    if !out.ends_with(b"{") {
        out.push(b',');
    }
    string(out, name);
    out.push(b':');
}

fn string(out: &mut Vec<u8>, text: &str) {
    let written = serde_json::to_writer(&mut *out, text);
    debug_assert!(written.is_ok(), "a string can be written as JSON and a vector takes all bytes");
}
