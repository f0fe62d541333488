//! The paths of this dialect, and the profile of the clients that use a path.

/// The two forms of `recordlist` (contract sxb §1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As in the seed: `playurl` is a string, and `index` is an offset from 0.
    Seed,
    /// As the shipped apps expect it: `playurl` is an array, and `index` is a page number from 1.
    Client,
}

/// The configured routes, without a slash at the end.
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

    /// The profile at a path; `None` if the path is not this dialect's. The paths of a route are its folder, with a
    /// slash at the end, and `index.php` in the folder. The bare `/` belongs to another dialect.
    pub(crate) fn profile(&self, path: &str) -> Option<Profile> {
        let folder = path.strip_suffix("index.php").unwrap_or(path);
        let route = folder.strip_suffix('/').filter(|_| path != "/")?;
        if self.client.iter().any(|client| client == route) {
            Some(Profile::Client)
        } else {
            // The paths in seed 003 §十五 and in the shipped apps (contract sxb §1.1).
            matches!(route, "" | "/sxb" | "/sxb_dev" | "/sxb_new").then_some(Profile::Seed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_reached_as_folder_and_as_script() {
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
    fn the_top_route_may_have_the_client_profile_but_not_the_bare_slash() {
        let routes = Routes::new(&["/".to_owned()]);
        assert_eq!(routes.profile("/index.php"), Some(Profile::Client));
        assert_eq!(routes.profile("/"), None);
    }
}
