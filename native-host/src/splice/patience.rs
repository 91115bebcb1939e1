//! A limit for silence.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How long it may go on that nothing moves.
#[derive(Default)]
pub(super) struct Patience {
    limit: Duration,
    end: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Is ready when nothing has moved for so long.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        limit: Duration,
        has_moved: bool,
    ) -> Poll<()> {
        let is_new = self.end.is_none() || self.limit != limit;
        let end = self.end.get_or_insert_with(|| Box::pin(sleep(limit)));
        if is_new || has_moved {
            self.limit = limit;
            end.as_mut().reset(Instant::now() + limit);
        }
        end.as_mut().poll(cx)
    }
}
