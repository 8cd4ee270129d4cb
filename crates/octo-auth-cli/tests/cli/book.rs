//! `octo-auth book`: the manual without a network.

use std::collections::BTreeSet;

use crate::program::run;

/// Returns the values of an attribute.
fn values<'t>(page: &'t str, attribute: &str) -> Vec<&'t str> {
    page.split(&format!(" {attribute}=\""))
        .skip(1)
        .map(|rest| rest.split_once('"').map_or(rest, |(value, _)| value))
        .collect()
}

#[test]
fn each_listed_chapter_is_printed_by_its_name_without_the_hidden_lines_of_its_examples() {
    let list = run(&["book"]);
    assert_eq!((list.code, list.err.as_str()), (Some(0), ""));
    assert!(list.out.contains("cron_job           Use a token in a cron job\n"), "{}", list.out);
    for line in list.out.lines() {
        let (name, title) = line.split_once(' ').expect("a name and a title");
        let chapter = run(&["book", name]);
        assert_eq!((chapter.code, chapter.err.as_str()), (Some(0), ""), "{name}");
        assert!(chapter.out.contains(&format!("# {}\n", title.trim())), "{name}: {}", chapter.out);
        for example in chapter.out.split("```rust").skip(1) {
            let (example, _) = example.split_once("```").expect("an example ends");
            assert!(!example.contains("\n# "), "{name}: {example}");
        }
    }
}

#[test]
fn the_whole_manual_is_one_page_whose_links_lead_to_its_own_places_and_which_loads_nothing() {
    let file = format!("{}/manual.html", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_file(&file);
    let ran = run(&["book", "--html", &file]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains(&file), "{}", ran.err);
    let page = std::fs::read_to_string(&file).expect("the page was written");

    let ids: BTreeSet<_> = values(&page, "id").into_iter().collect();
    assert_eq!(ids.len(), values(&page, "id").len(), "an id stands twice");
    let inside: Vec<_> =
        values(&page, "href").into_iter().filter(|target| !target.starts_with("https://")).collect();
    assert!(inside.len() > 50, "{} links", inside.len());
    for target in inside {
        let id = target.strip_prefix('#').expect("a link leads to the page itself");
        assert!(ids.contains(id), "{target}");
    }
    let pictures = values(&page, "src");
    assert!(
        !pictures.is_empty() && pictures.iter().all(|picture| picture.starts_with("data:image/svg+xml,"))
    );
    assert!(
        values(&page, "alt").len() == pictures.len() && !page.contains(" alt=\"\""),
        "a picture has no text"
    );
    let levels: Vec<_> =
        page.split("<h").skip(1).filter_map(|rest| rest.chars().next()?.to_digit(10)).collect();
    assert_eq!((levels[0], levels.iter().filter(|level| **level == 1).count()), (1, 1), "{levels:?}");
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "a level is left out: {levels:?}");
    assert!(!page.contains("<script") && !page.contains("<link"));

    run(&["book", "--html", &file]).failed(3, &["cannot be written", "does not exist yet"]);
    assert_eq!(std::fs::read_to_string(&file).expect("the page is still there"), page);
}

#[test]
fn a_chapter_that_does_not_exist_is_an_error_that_names_the_list() {
    run(&["book", "chapter-17"]).failed(2, &["no chapter of this name", "octo-auth book"]);
}
