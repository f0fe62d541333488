//! Reads the repository's files once, so that every rule is a function from files to findings.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};

/// Folders that hold no source: build output, the server's data, version control.
const SKIPPED: &[&str] = &[".git", "target", "relive-data"];

/// Every file below the root by its path, with `/` between the parts.
#[derive(Debug, Default)]
pub(crate) struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    /// Reads all files below `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.add_folder(root, "")?;
        Ok(tree)
    }

    fn add_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let unreadable = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let name = entry.file_name().into_string().ok().context("a file name is not UTF-8")?;
            let (kind, path) = (entry.file_type().with_context(unreadable)?, format!("{prefix}{name}"));
            if SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if kind.is_dir() {
                self.add_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
                self.0.insert(path, bytes);
            }
        }
        Ok(())
    }

    /// Whether a file has this path, or is below a folder with this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.0.contains_key(path) || self.below(path).next().is_some()
    }

    /// The text of a file, if the file exists and is UTF-8.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// All files, in order of their paths.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// All UTF-8 files with this extension.
    pub(crate) fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter_map(move |(path, bytes)| {
            let named = Path::new(path).extension().is_some_and(|found| found == extension);
            if named { std::str::from_utf8(bytes).ok().map(|text| (path, text)) } else { None }
        })
    }

    /// All files below a folder.
    pub(crate) fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let prefix = format!("{folder}/");
        self.files().filter(move |(path, _)| path.starts_with(&prefix))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    fn from(files: [(&str, &str); N]) -> Self {
        Self(files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect())
    }
}

#[cfg(test)]
impl Tree {
    pub(crate) fn with_bytes(path: &str, bytes: &[u8]) -> Self {
        Self(BTreeMap::from([(path.to_owned(), bytes.to_vec())]))
    }

    pub(crate) fn insert(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), text.as_bytes().to_vec());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_everything_but_build_output() {
        let root = tempfile::tempdir().unwrap();
        for path in ["docs/adr/0001-a.md", "target/debug/x.rs", ".ci/run", "crates/core/target/y.rs"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        let tree = Tree::read(root.path()).unwrap();
        let paths: Vec<_> = tree.files().map(|(path, _)| path).collect();
        assert_eq!(paths, [".ci/run", "docs/adr/0001-a.md"]);
        assert!(tree.has("docs") && tree.has("docs/adr/0001-a.md"));
        assert!(!tree.has("doc") && !tree.has("docs/adr/0001-a"));
        assert_eq!(tree.with_extension("md").count(), 1);
    }
}
