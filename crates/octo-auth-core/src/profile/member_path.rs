//! Paths to a value in JSON: names of members separated by dots, with array indices.
//!
//! `error.code` is a member of a member. A number is an index of an array, counted from 0: `errors.0.code`,
//! `errors[0].code`. `[*]` is the first element that has the rest of the path: `errors[*].code`,
//! `[*].errorCode`.

/// One step of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'p> {
    /// A member of an object, or, if it is a number, an element of an array.
    Named(&'p str),
    /// The first element of an array that has the rest of the path.
    Any,
}

/// Returns the first step of a path and the rest; `None` if the path is empty or begins incorrectly.
pub(crate) fn first(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(inside) = path.strip_prefix('[') {
        let (place, rest) = inside.split_once(']')?;
        let step = match place {
            "*" => Step::Any,
            number => Some(Step::Named(number)).filter(|_| is_number(number))?,
        };
        return Some((step, rest.strip_prefix('.').filter(|rest| !rest.is_empty()).unwrap_or(rest)));
    }
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let rest = rest.strip_prefix('.').filter(|rest| !rest.is_empty()).unwrap_or(rest);
    (!name.is_empty() && !name.contains(']')).then_some((Step::Named(name), rest))
}

/// Returns whether a text is a path.
pub(crate) fn is_path(mut path: &str) -> bool {
    while !path.is_empty() {
        let Some((_, rest)) = first(path) else { return false };
        path = rest;
    }
    true
}

/// Returns whether a text is a possible index of an array in an answer.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u32>().is_ok()
}
