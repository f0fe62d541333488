//! Finds the files of contract data by their names.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The folder of all contract data.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contracts")
}

/// The folder of an adapter's contract data.
pub fn adapter(name: &str) -> PathBuf {
    root().join(name)
}

/// Lists the files and folders in a folder, sorted by their names.
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

/// Lists all JSON files in a folder and in the folders below.
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

/// Lists the cases in an adapter's folder, without its file of givens.
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

/// Finds the cases of a name: one case, all of an interface or of an adapter; all cases if there is no name. A name may
/// also be the path of a file or a folder, and the name of an interface may be written with `/`.
///
/// # Errors
/// If there is no such case.
pub fn named(wanted: Option<&str>) -> Result<Vec<PathBuf>> {
    let mut found = files(&root())?;
    if let Some(wanted) = wanted {
        found.retain(|file| matches(&name(file), wanted));
        ensure!(!found.is_empty(), "there is no contract case {wanted}");
    }
    Ok(found)
}

fn matches(name: &str, wanted: &str) -> bool {
    let dotted = |name: &str| name.replace('/', ".");
    let wanted = wanted.rsplit_once("contracts/").map_or(wanted, |(_, name)| name);
    let wanted = dotted(wanted.trim_end_matches('/').trim_end_matches(".json"));
    dotted(name).strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_found_under_several_names() {
        let name = "sxb/live.roomlist/success";
        for wanted in [
            "sxb/live.roomlist/success",
            "sxb/live/roomlist/success",
            "tests/contracts/sxb/live.roomlist/success.json",
            "/anywhere/tests/contracts/sxb/live.roomlist/",
            "sxb/live/roomlist",
            "sxb",
        ] {
            assert!(matches(name, wanted), "{wanted}");
        }
        for wanted in ["sxb/live.roomlist/succ", "qplus", "live.roomlist", "sxb/live.roomlist/success/x"] {
            assert!(!matches(name, wanted), "{wanted}");
        }
    }

    #[test]
    fn the_path_of_every_file_is_one_of_its_names() {
        for file in named(None).unwrap() {
            assert!(matches(&name(&file), &file.display().to_string()), "{}", file.display());
        }
        assert!(named(Some("sxb/no.such")).is_err());
    }
}
