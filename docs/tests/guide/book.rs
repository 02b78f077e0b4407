//! The book as a whole: it builds, every file is part of it, and what it refers to is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;

use crate::blocks::guide;

/// What is wrong with the book in a folder. `shown_elsewhere`: files of it that other documents show.
fn problems(root: &Path, shown_elsewhere: &BTreeSet<PathBuf>) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let chapters = match build(root, out.path()) {
        Ok(chapters) => chapters,
        Err(error) => return vec![error],
    };
    let mut problems = Vec::new();
    let mut shown = shown_elsewhere.clone();
    for page in files(out.path()).iter().filter(|page| is_read(page)) {
        let (name, html) = (within(page, out.path()), fs::read_to_string(page).unwrap());
        if html.contains("{{#") {
            problems.push(format!("{}: something is not included", name.display()));
        }
        for link in links(&html) {
            match target(page, link) {
                None => problems.push(format!("{}: the link {link} leads nowhere", name.display())),
                Some(file) => drop(shown.insert(within(&file, out.path()))),
            }
        }
    }
    let source = root.join("src");
    for file in files(&source).iter().map(|file| within(file, &source)) {
        if file != Path::new("SUMMARY.md") && !chapters.contains(&file) && !shown.contains(&file) {
            problems.push(format!("{} is in no chapter", file.display()));
        }
    }
    problems
}

/// Builds the book and gives the files of its chapters.
fn build(root: &Path, out: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let mut book = MDBook::load(root).map_err(|error| format!("{error:?}"))?;
    book.config.build.build_dir = out.to_owned();
    book.build().map_err(|error| format!("{error:?}"))?;
    let file = |item: &BookItem| if let BookItem::Chapter(chapter) = item { chapter.path.clone() } else { None };
    Ok(book.iter().filter_map(file).collect())
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn within(file: &Path, folder: &Path) -> PathBuf {
    file.strip_prefix(folder).unwrap_or(file).to_owned()
}

/// Pages that people read at their own address: not the one for printing, and not the one for wrong addresses.
fn is_read(page: &Path) -> bool {
    let name = page.file_name().unwrap_or_default();
    page.extension().is_some_and(|extension| extension == "html") && name != "print.html" && name != "404.html"
}

/// What a page refers to, but for other sites.
fn links(html: &str) -> impl Iterator<Item = &str> {
    let attributes = [" href=\"", " src=\""].into_iter().flat_map(|attribute| html.split(attribute).skip(1));
    let values = attributes.filter_map(|rest| rest.split('"').next());
    values.filter(|link| !link.contains("://") && !link.starts_with("mailto:") && !link.starts_with("data:"))
}

/// The file that a link leads to, with its anchor, if both are there.
fn target(page: &Path, link: &str) -> Option<PathBuf> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = path.split('?').next().unwrap_or_default();
    let file = if path.is_empty() { page.to_owned() } else { page.parent()?.join(path) };
    let file = file.canonicalize().ok().filter(|file| file.is_file())?;
    let has_anchor = || fs::read_to_string(&file).is_ok_and(|html| html.contains(&format!("id=\"{anchor}\"")));
    (anchor.is_empty() || has_anchor()).then_some(file)
}

/// The files of the book that the README shows.
fn shown_by_readme() -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(guide().join("../README.md")).unwrap();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.filter_map(|link| link.strip_prefix("docs/src/")).map(PathBuf::from).collect()
}

#[test]
fn the_book_builds_whole() {
    assert_eq!(problems(&guide(), &shown_by_readme()), Vec::<String>::new());
}

/// A small book, spoiled by one more file.
fn spoiled(file: &str, text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("book.toml", "[book]\ntitle = \"B\"\n[build]\ncreate-missing = false\n");
    write("src/SUMMARY.md", "# Summary\n\n- [One](one.md)\n- [Two](two.md)\n");
    write("src/one.md", "# One\n\n[two](two.md#a-part) ![a picture](img/a.svg) [site](https://example.com/x)\n");
    write("src/two.md", "# Two\n\n## A part\n\n[one](one.md)\n");
    write("src/img/a.svg", "<svg/>");
    write(file, text);
    problems(&folder.path().canonicalize().unwrap(), &BTreeSet::new())
}

#[test]
fn a_book_that_is_not_whole_is_found_out() {
    assert_eq!(spoiled("src/img/a.svg", "<svg></svg>"), Vec::<String>::new(), "nothing is wrong with it");
    for (file, text, problem) in [
        ("src/SUMMARY.md", "# Summary\n\n- [One](one.md)\n- [Two](two.md)\n- [Three](three.md)\n", "three.md"),
        ("src/SUMMARY.md", "# Summary\n\n- [One](one.md)\n", "two.md is in no chapter"),
        ("src/three.md", "# Three\n", "three.md is in no chapter"),
        ("src/img/b.svg", "<svg/>", "img/b.svg is in no chapter"),
        ("src/two.md", "# Two\n\n## A part\n\n[three](three.md)\n", "the link three.html leads nowhere"),
        ("src/two.md", "# Two\n\n## Another part\n", "the link two.html#a-part leads nowhere"),
        ("src/two.md", "# Two\n\n## A part\n\n![none](img/none.svg)\n", "the link img/none.svg leads nowhere"),
        ("src/two.md", "# Two\n\n## A part\n\n{{#include ../none.rs}}\n", "something is not included"),
    ] {
        let found = spoiled(file, text);
        assert!(found.iter().any(|found| found.contains(problem)), "{file}: {problem}: {found:?}");
    }
}
