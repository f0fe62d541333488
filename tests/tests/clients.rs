//! Replays the story of each known client: its own bytes, in the order of its own screens, on a server with every key
//! set and on one without any.

use std::{collections::BTreeMap, path::PathBuf};

use contract_tests::{
    Setup, case, cases, postgres,
    replay::{Paths, Way, replay},
};

/// The clients that a server has to keep alive, by the names of their stories.
const CLIENTS: [(&str, &str); 27] = [
    ("minilvb-v1-android-2016", "小直播 for Android, November 2016"),
    ("minilvb-v1-android-2017", "小直播 for Android, February 2017"),
    ("minilvb-v1-android-2018", "小直播 for Android, March 2018"),
    ("minilvb-v1-ios", "小直播 for iOS, 2016 to 2018"),
    ("minilvb-v1-web", "小直播 share page in a browser"),
    ("minilvb-v2-android-2019", "小直播 for Android, August 2019"),
    ("minilvb-v2-android-2020", "小直播 for Android, July 2020"),
    ("minilvb-v2-android-typed", "an Android app of a third party with typed beans, April 2021"),
    ("minilvb-v2-ios", "小直播 for iOS, 2019 to 2021"),
    ("qplus-ios-1", "the first iOS client of 亲加直播, April 2016"),
    ("qplus-ios-2", "the second iOS client of 亲加直播, June 2016"),
    ("roomservice-android-2019", "the rooms of 小直播 for Android, August 2019"),
    ("roomservice-android-2020", "the rooms of 小直播 for Android, July 2020"),
    ("roomservice-ios", "the rooms of 小直播 for iOS, 2019 to 2021"),
    ("roomservice-mini-2018", "the LiveRoom mini program, 2018"),
    ("roomservice-mini-2019", "the LiveRoom mini program, 2019 and 2020"),
    ("sxb-android-2016-12", "随心播 for Android, December 2016"),
    ("sxb-android-2017-01", "随心播 for Android, January 2017"),
    ("sxb-android-2017-03", "随心播 for Android, March 2017"),
    ("sxb-android-2018", "随心播 for Android, 2018 to 2020"),
    ("sxb-android-fork", "an Android app made from 随心播, June 2017"),
    ("sxb-ios-2017", "随心播 for iOS, February 2017"),
    ("sxb-ios-2020", "随心播 for iOS, 2018 to 2020"),
    ("sxb-pc", "随心播 for Windows, with Qt"),
    ("sxb-web-desktop", "随心播 in a desktop browser with a plug-in"),
    ("sxb-web-mobile", "随心播 over WebRTC in a mobile browser"),
    ("sxb-web-pc", "随心播 over WebRTC in a desktop browser"),
];

fn stories() -> Vec<PathBuf> {
    let folder = cases::root().join("clients");
    cases::entries(&folder).unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn every_client_has_its_story() {
    let told: BTreeMap<_, _> = stories()
        .iter()
        .map(|file| {
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, case::client(file).expect("a case").unwrap_or_default())
        })
        .collect();
    let known = CLIENTS.map(|(name, client)| (name.to_owned(), client.to_owned()));
    assert_eq!(told, BTreeMap::from(known));
}

#[tokio::test]
async fn with_every_key() {
    replay(stories(), Way { setup: Setup::Full, ..Way::default() }).await;
}

#[tokio::test]
async fn without_any_key() {
    replay(stories(), Way { setup: Setup::Bare, ..Way::default() }).await;
}

/// An app whose base address ends in a slash. The replies do not depend on the database.
mod doubled_slashes {
    use super::{Paths, Setup, Way, postgres, replay, stories};

    const DOUBLED: Way = Way { setup: Setup::Full, gateways: 1, paths: Paths::Doubled };

    #[tokio::test]
    async fn with_every_key() {
        if postgres().is_none() {
            replay(stories(), DOUBLED).await;
        }
    }

    #[tokio::test]
    async fn without_any_key() {
        if postgres().is_none() {
            replay(stories(), Way { setup: Setup::Bare, ..DOUBLED }).await;
        }
    }
}

/// Each request goes to the next one of three gateways over one PostgreSQL.
mod hopping {
    use super::{Setup, Way, postgres, replay, stories};

    #[tokio::test]
    async fn with_every_key() {
        if postgres().is_some() {
            replay(stories(), Way { setup: Setup::Full, gateways: 3, ..Way::default() }).await;
        }
    }
}
