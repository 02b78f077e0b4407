//! The environment variables that the command reads.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

type LookUp = dyn Fn(&str) -> Option<OsString>;

/// Where variables come from: the process, or a list in tests.
pub(crate) struct Environment {
    look_up: Box<LookUp>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values may be secrets.
        f.write_str("Environment")
    }
}

impl Environment {
    /// The variables of this process.
    pub(crate) fn of_process() -> Self {
        Self { look_up: Box::new(|name| std::env::var_os(name)) }
    }

    /// These variables.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        let owned: Vec<(String, OsString)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
        Self { look_up: Box::new(move |name| owned.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())) }
    }

    /// The variable's value; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// A message that names the variable, where its value is not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>, String> {
        match (self.look_up)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(format!("the value of the variable {name} is not UTF-8")),
        }
    }

    /// The variable's value, unless it is not set or empty.
    pub(crate) fn get_filled(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.get(name)?.filter(|value| !value.is_empty()))
    }

    /// The home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        (self.look_up)(variable).filter(|home| !home.is_empty()).map(PathBuf::from)
    }
}
