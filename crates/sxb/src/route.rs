//! The paths of this dialect, and the profile of the clients that use a path.

use crate::config::Config;

/// The forms of `recordlist` (contract sxb §0 R4, §1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// As in the seed: `playurl` is a string, and `index` is an offset from 0.
    Seed,
    /// As the apps of January to April 2017 expect it: `playurl` is an array, and `index` is an offset from 0.
    Array,
    /// As the later apps expect it: `playurl` is an array, and `index` is a page number from 1.
    Client,
}

/// The configured routes, without a slash at the end.
#[derive(Debug)]
pub(crate) struct Routes {
    client: Vec<String>,
    array: Vec<String>,
}

fn without_last_slash(routes: &[String]) -> Vec<String> {
    let trimmed = routes.iter().map(|route| match route.trim_matches('/') {
        "" => String::new(),
        name => format!("/{name}"),
    });
    trimmed.collect()
}

impl Routes {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            client: without_last_slash(&config.client_profile),
            array: without_last_slash(&config.array_playurl),
        }
    }

    /// The profile at a path; `None` if the path is not this dialect's. The paths of a route are its folder, with a
    /// slash at the end, and `index.php` in the folder. The bare `/` belongs to another dialect.
    pub(crate) fn profile(&self, path: &str) -> Option<Profile> {
        let folder = path.strip_suffix("index.php").unwrap_or(path);
        let route = folder.strip_suffix('/').filter(|_| path != "/")?;
        if self.client.iter().any(|client| client == route) {
            Some(Profile::Client)
        } else if self.array.iter().any(|array| array == route) {
            Some(Profile::Array)
        } else {
            // The paths in seed 003 §十五 and in the shipped apps (contract sxb §1.1).
            matches!(route, "" | "/sxb" | "/sxb_dev" | "/sxb_new").then_some(Profile::Seed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(client: &[&str], array: &[&str]) -> Routes {
        let owned = |routes: &[&str]| routes.iter().map(|route| (*route).to_owned()).collect();
        Routes::new(&Config {
            client_profile: owned(client),
            array_playurl: owned(array),
            ..Config::default()
        })
    }

    #[test]
    fn routes_are_reached_as_folder_and_as_script() {
        let routes = routes(&["/sxb_dev", "old/app/"], &["/sxb/", "/more", "/sxb_dev"]);
        for path in ["/index.php", "/sxb_new/"] {
            assert_eq!(routes.profile(path), Some(Profile::Seed), "{path}");
        }
        for path in ["/sxb/", "/sxb/index.php", "/more/"] {
            assert_eq!(routes.profile(path), Some(Profile::Array), "{path}");
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
        let routes = routes(&["/"], &[]);
        assert_eq!(routes.profile("/index.php"), Some(Profile::Client));
        assert_eq!(routes.profile("/"), None);
    }
}
