//! Checks `timeStamp` and `sign` (seed 003, 公共参数; contract sxb §2.1). The check is optional: no known client sends the
//! two parameters, but the clients of an operator may.

use std::borrow::Cow;

use http::header::HOST;
use relive_core::{
    UnixSeconds,
    sign::digest::{eq_hex, md5_hex},
};
use relive_wire::{Integer, Request, Value};
use secrecy::ExposeSecret as _;

use crate::{code::Code, config::Config, fields::Fields};

const SIGN: &str = "sign";
const TIME: &str = "timeStamp";

/// Checks both parameters, each taken from the query if it is there, else from the body.
///
/// Errors: [`Code::BadSign`].
pub(crate) fn check(
    request: &Request,
    fields: Fields<'_>,
    config: &Config,
    now: UnixSeconds,
) -> Result<(), Code> {
    let parameter = |name| last(request.query(), name).map(Value::Text);
    let time = match parameter(TIME) {
        Some(text) => text.integer(Integer::Text),
        None => fields.0.get(TIME).and_then(|value| value.integer(Integer::Text)),
    };
    let in_time =
        time.is_some_and(|time| i128::from(time.abs_diff(now.0)) <= i128::from(config.sign_window.0));
    let received = match parameter(SIGN) {
        Some(Value::Text(text)) => Some(text),
        _ => fields.0.get(SIGN).and_then(Value::text).map(Cow::Borrowed),
    };
    let secret = config.sign_secret.expose_secret();
    let signed = received.is_some_and(|received| {
        urls(request).iter().any(|url| eq_hex(&md5_hex(format!("{url}{secret}")), &received))
    });
    if in_time && signed { Ok(()) } else { Err(Code::BadSign) }
}

fn last<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name).map(|(_, value)| value).last()
}

/// The spellings of the URL that a client may have signed, without `sign` itself. Behind a proxy, client and server see
/// different schemes; the seed shows only the name of the script and its query.
fn urls(request: &Request) -> Vec<String> {
    let query: Vec<&str> =
        request.query().split('&').filter(|pair| pair.split('=').next() != Some(SIGN)).collect();
    let query = query.join("&");
    let path = request.uri.path();
    let url = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let script = url.get(path.rfind('/').map_or(0, |slash| slash + 1)..).unwrap_or_default();
    let mut urls = vec![script.to_owned()];
    let header = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = request.uri.authority().map(http::uri::Authority::as_str).or(header);
    urls.extend(
        host.into_iter().flat_map(|host| ["http", "https"].map(|scheme| format!("{scheme}://{host}{url}"))),
    );
    urls.push(url);
    urls
}

#[cfg(test)]
mod tests {
    use relive_wire::{Body, Object};

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn config() -> Config {
        Config { require_sign: true, sign_secret: "s3".to_owned().into(), ..Config::default() }
    }

    fn request(uri: &str) -> Request {
        let mut headers = http::HeaderMap::new();
        headers.insert(HOST, http::HeaderValue::from_static("live.example:8080"));
        Request {
            method: http::Method::POST,
            uri: uri.parse().unwrap(),
            mount_len: 0,
            headers,
            body: Body::TooLarge,
            client: [127, 0, 0, 1].into(),
            is_exempt: true,
        }
    }

    fn checked(uri: &str, body: &str) -> Result<(), Code> {
        check(&request(uri), Fields(&Object::parse(body.as_bytes(), 12).unwrap()), &config(), NOW)
    }

    #[test]
    fn every_spelling_of_the_url_is_accepted() {
        let rest = "index.php?svc=live&cmd=create&timeStamp=1700000000";
        for prefix in ["", "/sxb/", "http://live.example:8080/sxb/", "https://live.example:8080/sxb/"] {
            let sign = md5_hex(format!("{prefix}{rest}s3"));
            assert_eq!(checked(&format!("/sxb/{rest}&sign={sign}"), "{}"), Ok(()), "{prefix}");
            let sign = sign.to_uppercase();
            let first = rest.replace('?', &format!("?sign={sign}&"));
            assert_eq!(checked(&format!("/sxb/{first}"), "{}"), Ok(()), "{prefix}");
            let other = md5_hex(format!("{prefix}{rest}s4"));
            assert_eq!(checked(&format!("/sxb/{rest}&sign={other}"), "{}"), Err(Code::BadSign), "{prefix}");
        }
        let other_host = md5_hex(format!("http://other.example/sxb/{rest}s3"));
        assert_eq!(checked(&format!("/sxb/{rest}&sign={other_host}"), "{}"), Err(Code::BadSign));
    }

    #[test]
    fn the_body_may_carry_both() {
        let uri = "/index.php?svc=live&cmd=create";
        let sign = md5_hex(format!("{uri}s3"));
        for time in ["1700000000", "\"1700000300\"", "1699999700"] {
            assert_eq!(
                checked(uri, &format!("{{\"timeStamp\":{time},\"sign\":\"{sign}\"}}")),
                Ok(()),
                "{time}"
            );
        }
        for body in [
            format!("{{\"sign\":\"{sign}\"}}"),
            format!("{{\"timeStamp\":1699999699,\"sign\":\"{sign}\"}}"),
            format!("{{\"timeStamp\":1700000301,\"sign\":\"{sign}\"}}"),
            format!("{{\"timeStamp\":true,\"sign\":\"{sign}\"}}"),
            format!("{{\"timeStamp\":-9223372036854775808,\"sign\":\"{sign}\"}}"),
            "{\"timeStamp\":1700000000}".to_owned(),
            "{\"timeStamp\":1700000000,\"sign\":5}".to_owned(),
        ] {
            assert_eq!(checked(uri, &body), Err(Code::BadSign), "{body}");
        }
    }

    #[test]
    fn the_query_takes_precedence_over_the_body() {
        let sign = md5_hex("/index.php?timeStamp=1s3");
        let body = format!("{{\"timeStamp\":1700000000,\"sign\":\"{sign}\"}}");
        assert_eq!(checked("/index.php?timeStamp=1", &body), Err(Code::BadSign));
        let sign = md5_hex("/sxb_new/s3");
        let body = format!("{{\"timeStamp\":1700000000,\"sign\":\"{sign}\"}}");
        assert_eq!(checked("/sxb_new/", &body), Ok(()));
        assert_eq!(checked(&format!("/sxb_new/?sign={sign}"), "{\"timeStamp\":1700000000}"), Ok(()));
    }
}
