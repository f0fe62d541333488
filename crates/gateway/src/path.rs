//! Paths as clients send them: apps whose base address ends in a slash, and reverse proxies, double slashes.

use http::{Uri, uri::PathAndQuery};

/// The address with every run of slashes in its path as one slash. An escaped slash (`%2f`) is no slash.
pub(crate) fn merge_slashes(uri: Uri) -> Uri {
    if !uri.path().contains("//") {
        return uri;
    }
    let mut path = String::with_capacity(uri.path().len());
    for character in uri.path().chars() {
        if character != '/' || !path.ends_with('/') {
            path.push(character);
        }
    }
    with_path(uri, path)
}

/// The address without the slash at the end of its path; `None` if there is none, or nothing else.
pub(crate) fn without_last_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?.to_owned();
    Some(with_path(uri.clone(), path))
}

/// Replaces the path; an address that cannot be written stays as it is.
fn with_path(uri: Uri, mut path: String) -> Uri {
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    let Ok(replaced) = PathAndQuery::try_from(path) else { return uri };
    parts.path_and_query = Some(replaced);
    Uri::from_parts(parts).unwrap_or(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(uri: &str) -> String {
        merge_slashes(uri.parse().unwrap()).to_string()
    }

    #[test]
    fn runs_of_slashes_are_one() {
        for (sent, meant) in [
            ("//", "/"),
            ("///interface.php//login?a=//&b", "/interface.php/login?a=//&b"),
            ("/a/b", "/a/b"),
            ("/a%2f/b//", "/a%2f/b/"),
            ("http://host//login", "http://host/login"),
            ("*", "*"),
        ] {
            assert_eq!(merged(sent), meant, "{sent}");
        }
    }

    #[test]
    fn the_last_slash_is_taken_away() {
        let trimmed = |uri: &str| without_last_slash(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(trimmed("/login/?a=/").as_deref(), Some("/login?a=/"));
        assert_eq!([trimmed("/"), trimmed("/login"), trimmed("*")], [None, None, None]);
    }
}
