//! The chapter of the fields of a profile, from the types that a profile's file is read into.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use quoted::texts;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Fields, Ident, ItemEnum, ItemStruct, LitStr, Token, Type};

use super::{read, without_items};

const SOURCES: [&str; 3] = [
    "crates/octo-auth-core/src/profile.rs",
    "crates/octo-auth-core/src/profile/call.rs",
    "crates/octo-auth-core/src/profile/answer.rs",
];
const TEMPLATE: &str = "crates/octo-auth-core/src/profile/template.rs";

const HEAD: &str = "\
# Fields of a profile

A profile is a TOML file with these fields. [Describe your own provider][own_provider] says how to write one, and
`octo-auth profile check` finds its mistakes. A name with `[]` is an element of a list. The call `*` is any call.

[own_provider]: ../how-to/own_provider.md
";

/// The types of the sources, by name.
#[derive(Default)]
struct Types {
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
    /// The texts and numbers of each constant.
    constants: BTreeMap<String, Vec<String>>,
}

/// A type of the file, and the paths where it stands.
struct Section {
    name: String,
    paths: Vec<String>,
}

pub(super) fn chapter(root: &Path) -> Result<String> {
    let mut types = Types::default();
    for path in SOURCES {
        types.add(&read(root, path)?).with_context(|| format!("cannot read the types of {path}"))?;
    }
    let mut sections = Vec::new();
    types.walk("Document", "", &mut sections)?;
    let mut chapter = HEAD.to_owned();
    for section in &sections {
        types.section(section, &mut chapter)?;
    }
    chapter.push_str(
        "\n# Roles\n\nA value may have one of these in braces. It is filled in for each request.\n\n",
    );
    chapter.push_str("| role | meaning |\n|---|---|\n");
    for (name, meaning) in roles(&read(root, TEMPLATE)?)? {
        writeln!(chapter, "| `{{{name}}}` | {meaning} |")?;
    }
    Ok(chapter)
}

impl Types {
    fn add(&mut self, source: &str) -> Result<()> {
        for item in syn::parse_file(source)?.items {
            match item {
                syn::Item::Struct(item) => drop(self.structs.insert(item.ident.to_string(), item)),
                syn::Item::Enum(item) => drop(self.enums.insert(item.ident.to_string(), item)),
                syn::Item::Const(item) => {
                    self.constants.insert(item.ident.to_string(), texts(&item.expr));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Collects the types below a type, in the order of the fields. A type that stands at several paths is one section.
    fn walk(&self, name: &str, path: &str, sections: &mut Vec<Section>) -> Result<()> {
        let Some(item) = self.structs.get(name) else { return Ok(()) };
        let path = path.to_owned();
        if let Some(present) = sections.iter_mut().find(|section| section.name == name) {
            if !present.paths.contains(&path) {
                present.paths.push(path);
            }
            return Ok(());
        }
        sections.push(Section { name: name.to_owned(), paths: vec![path.clone()] });
        for (field, kind) in fields(item) {
            let of = inner(kind).context("a field has an unknown type")?;
            let field = if name == "Calls" { "*".to_owned() } else { field };
            let list = if of.is_list { "[]" } else { "" };
            self.walk(&of.name, &joined(&path, &format!("{field}{list}")), sections)?;
        }
        Ok(())
    }

    fn section(&self, section: &Section, chapter: &mut String) -> Result<()> {
        let item = &self.structs[&section.name];
        let paths: Vec<_> = section.paths.iter().map(|path| format!("`{path}`")).collect();
        let heading = if section.name == "Document" { "The file".to_owned() } else { paths.join(", ") };
        let about = self.meaning(&item.attrs);
        writeln!(
            chapter,
            "\n# {heading}\n\n{about}\n\n| field | value | if it is absent | meaning |\n|---|---|---|---|"
        )?;
        let Fields::Named(fields) = &item.fields else { return Ok(()) };
        let mut words = Vec::new();
        for field in &fields.named {
            let name = field.ident.as_ref().context("a field has no name")?;
            let of = inner(&field.ty).context("a field has an unknown type")?;
            let value = self.value(&of)?;
            let absent = self.absent(&field.attrs, &of)?;
            writeln!(chapter, "| `{name}` | {value} | {absent} | {} |", self.meaning(&field.attrs))?;
            if let Some(item) = self.enums.get(&of.name) {
                words.push((name, item));
            }
        }
        for (name, item) in words {
            writeln!(chapter, "\n| `{name}` | meaning |\n|---|---|")?;
            for variant in &item.variants {
                writeln!(chapter, "| `{}` | {} |", word(item, &variant.ident), self.meaning(&variant.attrs))?;
            }
        }
        Ok(())
    }

    /// Describes the values of a type.
    fn value(&self, of: &Inner) -> Result<String> {
        let one = match &*of.name {
            "Text" => "text",
            "BaseUrl" => "`https` URL",
            "Template" => "text with at most one `{role}`",
            "bool" => "`true` or `false`",
            "u16" | "u32" => "whole number",
            name if self.structs.contains_key(name) => "table",
            name => {
                let item =
                    self.enums.get(name).with_context(|| format!("the values of {name} are not known"))?;
                let words: Vec<_> =
                    item.variants.iter().map(|variant| format!("`{}`", word(item, &variant.ident))).collect();
                return Ok(words.join(", "));
            }
        };
        Ok(match (of.is_list, one) {
            (true, "text") => "list of texts".to_owned(),
            (true, "table") => "list of tables".to_owned(),
            (is_list, one) => {
                ensure!(!is_list, "a list of {one} is not known");
                one.to_owned()
            }
        })
    }

    /// Describes what an absent field means.
    fn absent(&self, attributes: &[Attribute], of: &Inner) -> Result<String> {
        let Some(default) = default(attributes) else {
            return Ok(if of.is_optional { "not set" } else { "error" }.to_owned());
        };
        let function = default.rsplit("::").next().unwrap_or_default();
        let texts = match function {
            "" if of.name == "bool" => vec!["false".to_owned()],
            "" if self.enums.contains_key(&of.name) => {
                let item = &self.enums[&of.name];
                let variant = item.variants.iter().find(|variant| has(&variant.attrs, "default"));
                vec![word(item, &variant.with_context(|| format!("{} has no default", of.name))?.ident)]
            }
            "" | "nothing" => return Ok("not set".to_owned()),
            // The function returns the constant of its name.
            name => {
                let constant = self.constants.get(&name.to_ascii_uppercase());
                constant.with_context(|| format!("there is no constant for the default `{name}`"))?.clone()
            }
        };
        Ok(texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "))
    }

    /// Returns the documentation as one line of a table.
    fn meaning(&self, attributes: &[Attribute]) -> String {
        let mut text = without_items(&documentation(attributes)).replace("`Document::", "`");
        for (name, item) in &self.enums {
            for variant in &item.variants {
                text = text.replace(
                    &format!("`{name}::{}`", variant.ident),
                    &format!("`{}`", word(item, &variant.ident)),
                );
            }
        }
        text
    }
}

/// What a field's type is a list or an option of.
struct Inner {
    name: String,
    is_list: bool,
    is_optional: bool,
}

fn inner(kind: &Type) -> Option<Inner> {
    let Type::Path(path) = kind else { return None };
    let last = path.path.segments.last()?;
    let argument = || match &last.arguments {
        syn::PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            syn::GenericArgument::Type(kind) => inner(kind),
            _ => None,
        },
        _ => None,
    };
    match &*last.ident.to_string() {
        "List" => Some(Inner { is_list: true, ..argument()? }),
        "Option" => Some(Inner { is_optional: true, ..argument()? }),
        name => Some(Inner { name: name.to_owned(), is_list: false, is_optional: false }),
    }
}

fn fields(item: &ItemStruct) -> impl Iterator<Item = (String, &Type)> {
    item.fields.iter().filter_map(|field| Some((field.ident.as_ref()?.to_string(), &field.ty)))
}

fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Returns the word of a variant in a file.
fn word(item: &ItemEnum, variant: &Ident) -> String {
    let attributes = item.attrs.iter().map(written).collect::<String>();
    if attributes.contains("UPPERCASE") {
        return variant.to_string().to_ascii_uppercase();
    }
    let mut word = String::new();
    for letter in variant.to_string().chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

/// Returns the default of a field: the function that returns it, an empty text for that of its type, or `None` if the field
/// has no default.
fn default(attributes: &[Attribute]) -> Option<String> {
    let found = attributes.iter().map(written).find(|text| text.contains("default"))?;
    let name = found.split_once("default = \"").and_then(|(_, rest)| rest.split_once('"'));
    Some(name.map_or_else(String::new, |(name, _)| name.to_owned()))
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

/// Returns the arguments of an attribute as text.
fn written(attribute: &Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        _ => String::new(),
    }
}

fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(texts(&pair.value).concat()),
        _ => None,
    });
    let text = lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the rows of the macro `roles!`: a name and its documentation.
fn roles(source: &str) -> Result<Vec<(String, String)>> {
    let file = syn::parse_file(source).context("the templates are not Rust")?;
    let called = file.items.into_iter().find_map(|item| match item {
        syn::Item::Macro(called) if called.mac.path.is_ident("roles") => Some(called.mac.tokens),
        _ => None,
    });
    let rows = |input: ParseStream<'_>| {
        let mut rows = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(Attribute::parse_outer)?;
            input.parse::<Ident>()?;
            input.parse::<Token![=]>()?;
            rows.push((input.parse::<LitStr>()?.value(), documentation(&attributes)));
            input.parse::<Token![,]>()?;
        }
        Ok(rows)
    };
    rows.parse2(called.context("there is no macro call `roles!`")?)
        .context("a row of `roles!` has another form")
}

mod quoted {
    //! The literals of an expression.

    use syn::visit::Visit;

    #[derive(Default)]
    struct Literals(Vec<String>);

    impl<'ast> Visit<'ast> for Literals {
        fn visit_lit(&mut self, literal: &'ast syn::Lit) {
            match literal {
                syn::Lit::Str(text) => self.0.push(text.value()),
                syn::Lit::Int(number) => self.0.push(number.base10_digits().to_owned()),
                _ => {}
            }
        }
    }

    pub(super) fn texts(expression: &syn::Expr) -> Vec<String> {
        let mut literals = Literals::default();
        literals.visit_expr(expression);
        literals.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Types, roles};

    const SOURCE: &str = r#"
        /// A file.
        pub struct Document {
            /// The name.
            pub name: Text,
            /// How, see [`Document::name`].
            #[cfg_attr(feature = "toml", serde(default))]
            pub way: Way,
            /// Numbers of
            /// codes.
            #[cfg_attr(feature = "toml", serde(default = "super::codes"))]
            pub codes: List<Text>,
            pub parts: Option<Part>,
        }
        /// A part.
        pub struct Part {
            /// All of it.
            #[cfg_attr(feature = "toml", serde(default))]
            pub whole: bool,
        }
        /// A way.
        #[cfg_attr(feature = "toml", serde(rename_all = "snake_case"))]
        pub enum Way {
            /// Not [`Way::LongWay`].
            #[default]
            Short,
            /// Slow.
            LongWay,
        }
        const CODES: List<Text> = List::Borrowed(&[Text::Borrowed("dead")]);
    "#;

    #[test]
    fn a_section_has_each_field_with_its_values_and_its_default() {
        let mut types = Types::default();
        types.add(SOURCE).unwrap();
        let mut sections = Vec::new();
        types.walk("Document", "", &mut sections).unwrap();
        let mut chapter = String::new();
        for section in &sections {
            types.section(section, &mut chapter).unwrap();
        }
        for row in [
            "| `name` | text | error | The name. |",
            "| `way` | `short`, `long_way` | `short` | How, see `name`. |",
            "| `codes` | list of texts | `dead` | Numbers of codes. |",
            "| `parts` | table | not set |  |",
            "# `parts`\n\nA part.",
            "| `whole` | `true` or `false` | `false` | All of it. |",
            "| `way` | meaning |",
            "| `short` | Not `long_way`. |",
        ] {
            assert!(chapter.contains(row), "{row}\n{chapter}");
        }
    }

    #[test]
    fn a_default_that_is_not_known_is_an_error() {
        let mut types = Types::default();
        types.add(&SOURCE.replace("super::codes", "other")).unwrap();
        let mut sections = Vec::new();
        types.walk("Document", "", &mut sections).unwrap();
        assert!(types.section(&sections[0], &mut String::new()).is_err());
    }

    #[test]
    fn a_role_has_its_name_and_its_meaning() {
        let found = roles("roles! { /// The id\n /// of it.\n Id = \"id\", }").unwrap();
        assert_eq!(found, [("id".to_owned(), "The id of it.".to_owned())]);
    }
}
