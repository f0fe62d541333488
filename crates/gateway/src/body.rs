//! Reading a request's body: to its end, to the endpoint's limit, or until the client is too slow.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, Incoming};
use relive_wire::Body;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, error::Elapsed, timeout_at},
};

/// A body of this size costs nothing from the budget.
const SMALL: usize = 64 * 1024;
/// What one permit of the budget stands for.
const UNIT: usize = 64 * 1024;
/// What bodies beyond [`SMALL`] may take together: 256 MiB.
const BUDGET: usize = 4096;
/// How much of a body beyond its limit is read and dropped, so that the client gets its answer instead of a reset.
const DRAIN: usize = 16 * 1024 * 1024;
/// Every this many bytes give the client one more second.
const BYTES_PER_SECOND: usize = 16 * 1024;

/// How bodies are read.
#[derive(Debug)]
pub(crate) struct BodyReader {
    timeout: Duration,
    budget: Semaphore,
}

/// How reading ended.
#[derive(Debug)]
pub(crate) enum Read<'a> {
    /// The body is known; the permit is held until the request is answered.
    Done(Body, Option<SemaphorePermit<'a>>),
    /// More than the limit, and the rest was not read: the connection cannot be used again.
    Unread,
    /// The client was too slow.
    TimedOut,
    /// The client is gone, or broke the protocol.
    Gone,
}

impl BodyReader {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, budget: Semaphore::new(BUDGET) }
    }

    /// Reads up to `limit` bytes. `waiting` is a client that sends its body only after `100 Continue`: too large a body
    /// is then refused without asking for it.
    pub(crate) async fn read(&self, body: &mut Incoming, limit: usize, waiting: bool) -> Read<'_> {
        if body.is_end_stream() {
            return Read::Done(Body::Whole(Bytes::new()), None);
        }
        let declared = body.size_hint().exact().map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        if declared.is_some_and(|size| size > limit && (waiting || size > limit.saturating_add(DRAIN))) {
            return Read::Unread;
        }
        let reading = Reading { declared: declared.unwrap_or(0), limit, waiting_since: None, permit: None };
        reading.run(self, body).await
    }
}

struct Reading<'a> {
    /// 0 if the client did not say.
    declared: usize,
    limit: usize,
    /// `None` as long as all of it was there when it was asked for.
    waiting_since: Option<Instant>,
    permit: Option<SemaphorePermit<'a>>,
}

impl<'a> Reading<'a> {
    async fn run(mut self, reader: &'a BodyReader, body: &mut Incoming) -> Read<'a> {
        // Nearly every body is one frame, which is handed on as it came.
        let mut first = Bytes::new();
        let mut joined = BytesMut::new();
        let mut received = 0_usize;
        loop {
            let data = match self.frame(reader, body, received).await {
                Err(_) => return Read::TimedOut,
                Ok(Some(Err(_))) => return Read::Gone,
                Ok(None) => break,
                // Trailers mean nothing to any dialect.
                Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            };
            received = received.saturating_add(data.len());
            if received > self.limit {
                (first, joined, self.permit) = (Bytes::new(), BytesMut::new(), None);
                if received > self.limit.saturating_add(DRAIN) {
                    return Read::Unread;
                }
                continue;
            }
            if received > SMALL {
                let deadline = self.deadline(reader, received);
                if timeout_at(deadline, self.reserve(reader, received)).await.is_err() {
                    return Read::TimedOut;
                }
            }
            if received == data.len() {
                first = data;
            } else if !data.is_empty() {
                if joined.is_empty() {
                    joined.reserve(self.declared.clamp(received, self.limit));
                    joined.extend_from_slice(&std::mem::take(&mut first));
                }
                joined.extend_from_slice(&data);
            }
            if body.is_end_stream() {
                break;
            }
        }
        if received > self.limit {
            return Read::Done(Body::TooLarge, None);
        }
        let whole = if joined.is_empty() { first } else { joined.freeze() };
        Read::Done(Body::Whole(whole), self.permit)
    }

    fn deadline(&mut self, reader: &BodyReader, received: usize) -> Instant {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        since + reader.timeout + Duration::from_secs((received / BYTES_PER_SECOND) as u64)
    }

    /// The next frame; `None` at the end.
    async fn frame(
        &mut self,
        reader: &BodyReader,
        body: &mut Incoming,
        received: usize,
    ) -> Result<Option<hyper::Result<Frame<Bytes>>>, Elapsed> {
        // Most bodies arrive with their head: a timer for them would cost more than reading them.
        if self.waiting_since.is_none()
            && let Some(frame) = at_hand(body).await
        {
            return Ok(frame);
        }
        timeout_at(self.deadline(reader, received), body.frame()).await
    }

    /// Takes what the body needs from the budget, waiting for others to finish.
    async fn reserve(&mut self, reader: &'a BodyReader, received: usize) {
        let units = self.declared.min(self.limit).max(received).div_ceil(UNIT).min(BUDGET);
        let held = self.permit.as_ref().map_or(0, SemaphorePermit::num_permits);
        let missing = u32::try_from(units.saturating_sub(held)).unwrap_or(0);
        if missing == 0 {
            return;
        }
        if let Ok(more) = reader.budget.acquire_many(missing).await {
            match &mut self.permit {
                Some(permit) => permit.merge(more),
                permit @ None => *permit = Some(more),
            }
        }
    }
}

/// The next frame, if it needs nothing but that the connection is looked at once more.
async fn at_hand(body: &mut Incoming) -> Option<Option<hyper::Result<Frame<Bytes>>>> {
    let mut asked = false;
    poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Ready(frame) => Poll::Ready(Some(frame)),
        Poll::Pending if asked => Poll::Ready(None),
        Poll::Pending => {
            asked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await
}
