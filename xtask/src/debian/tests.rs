use super::{KEYRING, Mirror, from_lines, from_stanzas};

fn mirror(uri: &str, keyring: &str) -> Mirror {
    Mirror { uri: uri.to_owned(), keyring: keyring.to_owned() }
}

#[test]
fn stanzas_give_the_release_mirror_alone() {
    let text = "\
# a comment
Types: deb deb-src
# another inside the stanza
URIs: http://one.example/debian
 https://two.example/debian
suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /keys/a.gpg

Types: deb
URIs: http://one.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /keys/a.gpg

Types: deb
URIs: https://vendor.example/apt
Suites: nodistro
Components: main

Types: deb-src
URIs: http://sources.example/debian
Suites: trixie
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main
";
    let expected = ["http://one.example/debian", "https://two.example/debian"].map(|uri| mirror(uri, "/keys/a.gpg"));
    assert_eq!(from_stanzas(text), expected);
}

#[test]
fn keys_inside_the_stanza_leave_the_usual_keyring() {
    let text =
        "Types: deb\nURIs: http://m.example/\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n";
    assert_eq!(from_stanzas(text), [mirror("http://m.example/", KEYRING)]);
}

#[test]
fn lines_may_have_options_and_comments() {
    let text = "\
deb http://plain.example/debian trixie main
  deb\t[ arch=amd64 signed-by=/keys/b.gpg,/keys/c.gpg ] https://b.example/debian stable main non-free # why
deb-src http://sources.example/debian trixie main
# deb http://off.example/debian trixie main
deb http://security.example/debian-security trixie-security main
deb cdrom:[Debian]/ trixie main
deb http://ubuntu.example/ubuntu noble main
deb http://broken.example
";
    let expected = [mirror("http://plain.example/debian", KEYRING), mirror("https://b.example/debian", "/keys/b.gpg")];
    assert_eq!(from_lines(text), expected);
}
