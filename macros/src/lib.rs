//! `embed_migrations!`: see the documentation of the crate `whimbrel`.

use std::fmt::Write as _;
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

fn expand(input: TokenStream) -> Result<String, String> {
    let folder = argument(input)?;
    let package = PathBuf::from(
        std::env::var("CARGO_MANIFEST_DIR").map_err(|_| "CARGO_MANIFEST_DIR is not set: build with cargo")?,
    );
    let path = package.join(&folder);
    let path = path.canonicalize().map_err(|error| format!("{folder}: the folder cannot be read: {error}"))?;
    watched(&package, &folder)?;
    let migrations = DirectorySource::new(&path).load(&"main".into()).complete().map_err(|error| error.to_string())?;
    if migrations.is_empty() {
        return Err(format!("{folder}: there are no migrations in the folder"));
    }
    let mut files = String::new();
    for migration in &migrations {
        let file = migration.file();
        let name = Path::new(&file).file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let shown = format!("{}/{name}", folder.trim_end_matches('/'));
        write!(files, "::whimbrel::EmbeddedFile {{ path: {shown:?}, text: include_str!({file:?}) }},")
            .map_err(|error| error.to_string())?;
    }
    Ok(format!("{{ const FILES: &[::whimbrel::EmbeddedFile] = &[{files}]; ::whimbrel::EmbeddedSource::new(FILES) }}"))
}

/// The one argument, a string.
fn argument(input: TokenStream) -> Result<String, String> {
    let expected = "write the folder as one string: embed_migrations!(\"migrations\")";
    let mut tokens = input.into_iter();
    let (Some(TokenTree::Literal(literal)), None) = (tokens.next(), tokens.next()) else {
        return Err(expected.to_owned());
    };
    let text = literal.to_string();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    inner.filter(|inner| !inner.is_empty()).map(str::to_owned).ok_or_else(|| expected.to_owned())
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
