//! Web pages of another origin call all dialects in a real browser, which decides what a page may send and read (CORS).
//! Without Chromium the test says so and does nothing; in CI that is a failure.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use contract_tests::{Server, postgres};
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Sends each request with `fetch`, and shows what the page could read of the answers, in base64.
const PAGE: &str = r"<!doctype html><meta charset=utf-8><body><pre id=seen></pre><script>
const requests = {requests};
(async () => {
  const seen = [];
  for (const [url, options] of requests) {
    try {
      const answer = await fetch(url, options);
      seen.push([answer.status, await answer.text()]);
    } catch (error) {
      seen.push([0, String(error)]);
    }
  }
  const bytes = new TextEncoder().encode(JSON.stringify(seen));
  document.getElementById('seen').textContent = btoa(String.fromCharCode(...bytes));
})();
</script>";

/// Serves a page on a free port of loopback, which is an origin of its own.
async fn serve(page: String) -> io::Result<SocketAddr> {
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let page = Bytes::from(page);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let page = page.clone();
            let answer = service_fn(move |_| {
                let mut response = Response::new(Full::new(page.clone()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                async { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    Ok(address)
}

/// Opens a page in a browser that reaches loopback only; `None` if there is no browser.
async fn open(url: String, profile: &Path) -> Option<Output> {
    let mut browser = Command::new("chromium");
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=60000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", &url]);
    tokio::task::spawn_blocking(move || browser.output()).await.ok()?.ok()
}

#[expect(clippy::disallowed_methods, reason = "tests may read the environment")]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_of_another_origin_reads_the_answers_of_all_dialects() {
    if postgres().is_some() {
        return; // The browser does not care where the server keeps its data.
    }
    let server = Server::start().await;
    let gateway = server.gateway();
    let to = |path: &str| format!("http://{}{path}", gateway.addr);
    let post = |kind: &str, body: Value| json!({ "method": "POST", "headers": { "Content-Type": kind }, "body": body.to_string() });
    let (json, form, text) =
        ("application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain");
    let list = json!({ "Action": "FetchList", "flag": 1, "pageno": 1, "pagesize": 10 });
    let signed = json!({
        "method": "POST",
        "headers": { "Content-Type": json, "Liteav-Sig": "0", "Authorization": "Bearer 0" },
        "body": json!({ "userid": "mei_mei", "index": 0, "count": 10 }).to_string(),
    });
    let live_rooms = json!({
        "method": "POST",
        "headers": { "Content-Type": json, "X-Requested-With": "XMLHttpRequest" },
        "body": json!({ "cnt": 20, "index": 0 }).to_string(),
    });
    let rooms = json!({ "token": "0", "type": "live", "index": 0, "size": 10 });
    let requests = json!([
        [to("/interface.php"), post(json, list.clone())],
        [to("//interface.php"), post(form, list)],
        [to("/get_vod_list"), signed],
        [to("/index.php?svc=live&cmd=roomlist"), post(text, rooms)],
        [to("/live/GetLiveRoomList"), post(json, json!({ "sessionId": "0" }))],
        [to("/live/GetUserHeadPic?id=0"), {}],
        [to("/weapp/live_room/get_room_list?userID=mei_mei&token=0"), live_rooms],
        [to("/no/such/path"), post(json, json!({}))],
        // What a page of another origin must not read: health and metrics.
        [format!("http://{}/readyz", gateway.admin_addr.unwrap()), {}],
    ]);
    let page = serve(PAGE.replace("{requests}", &requests.to_string())).await.unwrap();
    let profile = tempfile::tempdir().unwrap();
    let Some(shown) = open(format!("http://{page}/"), profile.path()).await else {
        assert!(!in_ci(), "CI has no chromium");
        eprintln!("NOT RUN: there is no chromium (Debian: apt-get install chromium)");
        return;
    };
    let (document, log) = (String::from_utf8_lossy(&shown.stdout), String::from_utf8_lossy(&shown.stderr));
    let seen = document.split_once("<pre id=\"seen\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    let (seen, _) = seen.unwrap_or_else(|| panic!("the browser shows nothing: {document}\n{log}"));
    let seen: Vec<(u16, String)> = serde_json::from_slice(&STANDARD.decode(seen).unwrap()).unwrap();
    let [v1, form, v2, sxb, qplus, picture, room_service, unknown, admin] = seen.try_into().unwrap();
    for (what, (status, body), wanted, part) in [
        ("v1", v1, 200, "\"returnValue\":0"),
        ("v1 as a form, with a doubled slash", form, 200, "\"returnValue\":0"),
        ("v2", v2, 200, "\"code\":498"),
        ("sxb", sxb, 200, "\"errorCode\":10009"),
        ("qplus", qplus, 200, "\"status\":10003"),
        ("a picture of qplus", picture, 200, "\"status\":"),
        ("roomservice", room_service, 200, "\"code\":7"),
        ("an unknown path", unknown, 404, "\"code\":400"),
        ("health", admin, 0, "TypeError"),
    ] {
        assert!(status == wanted && body.contains(part), "{what}: {status} {body}");
    }
}
