//! The files of contract data and their names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folder of all contract data.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts")
}

/// The folder of an adapter's contract data.
pub fn adapter(name: &str) -> PathBuf {
    root().join(name)
}

/// The files and folders in a folder, sorted by their names.
///
/// # Errors
/// If the folder cannot be read.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = || format!("cannot read {}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        found.push(entry.with_context(unreadable)?.path());
    }
    found.sort();
    Ok(found)
}

/// All JSON files in a folder and in the folders below.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The cases in an adapter's folder, without its file of givens.
///
/// # Errors
/// If a folder cannot be read.
pub fn of_adapter(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = files(folder)?;
    found.retain(|file| file.parent() != Some(folder));
    Ok(found)
}

/// The name of a case, such as `sxb/live.roomlist/success`.
pub fn name(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).with_extension("").display().to_string()
}
