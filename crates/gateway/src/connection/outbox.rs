//! The replies of one connection that wait to be sent, and whether its client takes them.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{sync::Notify, time::Instant};

use crate::unsent::{ReplyBody, UnsentPermit};

/// A connection that holds more bytes of replies than this begins no further request.
const MOST_HELD: usize = 256 * 1024;
/// How long a connection may hold more than [`MOST_HELD`] without progress while others want the memory.
const STALL: Duration = Duration::from_secs(10);
/// How often it is checked after that time whether others want the memory.
const STALL_CHECK: Duration = Duration::from_secs(1);
/// A reply is handed over in pieces of this size, so that progress is seen: a frame of HTTP/2.
const PIECE_BYTES: usize = 16 * 1024;

/// The counted replies of a connection.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Vec<Waiting>>,
    /// Whether `waiting` has entries: read before each wait of the connection, where a lock would cost too much.
    in_use: AtomicBool,
    /// Notified when a reply is gone.
    gone: Notify,
}

/// A reply of which bytes are not sent yet.
#[derive(Debug)]
struct Waiting {
    id: u64,
    permit: UnsentPermit,
    queued_at: Instant,
    /// When hyper last took a piece. Over HTTP/2 it does so when the client has made room, over HTTP/1 also to fill its own buffer.
    moved_at: Instant,
}

impl Outbox {
    /// Waits until the connection holds few enough bytes for one more request.
    pub(super) async fn room(&self) {
        loop {
            let gone = self.gone.notified();
            if !self.in_use.load(Ordering::Acquire) || held(&self.waiting()) <= MOST_HELD {
                return;
            }
            gone.await;
        }
    }

    /// Makes the body that hyper sends; `active` is kept until hyper has taken the whole of it.
    pub(super) fn queue<A>(self: &Arc<Self>, reply: ReplyBody, active: A) -> OutgoingBody<A> {
        let ReplyBody { bytes, permit } = reply;
        let Some(permit) = permit else { return OutgoingBody { rest: bytes, ticket: None, _active: active } };
        let mut waiting = self.waiting();
        let id = waiting.last().map_or(0, |last| last.id + 1);
        let now = Instant::now();
        waiting.push(Waiting { id, permit, queued_at: now, moved_at: now });
        self.in_use.store(true, Ordering::Release);
        drop(waiting);
        let ticket = Arc::new(Ticket { outbox: Arc::clone(self), id });
        let rest = Bytes::from_owner(Counted { bytes, _ticket: Arc::clone(&ticket) });
        OutgoingBody { rest, ticket: Some(ticket), _active: active }
    }

    /// When the connection has to be closed because its client takes no reply; `None` if no reply waits. `written` is when
    /// bytes were last written; over HTTP/2 they may belong to something else than a reply, and the time is ignored there.
    pub(super) fn due(&self, written: Option<Instant>, idle: Duration) -> Option<Instant> {
        if !self.in_use.load(Ordering::Acquire) {
            return None;
        }
        let waiting = self.waiting();
        let since = match written {
            Some(written) => waiting.iter().map(|reply| reply.queued_at).min()?.max(written),
            None => waiting.iter().map(|reply| reply.moved_at).min()?,
        };
        let due = since + idle;
        if held(&waiting) <= MOST_HELD {
            return Some(due);
        }
        let (stalled, now) = (since + STALL, Instant::now());
        let is_wanted = || waiting.iter().any(|reply| reply.permit.is_wanted());
        Some(due.min(if stalled > now || is_wanted() { stalled } else { now + STALL_CHECK }))
    }

    fn moved(&self, id: u64) {
        if let Some(reply) = self.waiting().iter_mut().find(|reply| reply.id == id) {
            reply.moved_at = Instant::now();
        }
    }

    fn remove(&self, id: u64) {
        let mut waiting = self.waiting();
        waiting.retain(|reply| reply.id != id);
        self.in_use.store(!waiting.is_empty(), Ordering::Release);
        drop(waiting);
        self.gone.notify_waiters();
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn held(waiting: &[Waiting]) -> usize {
    waiting.iter().map(|reply| reply.permit.bytes()).sum()
}

/// The place of a reply in the outbox, which it leaves when the last piece has left the memory of this process.
#[derive(Debug)]
struct Ticket {
    outbox: Arc<Outbox>,
    id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.outbox.remove(self.id);
    }
}

/// The memory of a counted reply.
struct Counted {
    bytes: Bytes,
    _ticket: Arc<Ticket>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The body of a response.
#[derive(Debug)]
pub(crate) struct OutgoingBody<A> {
    rest: Bytes,
    /// Present if the reply is counted.
    ticket: Option<Arc<Ticket>>,
    /// The request that is answered.
    _active: A,
}

impl<A: Unpin> Body for OutgoingBody<A> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = match &self.ticket {
            None => std::mem::take(&mut self.rest),
            Some(ticket) => {
                ticket.outbox.moved(ticket.id);
                let length = self.rest.len().min(PIECE_BYTES);
                self.rest.split_to(length)
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
