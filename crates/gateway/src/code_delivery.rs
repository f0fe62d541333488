//! Delivers verification codes: as a log line, to a program, or to a web hook of the operator.

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use qplus::{CodeDelivery, DeliveryError, DeliveryFuture, VerificationCode};
use tokio::{io::AsyncWriteExt as _, process::Command, sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::config::AuthCodeDelivery;

/// Deliveries under way at the same time; a further one fails at once.
const MAX_DELIVERIES: usize = 16;

/// The configured channel; `None` if codes are not delivered. A delivery may take three quarters of the deadline of a request: its
/// caller is told whether it has failed.
pub(crate) fn channel(
    delivery: &AuthCodeDelivery,
    request_deadline: Duration,
) -> Option<Arc<dyn CodeDelivery>> {
    let limit = request_deadline * 3 / 4;
    let slots = Arc::new(Semaphore::new(MAX_DELIVERIES));
    match delivery {
        AuthCodeDelivery::None => None,
        AuthCodeDelivery::Log => Some(Arc::new(LogLine)),
        AuthCodeDelivery::Command(program) => Some(Arc::new(Program { path: program.clone(), limit, slots })),
        AuthCodeDelivery::Webhook(url) => {
            let config = ureq::Agent::config_builder().timeout_global(Some(limit)).max_redirects(0);
            Some(Arc::new(Webhook { url: url.clone(), http: config.build().into(), slots }))
        }
    }
}

/// Writes codes to the log, for development. No other channel logs a code.
struct LogLine;

impl CodeDelivery for LogLine {
    fn deliver<'a>(&'a self, VerificationCode { phone, code }: VerificationCode<'a>) -> DeliveryFuture<'a> {
        tracing::info!(phone, code, "verification code");
        Box::pin(async { Ok(()) })
    }
}

/// Runs a program that reads the phone number and the code from its standard input, one per line: arguments would be
/// visible to every user of the machine. Exit code 0 means delivered.
struct Program {
    path: PathBuf,
    /// Longest time a delivery may take.
    limit: Duration,
    slots: Arc<Semaphore>,
}

impl CodeDelivery for Program {
    fn deliver<'a>(&'a self, VerificationCode { phone, code }: VerificationCode<'a>) -> DeliveryFuture<'a> {
        Box::pin(async move {
            let _slot = self.slots.try_acquire().map_err(DeliveryError::new)?;
            let run = async {
                let mut child = Command::new(&self.path)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .kill_on_drop(true)
                    .spawn()?;
                if let Some(mut input) = child.stdin.take() {
                    input.write_all(format!("{phone}\n{code}\n").as_bytes()).await?;
                }
                child.wait().await
            };
            let status =
                timeout(self.limit, run).await.map_err(DeliveryError::new)?.map_err(DeliveryError::new)?;
            if status.success() {
                Ok(())
            } else {
                Err(DeliveryError::new(format!("the program ended with {status}")))
            }
        })
    }
}

/// Sends `{"phone":…,"code":…}` in a `POST`. A status of 2xx means delivered.
struct Webhook {
    url: String,
    http: ureq::Agent,
    slots: Arc<Semaphore>,
}

impl CodeDelivery for Webhook {
    fn deliver<'a>(&'a self, VerificationCode { phone, code }: VerificationCode<'a>) -> DeliveryFuture<'a> {
        Box::pin(async move {
            let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(DeliveryError::new)?;
            let (http, url) = (self.http.clone(), self.url.clone());
            let body = serde_json::json!({"phone": phone, "code": code}).to_string();
            let post = move || {
                let answer = http.post(url).content_type("application/json").send(body);
                drop(slot);
                // Redirects are not followed: with `max_redirects(0)` a redirect is returned as the answer.
                answer.is_ok_and(|answer| answer.status().is_success())
            };
            if spawn_blocking(post).await.map_err(DeliveryError::new)? {
                Ok(())
            } else {
                // The cause is left out: it may quote the URL, which may hold the operator's credentials.
                Err(DeliveryError::new("the web hook did not answer with success"))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use tokio::{io::AsyncReadExt as _, net::TcpListener};

    use super::*;

    const DEADLINE: Duration = Duration::from_mins(1);
    const CODE: VerificationCode<'_> = VerificationCode { phone: "13900001111", code: "012345" };

    #[tokio::test]
    async fn a_program_reads_phone_and_code_from_its_standard_input() {
        let folder = tempfile::tempdir().unwrap();
        let (program, note) = (folder.path().join("sms"), folder.path().join("note"));
        fs::write(&program, format!("#!/bin/sh\ncat > {}\n", note.display())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let sms = channel(&AuthCodeDelivery::Command(program.clone()), DEADLINE).unwrap();
        sms.deliver(CODE).await.unwrap();
        assert_eq!(fs::read_to_string(note).unwrap(), "13900001111\n012345\n");
        fs::write(&program, "#!/bin/sh\nexit 3\n").unwrap();
        assert!(sms.deliver(CODE).await.is_err());
    }

    #[tokio::test]
    async fn a_web_hook_gets_a_post_and_delivers_with_a_2xx_status_only() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sms", listener.local_addr().unwrap());
        let hook = channel(&AuthCodeDelivery::Webhook(url), DEADLINE).unwrap();
        for (reply, delivered) in [("204 No Content", true), ("302 Found", false), ("503 Busy", false)] {
            let serve = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let head = format!("HTTP/1.1 {reply}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.write_all(head.as_bytes()).await.unwrap();
                String::from_utf8(request).unwrap()
            };
            let (request, answer) = tokio::join!(serve, hook.deliver(CODE));
            assert!(request.ends_with(r#"{"code":"012345","phone":"13900001111"}"#), "{request}");
            assert_eq!(answer.is_ok(), delivered);
        }
    }

    #[test]
    fn no_channel_unless_configured() {
        assert!(channel(&AuthCodeDelivery::None, DEADLINE).is_none());
        assert!(channel(&AuthCodeDelivery::Log, DEADLINE).is_some());
    }
}
