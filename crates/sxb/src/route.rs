//! Which paths are this protocol's, and what a client that uses one of them expects.

/// The two forms of `recordlist` (contract sxb §1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As the seed says: `playurl` is a string, `index` an offset from 0.
    Seed,
    /// As the shipped apps expect: `playurl` is an array, `index` a page from 1.
    Client,
}

/// The routes, without a slash at the end.
#[derive(Debug)]
pub(crate) struct Routes {
    client: Vec<String>,
}

impl Routes {
    pub(crate) fn new(client_profile: &[String]) -> Self {
        let client = client_profile
            .iter()
            .map(|route| match route.trim_matches('/') {
                "" => String::new(),
                name => format!("/{name}"),
            })
            .collect();
        Self { client }
    }

    /// What stands behind a path; `None` if it is not ours. A route is its folder or the script in it; the bare `/` is
    /// another protocol's.
    pub(crate) fn profile(&self, path: &str) -> Option<Profile> {
        let folder = path.strip_suffix("index.php").unwrap_or(path);
        let route = folder.strip_suffix('/').filter(|_| path != "/")?;
        if self.client.iter().any(|client| client == route) {
            Some(Profile::Client)
        } else {
            // Where clients have always looked: seed 003 §十五 and the shipped apps (contract sxb §1.1).
            matches!(route, "" | "/sxb" | "/sxb_dev" | "/sxb_new").then_some(Profile::Seed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_scripts() {
        let routes = Routes::new(&["/sxb_dev".to_owned(), "old/app/".to_owned()]);
        for path in ["/index.php", "/sxb/", "/sxb/index.php", "/sxb_new/"] {
            assert_eq!(routes.profile(path), Some(Profile::Seed), "{path}");
        }
        for path in ["/sxb_dev/", "/sxb_dev/index.php", "/old/app/index.php", "/old/app/"] {
            assert_eq!(routes.profile(path), Some(Profile::Client), "{path}");
        }
        for path in [
            "/",
            "",
            "/sxb",
            "/index.php/",
            "/sxb/xindex.php",
            "/SXB/",
            "/sxb/index.phpx",
            "/app/",
            "index.php",
        ] {
            assert_eq!(routes.profile(path), None, "{path}");
        }
    }

    #[test]
    fn the_top_route_may_have_the_client_profile_but_never_the_bare_slash() {
        let routes = Routes::new(&["/".to_owned()]);
        assert_eq!(routes.profile("/index.php"), Some(Profile::Client));
        assert_eq!(routes.profile("/"), None);
    }
}
