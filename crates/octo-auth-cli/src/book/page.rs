//! The whole manual as one HTML page, which loads nothing.

use octo_auth_manual::sources::{Chapter, PICTURES};
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::chapter::{text, title};

const STYLE: &str = include_str!("book.css");

/// Returns a page with all chapters and their list.
pub(super) fn of(chapters: &[Chapter]) -> String {
    let mut list = String::new();
    let mut sections = String::new();
    for chapter in chapters {
        list.push_str(&format!(
            "<li><a href=\"#{}\">{}</a></li>\n",
            chapter.path,
            title(chapter).replace('`', "")
        ));
        sections.push_str(&format!("<section id=\"{}\">\n", chapter.path));
        // The first definition of a picture counts, and is the picture itself.
        let source = format!("{PICTURES}\n{}", text(chapter));
        html::push_html(&mut sections, events(chapter, &source));
        sections.push_str("</section>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>octo-auth {version}: the manual</title>\n<style>{STYLE}</style></head>\n\
         <body>\n<h1>octo-auth {version}: the manual</h1>\n<nav aria-label=\"Chapters\"><ol>\n{list}</ol></nav>\n<main>\n{sections}</main>\n</body></html>\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// Returns the content of a chapter. Its headings have ids, and links to other chapters lead to their place on the page.
fn events<'s>(chapter: &Chapter, source: &'s str) -> impl Iterator<Item = Event<'s>> {
    let mut events: Vec<_> = Parser::new_ext(source, Options::ENABLE_TABLES).collect();
    let mut names = Vec::new();
    for place in 0..events.len() {
        match &events[place] {
            Event::Start(Tag::Heading { .. }) => {
                let name = unused(slug(&events[place + 1..]), &names);
                let id = Some(format!("{}:{name}", chapter.path).into());
                names.push(name);
                let (level, classes, attrs) = (level(&names), Vec::new(), Vec::new());
                events[place] = Event::Start(Tag::Heading { level, id, classes, attrs });
            }
            Event::End(TagEnd::Heading(_)) => events[place] = Event::End(TagEnd::Heading(level(&names))),
            _ => {}
        }
        if let Event::Start(Tag::Link { dest_url, .. }) = &mut events[place]
            && let Some(target) = target(chapter.path, dest_url)
        {
            *dest_url = target;
        }
    }
    events.into_iter()
}

/// Returns the level of the last heading: the page has one above its chapters, which have those of their parts below.
fn level(headings: &[String]) -> HeadingLevel {
    if headings.len() == 1 { HeadingLevel::H2 } else { HeadingLevel::H3 }
}

/// Returns the name of a heading in links, from the events after its start.
fn slug(events: &[Event<'_>]) -> String {
    let is_inside = |event: &&Event<'_>| !matches!(event, Event::End(TagEnd::Heading(_)));
    let heading: String = events
        .iter()
        .take_while(is_inside)
        .map(|event| match event {
            Event::Text(text) | Event::Code(text) => text,
            _ => "",
        })
        .collect();
    let is_kept = |letter: &char| letter.is_alphanumeric() || "-_".contains(*letter);
    heading.to_lowercase().replace(' ', "-").chars().filter(is_kept).collect()
}

/// Returns a name, with a number behind it if the chapter has it already.
fn unused(name: String, used: &[String]) -> String {
    let numbered = (1..=used.len()).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !used.contains(name)).unwrap_or(name)
}

/// Returns the place on the page to which a link inside the book leads.
fn target(from: &str, link: &str) -> Option<CowStr<'static>> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    if path.contains(':') || !(path.is_empty() || path.ends_with(".md")) {
        return None;
    }
    let mut folders: Vec<_> = from.split('/').collect();
    if !path.is_empty() {
        folders.pop();
        for part in path.split('/') {
            match part {
                ".." => drop(folders.pop()),
                part => folders.push(part),
            }
        }
    }
    let separator = if anchor.is_empty() { "" } else { ":" };
    Some(format!("#{}{separator}{anchor}", folders.join("/")).into())
}
