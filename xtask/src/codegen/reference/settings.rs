//! The chapter of the settings and of all environment variables.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};
use syn::{Expr, Lit, LitStr, Token};

use super::read;

const TABLE: &str = "crates/octo-auth-config/src/table.rs";

const HEAD: &str = "\
# Settings and environment variables

The program `octo-auth` and every program that uses `octo-auth-config` read these settings from one TOML file and from the
environment. A variable overrides the file. A misspelt setting or variable is an error. `octo-auth config` shows the settings in
effect and where each comes from.

In the table `[store]`, `path` is the setting `store.path`. A duration has a unit: `300s`, `5m`, `1h30m`. A list is an array of
texts or one text; there, words are separated by spaces, addresses by commas.

# Settings

| setting | variable | value | meaning and default |
|---|---|---|---|
";

/// The variables that are no settings: the names, the source that reads them, and what they do.
const VARIABLES: [(&[&str], &str, &str); 9] = [
    (
        &["OCTO_AUTH_CONFIG"],
        TABLE,
        "The settings file. Otherwise it is `octo-auth/config.toml` in the directory of settings, if that file exists.",
    ),
    (
        &["XDG_CONFIG_HOME"],
        "crates/octo-auth-config/src/places.rs",
        "The directory of settings, an absolute path. `$HOME/.config`.",
    ),
    (
        &["XDG_STATE_HOME"],
        "crates/octo-auth-config/src/places.rs",
        "The directory that contains the directory `octo-auth` of stored tokens, an absolute path. `$HOME/.local/state`; on macOS \
         `$HOME/Library/Application Support`.",
    ),
    (
        &["HOME"],
        "crates/octo-auth-config/src/places.rs",
        "The home directory of the user. It is also the `~` of a path.",
    ),
    (
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
        "crates/octo-auth-system/src/proxies.rs",
        "The proxy for https. The first one that is set is used, in this order. There is no proxy for http, which goes only to \
         this computer.",
    ),
    (
        &["no_proxy", "NO_PROXY"],
        "crates/octo-auth-system/src/proxies.rs",
        "The hosts that are reached directly, separated by commas or white space. The first one that is set is used.",
    ),
    (
        &["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"],
        "crates/octo-auth-login/src/browser.rs",
        "If all are unset or empty on Linux, a sign-in opens no browser and shows the address.",
    ),
    (
        &["COLUMNS"],
        "crates/octo-auth-cli/src/output.rs",
        "The width of the terminal, for running text of `octo-auth`.",
    ),
    (
        &["NO_COLOR"],
        "crates/octo-auth-cli/src/arguments.rs",
        "If it is set and not empty, `octo-auth` writes no colours.",
    ),
];

/// Sources that read variables whose names come from elsewhere: a caller, an argument, or the table of settings.
const GIVEN: [&str; 3] = [
    "crates/octo-auth-cli/src/ip.rs",
    "crates/octo-auth-config/src/settings.rs",
    "crates/octo-auth-store-kit/src/secret_source.rs",
];

pub(super) fn chapter(root: &Path) -> Result<String> {
    let mut chapter = HEAD.to_owned();
    for setting in settings(&read(root, TABLE)?)? {
        let variable = format!("OCTO_AUTH_{}", setting.name.to_ascii_uppercase().replace('.', "_"));
        writeln!(chapter, "| `{}` | `{variable}` | {} | {} |", setting.name, setting.value, setting.meaning)?;
    }
    chapter.push_str(
        "\n# Other environment variables\n\n| variable | what it does, and its default |\n|---|---|\n",
    );
    check(root)?;
    for (names, _, meaning) in VARIABLES {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(chapter, "| {} | {meaning} |", names.join(", "))?;
    }
    chapter.push_str(
        "\n`octo-auth exec` writes the token into `ACCESS_TOKEN`, or into the variable that `--variable` names, of the program \
         that it runs.\n",
    );
    Ok(chapter)
}

/// One row of the macro `settings!`.
struct Setting {
    name: String,
    value: String,
    meaning: String,
}

fn settings(source: &str) -> Result<Vec<Setting>> {
    let file = syn::parse_file(source).context("the table of the settings is not Rust")?;
    let called = file.items.into_iter().find_map(|item| match item {
        syn::Item::Macro(called) if called.mac.path.is_ident("settings") => Some(called.mac.tokens),
        _ => None,
    });
    let rows = |input: ParseStream<'_>| {
        let mut rows = Vec::new();
        while !input.is_empty() {
            let name = input.parse::<LitStr>()?.value();
            input.parse::<Token![,]>()?;
            input.parse::<Expr>()?;
            input.parse::<Token![,]>()?;
            let value = input.parse::<LitStr>()?.value();
            input.parse::<Token![,]>()?;
            let meaning = input.parse::<LitStr>()?.value();
            input.parse::<Token![;]>()?;
            rows.push(Setting { name, value, meaning });
        }
        Ok(rows)
    };
    let called: TokenStream = called.context("there is no macro call `settings!`")?;
    rows.parse2(called).context("a row of `settings!` has another form")
}

/// Checks that the list names each variable that a source of the libraries or of the program reads.
fn check(root: &Path) -> Result<()> {
    for (names, path, _) in VARIABLES {
        let text = read(root, path)?;
        for name in names {
            ensure!(
                text.contains(name),
                "{path} does not read the variable {name}: correct the list of variables"
            );
        }
    }
    let known: BTreeSet<&str> = VARIABLES.iter().flat_map(|(names, ..)| *names).copied().collect();
    let readers: BTreeSet<&str> = VARIABLES.iter().map(|(_, path, _)| *path).chain(GIVEN).collect();
    for path in sources(root)? {
        let text = read(root, &path)?;
        if !text.contains("env::var") {
            continue;
        }
        // Text that is no Rust is reported where functions are measured.
        let Ok(parsed) = syn::parse_file(&text) else { continue };
        let mut reads = Reads::default();
        reads.visit_file(&parsed);
        for name in &reads.names {
            ensure!(
                known.contains(&**name),
                "{path} reads the variable {name}: add it to the list of variables"
            );
        }
        ensure!(
            !reads.is_other || readers.contains(&*path),
            "{path} reads variables that are not named at the call: add them to the list of variables"
        );
    }
    Ok(())
}

/// Returns the sources of the crates, without tests.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut folders: Vec<_> = fs::read_dir(root.join("crates"))
        .context("cannot read crates")?
        .map(|entry| Ok(entry?.path().join("src")))
        .collect::<Result<_>>()?;
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path.strip_prefix(root)?.display().to_string());
            }
        }
    }
    sources.sort();
    Ok(sources)
}

/// The variables that a source reads.
#[derive(Default)]
struct Reads {
    names: Vec<String>,
    /// Whether the name of one is no literal, or all are read.
    is_other: bool,
}

impl<'ast> Visit<'ast> for Reads {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func {
            let names: Vec<_> =
                function.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let reads = ["var", "var_os", "vars", "vars_os"];
            if let [.., module, name] = &*names
                && module == "env"
                && reads.contains(&&**name)
            {
                match call.args.first() {
                    Some(Expr::Lit(literal)) => match &literal.lit {
                        Lit::Str(text) => self.names.push(text.value()),
                        _ => self.is_other = true,
                    },
                    _ => self.is_other = true,
                }
            }
        }
        visit::visit_expr_call(self, call);
    }
}

#[cfg(test)]
mod tests {
    use syn::visit::Visit;

    use super::{Reads, settings};

    #[test]
    fn a_row_is_name_value_and_meaning() {
        let rows =
            settings("settings! { \"store.path\", Form::Path, \"absolute path\", \"The directory.\"; }")
                .unwrap();
        assert_eq!(rows.len(), 1);
        let row = &rows[0];
        assert_eq!(
            [&*row.name, &*row.value, &*row.meaning],
            ["store.path", "absolute path", "The directory."]
        );
    }

    #[test]
    fn a_row_of_another_form_is_an_error() {
        assert!(settings("settings! { \"store.path\", \"The directory.\"; }").is_err());
        assert!(settings("fn f() {}").is_err());
    }

    #[test]
    fn a_variable_is_found_where_it_is_read() {
        let source = "fn f() { std::env::var(\"A\"); env::var_os(name); other::var(\"B\"); }
                      mod tests { fn g() { std::env::var(\"C\"); } }";
        let mut reads = Reads::default();
        reads.visit_file(&syn::parse_file(source).unwrap());
        assert_eq!(reads.names, ["A"]);
        assert!(reads.is_other);
    }
}
