use super::Settings;

fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Settings::read(arguments.iter().map(|argument| (*argument).to_owned()), variable)
}

#[test]
fn arguments_come_before_the_environment_and_that_before_the_usual() {
    let usual = read(&[], &[]).map(|settings| settings.map(|s| (s.database, s.listen.to_string())));
    assert_eq!(usual, Ok(Some(("sqlite:app.db".to_owned(), "127.0.0.1:3030".to_owned()))));
    let environment = [("DATABASE_URL", "sqlite:a.db"), ("LISTEN", "0.0.0.0:80")];
    let told =
        read(&["--database", "sqlite:b.db"], &environment).map(|s| s.map(|s| (s.database, s.listen.to_string())));
    assert_eq!(told, Ok(Some(("sqlite:b.db".to_owned(), "0.0.0.0:80".to_owned()))));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(read(&["--database"], &[]), Err("--database needs a value".to_owned()));
    assert_eq!(read(&["--ahead"], &[]), Err("unknown argument `--ahead`".to_owned()));
    assert!(read(&["--listen", "here"], &[]).is_err_and(|message| message.contains("`here`")));
    assert_eq!(read(&["--help"], &[]), Ok(None));
}
