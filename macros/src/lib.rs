//! `embed_migrations!` and `embed_snapshots!`: see the documentation of the crate `whimbrel`.

use std::path::{Path, PathBuf};

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use whimbrel_core::{DirectorySource, Source};

/// Puts the files of a migration folder into the program, see `whimbrel::embedding`.
#[proc_macro]
pub fn embed_migrations(input: TokenStream) -> TokenStream {
    match expand(input) {
        Ok(code) => code.parse().unwrap_or_else(|error| compile_error(&format!("embed_migrations!: {error}"))),
        Err(message) => compile_error(&format!("embed_migrations!: {message}")),
    }
}

/// Puts the snapshots of a migration folder into the program, see `whimbrel::embedding`.
#[proc_macro]
pub fn embed_snapshots(input: TokenStream) -> TokenStream {
    match expand_snapshots(input) {
        Ok(code) => code.parse().unwrap_or_else(|error| compile_error(&format!("embed_snapshots!: {error}"))),
        Err(message) => compile_error(&format!("embed_snapshots!: {message}")),
    }
}

fn expand_snapshots(input: TokenStream) -> Result<String, String> {
    let (folder, path) = folder(argument(input, "embed_snapshots!")?)?;
    let meta = path.join("meta");
    let unreadable = |error: std::io::Error| format!("{folder}/meta: the folder cannot be read: {error}");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&meta).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().into_string().unwrap_or_default();
        if name.ends_with("_snapshot.json") {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(format!("{folder}/meta: there are no snapshots in the folder: `whimbrel generate` writes them"));
    }
    names.sort();
    let file = |name: &String| format!("{}/meta/{name}", folder.trim_end_matches('/'));
    let files = names.iter().map(|name| embedded(&file(name), &meta.join(name).display().to_string()));
    let files: String = files.collect();
    Ok(format!(
        "{{ const FILES: &[::whimbrel::EmbeddedFile] = &[{files}]; ::whimbrel::schema::Snapshots::embedded(FILES) }}"
    ))
}

/// One file, by the name that errors call it, and where it is now.
fn embedded(shown: &str, file: &str) -> String {
    format!("::whimbrel::EmbeddedFile {{ path: {shown:?}, text: include_str!({file:?}) }},")
}

/// The folder as it was written, and where it is.
fn folder(folder: String) -> Result<(String, PathBuf), String> {
    let package = PathBuf::from(
        std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "CARGO_MANIFEST_DIR is not set: build with cargo")?,
    );
    let path = package.join(&folder);
    let path = path.canonicalize().map_err(|error| format!("{folder}: the folder cannot be read: {error}"))?;
    watched(&package, &folder)?;
    Ok((folder, path))
}

fn expand(input: TokenStream) -> Result<String, String> {
    let (folder, path) = folder(argument(input, "embed_migrations!")?)?;
    let migrations = DirectorySource::new(&path).load(&"main".into()).complete().map_err(|error| error.to_string())?;
    if migrations.is_empty() {
        return Err(format!("{folder}: there are no migrations in the folder"));
    }
    let mut files = String::new();
    for migration in &migrations {
        let file = migration.file();
        let name = Path::new(&file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        files.push_str(&embedded(&format!("{}/{name}", folder.trim_end_matches('/')), &file));
    }
    Ok(format!("{{ const FILES: &[::whimbrel::EmbeddedFile] = &[{files}]; ::whimbrel::EmbeddedSource::new(FILES) }}"))
}

/// The one argument, a string.
fn argument(input: TokenStream, called: &str) -> Result<String, String> {
    let expected = format!("write the folder as one string: {called}(\"migrations\")");
    let mut tokens = input.into_iter();
    let (Some(TokenTree::Literal(literal)), None) = (tokens.next(), tokens.next()) else {
        return Err(expected);
    };
    let text = literal.to_string();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    inner.filter(|inner| !inner.is_empty()).map(str::to_owned).ok_or(expected)
}

/// A new file rebuilds the program only where a build script watches the folder.
fn watched(package: &Path, folder: &str) -> Result<(), String> {
    let script = std::fs::read_to_string(package.join("build.rs")).unwrap_or_default();
    let line = format!("cargo::rerun-if-changed={folder}");
    let old = format!("cargo:rerun-if-changed={folder}");
    // With the closing quote: `migrations` is not watched by a line for `migrations-pg`.
    if [&line, &old].iter().any(|line| script.contains(&format!("{line}\""))) {
        return Ok(());
    }
    Err(format!(
        "a new file in {folder} would not be noticed; put this into {}:\n\nfn main() {{\n    println!(\"{line}\");\n}}\n",
        package.join("build.rs").display()
    ))
}

fn compile_error(message: &str) -> TokenStream {
    let literal = proc_macro::Literal::string(message);
    [
        TokenTree::Ident(Ident::new("compile_error", Span::call_site())),
        TokenTree::Punct(Punct::new('!', Spacing::Alone)),
        TokenTree::Group(Group::new(Delimiter::Brace, TokenTree::Literal(literal).into())),
    ]
    .into_iter()
    .collect()
}
