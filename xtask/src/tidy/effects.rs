//! Names that the core's sources must not use: clocks, files, sockets, threads, processes, the environment.
//!
//! The rule of this module: a path is judged by its meaning after the file's imports and renames, also in macro bodies.
//! Type aliases and re-exports of other files are left to clippy's `disallowed-methods` and `disallowed-types`, which
//! know types.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::UseTree;

use super::{File, Finding};

const CORE: &str = "crates/octo-auth-core/src/";

/// Modules of `std` that count by their bare name, unless the file imports another module of that name.
const MODULES: [&str; 8] = ["env", "fs", "io", "net", "os", "process", "thread", "time"];

const CLOCK: &str = "the core reads no clock: take `Now` as an argument";
const IO: &str = "the core does no IO: move it to an adapter";
const WAITING: &str = "the core spawns and waits for nothing: move it to an adapter";
const GLOB: &str = "what it brings in cannot be seen here: import by name";

pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    if !file.is_rust() || !file.path.starts_with(CORE) {
        return;
    }
    // A text that is not Rust is reported by the check of functions.
    let Ok(tokens) = file.text.parse::<TokenStream>() else { return };
    let mut names = Names::default();
    names.read(tokens);
    for Named { path, line } in names.imports.iter().chain(&names.paths) {
        let path = names.resolve(path);
        if let Some(remedy) = remedy(&path) {
            let text = format!("`{}` stands here: {remedy}", path.join("::"));
            findings.push(Finding::new(file, *line, text));
        }
    }
}

/// Judges a path. Returns the remedy if it is forbidden.
fn remedy(path: &[String]) -> Option<&'static str> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["std", "io", "Error" | "ErrorKind", ..] => None,
        ["std", "env" | "fs" | "os" | "process", ..]
        | ["std", "io", _, ..]
        | ["std", "net", "TcpListener" | "TcpStream" | "ToSocketAddrs" | "UdpSocket", ..] => Some(IO),
        ["std", "thread", ..] => Some(WAITING),
        ["std", "time", "Instant", ..]
        | [.., "Instant", "now"]
        | [.., "SystemTime", "now" | "elapsed"]
        | [.., ".", "elapsed"] => Some(CLOCK),
        ["std", "*"] | ["std", "net" | "time", "*"] => Some(GLOB),
        _ => None,
    }
}

/// A path and its line; a method is a path of `.` and its name.
struct Named {
    path: Vec<String>,
    line: usize,
}

/// All names in a file.
#[derive(Default)]
struct Names {
    imports: Vec<Named>,
    paths: Vec<Named>,
    /// The meaning of each imported name.
    meanings: HashMap<String, Vec<String>>,
}

impl Names {
    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += match token {
                TokenTree::Group(group) => {
                    self.read(group.stream());
                    1
                }
                TokenTree::Ident(word) if word == "use" => 1 + self.import(&tokens[at + 1..]),
                TokenTree::Ident(first) => self.path(first, &tokens[at..], is_member(&tokens[..at])),
                TokenTree::Punct(_) | TokenTree::Literal(_) => 1,
            };
        }
    }

    /// Reads the tokens after `use`. Returns the count of tokens consumed.
    fn import(&mut self, tokens: &[TokenTree]) -> usize {
        let end = tokens.iter().position(|token| is(token, ';')).unwrap_or(0);
        let item = tokens[..end].iter().cloned();
        // A leading `::`, which is not part of the tree itself.
        let item = item.skip_while(|token| is(token, ':')).collect();
        match syn::parse2::<UseTree>(item) {
            Ok(tree) => {
                self.branch(&tree, &[]);
                end
            }
            // The bounds `use<'a>` and the trees of a macro, whose paths are read like all others.
            Err(_) => 0,
        }
    }

    fn branch(&mut self, tree: &UseTree, above: &[String]) {
        let below = |name: &Ident| {
            let mut path = above.to_vec();
            if name != "self" || above.is_empty() {
                path.push(plain(name));
            }
            path
        };
        match tree {
            UseTree::Path(tree) => self.branch(&tree.tree, &below(&tree.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.branch(tree, above)),
            UseTree::Name(tree) => {
                let path = below(&tree.ident);
                let name = path.last().cloned().unwrap_or_default();
                self.bring(name, path, &tree.ident);
            }
            UseTree::Rename(tree) => self.bring(plain(&tree.rename), below(&tree.ident), &tree.ident),
            UseTree::Glob(tree) => {
                let path = above.iter().cloned().chain(["*".to_owned()]).collect();
                self.imports.push(Named { path, line: tree.star_token.span.start().line });
            }
        }
    }

    fn bring(&mut self, name: String, path: Vec<String>, at: &Ident) {
        // A forbidden path is reported at its import, not again at each use.
        if remedy(&path).is_none() {
            self.meanings.insert(name, path.clone());
        }
        self.imports.push(Named { path, line: at.span().start().line });
    }

    /// Reads the path that starts with `first`. Returns the count of tokens consumed.
    fn path(&mut self, first: &Ident, tokens: &[TokenTree], is_member: bool) -> usize {
        let mut path = if is_member { vec![".".to_owned()] } else { Vec::new() };
        path.push(plain(first));
        let mut took = 1;
        while let [colon, second, TokenTree::Ident(next), ..] = &tokens[took..]
            && is(colon, ':')
            && is(second, ':')
        {
            path.push(plain(next));
            took += 3;
        }
        let next = tokens.get(took);
        let is_macro = next.is_some_and(|token| is(token, '!'));
        let is_call = next.is_some_and(
            |token| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis),
        );
        if path.len() > 1 && !is_macro && (!is_member || is_call) {
            self.paths.push(Named { path, line: first.span().start().line });
        }
        took
    }

    /// Replaces the first segment by its meaning.
    fn resolve(&self, path: &[String]) -> Vec<String> {
        let mut path = path.to_vec();
        // Renames of renames end, but two names that refer to each other would not.
        for _ in 0..4 {
            if path.first().is_some_and(|first| first == "self") {
                path.remove(0);
            }
            let Some(meaning) = path.first().and_then(|first| self.meanings.get(first)) else { break };
            let rest = path.split_off(1);
            path = meaning.iter().cloned().chain(rest).collect();
        }
        if path.len() > 1 && MODULES.contains(&path[0].as_str()) {
            path.insert(0, "std".to_owned());
        }
        path
    }
}

/// Returns whether the next token is a field or method; after `..` it is not.
fn is_member(before: &[TokenTree]) -> bool {
    match before {
        [.., first, second] => is(second, '.') && !is(first, '.'),
        _ => false,
    }
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::check;

    fn found(path: &str, text: &str) -> Vec<usize> {
        crate::tidy::lines_found(check, path, text)
    }

    fn in_core(text: &str) -> Vec<usize> {
        found("crates/octo-auth-core/src/time.rs", text)
    }

    #[test]
    fn forbidden_imports_are_found_however_they_are_grouped_or_renamed() {
        for text in [
            "use std::fs;",
            "use ::std::{fmt, fs};",
            "use std::{fs::{self}, fmt};",
            "use std::fs as store;",
            "use std::r#fs::read;",
            "pub(crate) use std::env::var;",
            "use std::thread::sleep;",
            "use std::process::Command;",
            "use std::os::unix::net::UnixStream;",
            "use std::io::Read;",
            "use std::net::{IpAddr, TcpStream};",
            "use std::net::{TcpListener as A, UdpSocket as B};",
            "use std::net::ToSocketAddrs as _;",
            "use std::time::{Duration, Instant};",
            "use std::*;",
            "use std::time::*;",
            "fn f() { use std::fs; }",
            "macro_rules! m { () => { use std::fs; }; }",
        ] {
            assert!(!in_core(text).is_empty(), "{text}");
        }
        assert_eq!(in_core("use std::{\n    fs,\n    env,\n};\nfn f() { fs::metadata(p); }\n"), [2, 3, 5]);
    }

    #[test]
    fn forbidden_paths_are_found_in_code_and_in_macros() {
        for text in [
            "use std::time::SystemTime; fn f() { SystemTime ::now(); }",
            "fn f() { std :: time :: SystemTime\n::\nnow(); }",
            "use std::time::SystemTime as Wall; fn f() { Wall::now(); }",
            "use std::time as t; use t::SystemTime as Wall; fn f() { Wall::now(); }",
            "use std::time; fn f(at: time::Instant) {}",
            "use std as s; fn f() { s::fs::read(p); }",
            "use std::io; fn f() { io::stdin(); }",
            "fn f() { io::stdin(); }",
            "use std::net; fn f() { net::TcpStream::connect(a); }",
            "fn f() { m!(std::env::var(\"A\")); }",
            "fn f() { SystemTime::UNIX_EPOCH.elapsed(); }",
            "fn f() -> A { A { ..fs::read(p) } }",
            "fn f() -> impl A + use<> { std::thread::yield_now() }",
        ] {
            assert!(!in_core(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_found() {
        for text in [
            "use std::time::{Duration, SystemTime}; fn f() { SystemTime::UNIX_EPOCH; }",
            "use std::net::{Ipv4Addr, Ipv6Addr}; fn f() { Ipv4Addr::LOCALHOST; }",
            "use std::io; fn f(e: io::Error) -> io::ErrorKind { e.kind() }",
            "fn f() { env!(\"CARGO_PKG_VERSION\"); std::env!(\"CARGO_PKG_VERSION\"); }",
            "fn f(a: A) { a.io.b(); let env = a.fs(); a.elapsed; }",
            "use crate::{io, time}; fn f() { io::stdin(); time::Instant::at(1); crate::fs::read(); }",
            "/// Unlike `SystemTime::now`.\nfn f() { \"std::fs\"; } // std::fs::read",
        ] {
            assert_eq!(in_core(text), [0; 0], "{text}");
        }
        assert_eq!(found("crates/octo-auth-async/src/lib.rs", "use std::fs;"), [0; 0]);
    }
}
