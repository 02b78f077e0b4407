use super::{Kind, follows, tokens};

fn words(text: &str) -> Vec<String> {
    tokens(text).into_iter().filter(|token| token.kind == Kind::Word).map(|token| token.text).collect()
}

fn texts(text: &str) -> Vec<String> {
    tokens(text).into_iter().filter(|token| token.kind == Kind::Text).map(|token| token.text).collect()
}

#[test]
fn comments_and_attributes_are_no_code() {
    let text =
        "//! Op\n/* a /* Op */ Op */ let x = 1; // Op\n#[cfg(feature = \"sqlite\")]\nfn f() {}\n#![doc = \"Op\"]";
    assert_eq!(words(text), ["let", "x", "1", "fn", "f"]);
    assert!(texts(text).is_empty());
}

#[test]
fn strings_are_texts_and_characters_are_nothing() {
    let text = r####"let a = "x \" Op"; let b = r#"y "z" \"#; let c = b'"'; let d = '\''; f::<'a>("é", b"q", '"')"####;
    assert_eq!(texts(text), ["x \\\" Op", "y \"z\" \\", "é", "q"]);
    assert!(words(text).contains(&"f".to_owned()) && !words(text).contains(&"Op".to_owned()));
}

#[test]
fn tests_are_no_code_of_the_program() {
    let text =
        "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { if x { } } }\nfn c() {}\n#[cfg(test)]\nmod other;\nfn d() {}";
    assert_eq!(words(text), ["fn", "a", "fn", "c", "fn", "d"]);
    assert_eq!(tokens(text).last().map(|token| token.line), Some(7));
}

#[test]
fn a_run_of_tokens_is_found_by_its_words() {
    let found = tokens("x = Op::Begin");
    assert!(follows(&found, 2, &["Op", ":", ":", "Begin"]) && !follows(&found, 3, &["Op"]));
    assert!(!follows(&tokens("\"Op\""), 0, &["Op"]), "a text is no word");
}
