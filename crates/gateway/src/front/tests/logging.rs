//! The log lines of requests.

use super::*;

/// The log lines of a test.
#[derive(Clone, Default)]
struct LogLines(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    /// Collects the log lines of this thread until the guard is dropped.
    fn collect(log: &crate::config::Log) -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let writer = {
            let lines = lines.clone();
            move || lines.clone()
        };
        let subscriber = tracing_subscriber::layer::SubscriberExt::with(
            tracing_subscriber::registry(),
            crate::observe::logging::lines(log, false, writer, Repeats::default()),
        );
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn an_error_is_logged_with_its_causes_in_both_formats() {
    let error = relive_core::Error::Storage("database or disk is full".into());
    for format in [crate::config::LogFormat::Pretty, crate::config::LogFormat::Json] {
        let log = crate::config::Log { format, ..crate::config::Log::default() };
        let (lines, logging) = LogLines::collect(&log);
        tracing::error!(error = %relive_core::causes(&error), "commit failed");
        drop(logging);
        assert!(lines.text().contains("the storage failed: database or disk is full"), "{}", lines.text());
    }
}

#[tokio::test]
async fn every_request_is_logged_without_its_query_headers_and_body() {
    let log = crate::config::Log { level: "trace".to_owned(), ..crate::config::Log::default() };
    let (lines, _logging) = LogLines::collect(&log);
    tracing::debug!(target: "h2::codec", "a library read hunter2");

    let head = "authorization: Bearer hunter2\r\nliteav-sig: hunter2\r\ncontent-length: 7";
    let mut client = connect();
    client.send(format!("POST /echo?token=hunter2 HTTP/1.1\r\nhost: x\r\n{head}\r\n\r\nhunter2")).await;
    client.receive().await;
    let stream = TokioIo::new(served_http2());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("http://x/no?token=hunter2").header("authorization", "hunter2");
    sender.send_request(request.body(Full::new(Bytes::from("hunter2"))).unwrap()).await.unwrap();

    let text = lines.text();
    for expected in
        ["adapter=\"echo\" interface=\"echo\" code=0 status=200", "code=400 status=404", "client=10.0.0.1"]
    {
        assert!(text.contains(expected), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}
