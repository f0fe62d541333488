//! The error of a configuration: all its problems at once.

/// All problems of a configuration, each with the key and the origin of its value. Contains no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not valid\n  {}", .0.join("\n  "))]
pub struct ConfigError(pub(crate) Vec<String>);

impl ConfigError {
    /// One line per problem.
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl From<String> for ConfigError {
    fn from(problem: String) -> Self {
        Self(vec![problem])
    }
}
