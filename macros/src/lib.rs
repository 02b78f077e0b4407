//! `embed_migrations!` and `embed_snapshots!`: see the documentation of the crate `whimbrel`.

use std::path::{Path, PathBuf};

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use whimbrel_core::{DirectorySource, Format, UnknownFormat, split::Lexer};

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
    let arguments = Arguments::of(input, "embed_snapshots!")?;
    if arguments.dialect.is_some() || arguments.format.is_some() {
        return Err("write the folder alone: snapshots are Whimbrel's own".to_owned());
    }
    let (folder, path) = folder(arguments.folder)?;
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
    let Arguments { folder, dialect, format } = Arguments::of(input, "embed_migrations!")?;
    let (folder, path) = self::folder(folder)?;
    let lexer = dialect.as_deref().map(|name| Lexer::called(name).ok_or_else(|| no_such_dialect(name))).transpose()?;
    let format = format.as_deref().map(Format::readable).transpose().map_err(|error| unknown(&folder, error))?;
    let source = DirectorySource::open(&path, format, lexer).map_err(|error| unknown(&folder, error))?;
    let files = source.files().map_err(|error| error.to_string())?;
    if files.is_empty() {
        return Err(format!("{folder}: there are no migrations in the folder"));
    }
    let folder = folder.trim_end_matches('/');
    let file = |name: &String| embedded(&format!("{folder}/{name}"), &path.join(name).display().to_string());
    let files: String = files.iter().map(file).collect();
    let source = match (source.is_own(), lexer) {
        (true, None) => "::whimbrel::EmbeddedSource::new(FILES)".to_owned(),
        (true, Some(_)) => {
            return Err(format!(
                "{folder}: is in Whimbrel's own layout, which every dialect reads alike: take `dialect` out"
            ));
        }
        (false, None) => {
            let format = source.format();
            return Err(format!(
                "{folder}: is a folder of {format}, which is read as its database reads it; say which: \
                 embed_migrations!({folder:?}, dialect = \"...\")"
            ));
        }
        (false, Some(lexer)) => {
            let format = source.format();
            format!(
                "::whimbrel::EmbeddedSource::in_format({folder:?}, FILES, {format:?}, ::whimbrel::split::Lexer::{lexer:?})"
            )
        }
    };
    Ok(format!("{{ const FILES: &[::whimbrel::EmbeddedFile] = &[{files}]; {source} }}"))
}

fn no_such_dialect(name: &str) -> String {
    format!("`{name}` is no dialect that Whimbrel knows")
}

/// Why a folder cannot be read, said for a program's code.
fn unknown(folder: &str, error: UnknownFormat) -> String {
    if let UnknownFormat::Shared { formats, .. } = &error {
        let formats = formats.join(" or of ");
        return format!("{folder}: may be of {formats}: say which with `format = \"...\"` behind the folder");
    }
    let problem = error.into_problem();
    format!("{folder}: {}; {}", problem.message, problem.hint)
}

/// What stands between the parentheses.
struct Arguments {
    folder: String,
    dialect: Option<String>,
    format: Option<String>,
}

impl Arguments {
    fn of(input: TokenStream, called: &str) -> Result<Self, String> {
        let expected = || format!("write the folder as one string: {called}(\"migrations\")");
        let mut tokens = input.into_iter();
        let folder = tokens.next().as_ref().and_then(text).ok_or_else(expected)?;
        let mut arguments = Self { folder, dialect: None, format: None };
        let rest: Vec<TokenTree> = tokens.collect();
        for argument in rest.chunks(4) {
            let (key, value) = keyed(argument).ok_or_else(expected)?;
            let place = match &*key {
                "dialect" => &mut arguments.dialect,
                "format" => &mut arguments.format,
                other => {
                    return Err(format!("`{other}` is nothing that is asked for; there are `dialect` and `format`"));
                }
            };
            if place.replace(value).is_some() {
                return Err(format!("`{key}` stands twice"));
            }
        }
        Ok(arguments)
    }
}

/// `, key = "value"`
fn keyed(argument: &[TokenTree]) -> Option<(String, String)> {
    match argument {
        [TokenTree::Punct(comma), TokenTree::Ident(key), TokenTree::Punct(equals), value]
            if comma.as_char() == ',' && equals.as_char() == '=' =>
        {
            Some((key.to_string(), text(value)?))
        }
        _ => None,
    }
}

/// A string without escapes, which is not empty.
fn text(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let text = literal.to_string();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|inner| !inner.contains('\\'));
    inner.filter(|inner| !inner.is_empty()).map(str::to_owned)
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
