//! A request's body, and whether it has come to its end.

use super::stream::Progress;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A body that notes its end: a request whose rest does not come is no work of the server's.
pub(super) struct Noted {
    body: Incoming,
    progress: Arc<Progress>,
}

impl Noted {
    pub(super) fn new(body: Incoming, progress: Arc<Progress>) -> Self {
        progress.set_reading(!body.is_end_stream());
        Self { body, progress }
    }
}

impl Body for Noted {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.progress.set_reading(false);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
