//! The written contract and the cases: each sentence that demands something names its cases, and each case of the
//! contract is named by a sentence.

use std::collections::BTreeSet;
use std::path::Path;

use whimbrel_conformance::{About, cases};

/// The files that hold the contract, in core's source.
const FILES: [&str; 4] = ["backend.md", "backend.rs", "clock.rs", "history.rs"];

/// The words that demand. What permits (`MAY`) needs no proof.
const WORDS: [&str; 2] = ["MUST", "SHOULD"];

/// A sentence of the contract, with the cases that it names.
#[derive(Debug, PartialEq, Eq)]
struct Sentence {
    text: String,
    cases: Vec<String>,
}

impl Sentence {
    /// How often it demands something.
    fn demands(&self) -> usize {
        let words = self.text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| WORDS.contains(word)).count()
    }

    /// What is wrong with it.
    fn problem(&self, known: &BTreeSet<String>) -> Option<String> {
        match (self.demands(), self.cases.len()) {
            (0, 0) => {}
            (0, _) => return Some(format!("it names a case, and demands nothing: {}", self.text)),
            (1, 0) => return Some(format!("it names no case: {}", self.text)),
            (1, _) => {}
            (more, _) => {
                return Some(format!("it demands {more} things, of which one may be without a case: {}", self.text));
            }
        }
        let unknown: Vec<_> = self.cases.iter().filter(|case| !known.contains(*case)).collect();
        (!unknown.is_empty()).then(|| format!("there is no case {unknown:?}: {}", self.text))
    }
}

/// The text of a file that people read: of Rust, its doc comments. Each item of a list and each paragraph is a line.
fn paragraphs(file: &str, text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| match file.ends_with(".rs") {
        true => line.trim_start().strip_prefix("///").or(line.trim_start().strip_prefix("//!")).unwrap_or_default(),
        false => line,
    });
    let mut paragraphs = vec![String::new()];
    for line in lines.map(str::trim) {
        let item = line.strip_prefix("- ");
        if line.is_empty() || line.starts_with('#') || item.is_some() {
            paragraphs.push(String::new());
        }
        if let Some(last) = paragraphs.last_mut().filter(|_| !line.starts_with('#')) {
            last.push_str(item.unwrap_or(line));
            last.push(' ');
        }
    }
    paragraphs.retain(|paragraph| !paragraph.trim().is_empty());
    paragraphs
}

/// A sentence ends with a full stop before white space. Brackets are part of the sentence in which they open.
fn sentences(file: &str, text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    for paragraph in paragraphs(file, text) {
        for text in paragraph.split(". ").map(str::trim).filter(|text| !text.is_empty()) {
            found.push(Sentence { text: text.to_owned(), cases: named(text) });
        }
    }
    found
}

/// The cases in its marks: ``(case: `group::name`)``, ``(cases: `group::name`, `group::name`)``.
fn named(text: &str) -> Vec<String> {
    let marks = text.split("(case").skip(1).filter_map(|rest| rest.trim_start_matches('s').strip_prefix(": "));
    let lists = marks.filter_map(|rest| rest.split(')').next());
    lists.flat_map(|list| list.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

fn contract() -> Vec<Sentence> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let of_file = |file: &&str| {
        let text = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found = sentences(file, &text);
        assert!(!found.is_empty(), "{file} has no sentence: is it read right?");
        found
    };
    FILES.iter().flat_map(of_file).collect()
}

fn names(about: Option<About>) -> BTreeSet<String> {
    let all = cases().into_iter().filter(|case| about.is_none_or(|about| case.about == about));
    all.map(|case| format!("{case:?}")).collect()
}

#[test]
fn every_sentence_that_demands_names_its_case() {
    let (sentences, known) = (contract(), names(None));
    let problems: Vec<String> = sentences.iter().filter_map(|sentence| sentence.problem(&known)).collect();
    assert!(problems.is_empty(), "{} sentences are wrong:\n{}", problems.len(), problems.join("\n"));
    let demands = sentences.iter().map(Sentence::demands).sum::<usize>();
    assert!(demands > 60, "the contract demands only {demands} things: is it read right?");
}

#[test]
fn every_case_of_the_contract_is_named_by_a_sentence() {
    let named: BTreeSet<String> = contract().into_iter().flat_map(|sentence| sentence.cases).collect();
    let unnamed: Vec<_> = names(Some(About::Contract)).difference(&named).cloned().collect();
    assert!(unnamed.is_empty(), "no sentence of the contract names {unnamed:?}");
}

#[test]
fn the_reading_of_the_contract_can_fail() {
    let text = "/// It MUST shine (case: `a::b`).\n///\n/// - MUST NOT rain\n///   (cases: `a::b`,\n///   `a::c`). It MAY blow.\n\
        fn must() {} // It MUST not be read.\n/// It MUST and MUST (case: `a::b`). It SHOULD. It can (case: `a::b`).\n";
    let found = sentences("x.rs", text);
    let cases: Vec<usize> = found.iter().map(|sentence| sentence.cases.len()).collect();
    assert_eq!(cases, [1, 2, 0, 1, 0, 1], "{found:#?}");
    let known = BTreeSet::from(["a::b".to_owned()]);
    let wrong: Vec<bool> = found.iter().map(|sentence| sentence.problem(&known).is_some()).collect();
    assert_eq!(wrong, [false, true, false, true, true, true]);
    assert!(!found.iter().any(|sentence| sentence.text.contains("be read")), "{found:#?}");
}
