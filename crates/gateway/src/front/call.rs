//! Lets an adapter answer: in time, and without keeping a worker from its other connections.

use std::{future::poll_fn, task::Poll, thread::available_parallelism, time::Duration};

use metrics::counter;
use relive_wire::{Adapter, Body, Reply, ReplyFuture, Request};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::Semaphore,
    task::block_in_place,
    time::{Instant, timeout, timeout_at},
};

/// To read a body up to this size takes no longer than to answer many other requests.
const SMALL_BODY_BYTES: usize = 64 * 1024;
/// The most larger bodies that are read at a time: reading makes copies that no other budget counts.
const MOST_LARGE_BODIES: usize = 4;

/// Calls adapters within a deadline.
#[derive(Debug)]
pub(super) struct Caller {
    deadline: Duration,
    /// One permit for each large body that may be read at a time.
    large: Semaphore,
}

impl Caller {
    /// `deadline` is how long a call may take.
    pub(super) fn new(deadline: Duration) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { deadline, large: Semaphore::new(cores.min(MOST_LARGE_BODIES)) }
    }

    /// The adapter's reply; beyond the deadline "busy". A change that the call has asked for by then may still happen.
    pub(super) async fn call(&self, adapter: &dyn Adapter, request: &Request) -> Reply {
        let reply = match &request.body {
            Body::Whole(body) if body.len() > SMALL_BODY_BYTES => {
                self.call_off_workers(adapter, request).await
            }
            _ => in_time(adapter.call(request), self.deadline).await,
        };
        reply.unwrap_or_else(|| {
            counter!("relive_limited_total", "limit" => "request_deadline").increment(1);
            adapter.busy(request)
        })
    }

    /// Calls the adapter on a thread that serves no connection meanwhile; `None` if the call takes too long.
    async fn call_off_workers(&self, adapter: &dyn Adapter, request: &Request) -> Option<Reply> {
        let end = Instant::now() + self.deadline;
        let _permit = timeout_at(end, self.large.acquire()).await.ok()?;
        let call = in_time(adapter.call(request), end.saturating_duration_since(Instant::now()));
        let runtime = Handle::current();
        match runtime.runtime_flavor() {
            RuntimeFlavor::MultiThread => block_in_place(|| runtime.block_on(call)),
            _ => call.await,
        }
    }
}

/// The reply of a call; `None` if it takes too long.
async fn in_time(mut call: ReplyFuture<'_>, deadline: Duration) -> Option<Reply> {
    // Most calls never wait: a timer would cost more than some of them.
    match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
        Poll::Ready(reply) => Some(reply),
        Poll::Pending => timeout(deadline, call).await.ok(),
    }
}
