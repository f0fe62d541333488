//! The baseline of the benches: hyper with the gateway's protocol settings, which reads the body, parses the JSON and
//! replies with a constant. The difference to relive is the cost of relive itself.
//!
//! `bare ADDRESS`; `POST /N` answers N bytes of JSON.

use std::{convert::Infallible, net::SocketAddr};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpListener;

fn main() -> anyhow::Result<()> {
    let address: SocketAddr = std::env::args().nth(1).context("bare ADDRESS")?.parse()?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(address))
}

async fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut builder = auto::Builder::new(TokioExecutor::new());
            builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(16 * 1024);
            let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let length = request.uri().path().trim_start_matches('/').parse().unwrap_or(2);
    let body =
        request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let parsed: Result<serde_json::Value, _> = serde_json::from_slice(&body);
    // The constant depends on the parse, so that the compiler cannot remove the parse.
    let fill = if parsed.is_ok() { b'0' } else { b'1' };
    let mut reply = Response::new(Full::new(constant(length, fill)));
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    Ok(reply)
}

/// `{"":"000…"}`, `length` bytes long.
fn constant(length: usize, fill: u8) -> Bytes {
    let mut text = Vec::with_capacity(length);
    text.extend_from_slice(b"{\"\":\"");
    text.resize(length.saturating_sub(2).max(5), fill);
    text.extend_from_slice(b"\"}");
    text.into()
}
